# shellcheck shell=sh
# `show_holds GIT_DIR REVISION` prints `holds PATH` for each shared path that a revision has itself, then `held`. What lies
# in a submodule or behind a link of the repository counts as held: only a checkout can tell. Nothing where git cannot.

show_holds() {
    ls_held=''
    while IFS= read -r ls_one; do
        # A folder is made where it is missing.
        case $ls_one in */) continue ;; esac
        ls_up=$ls_one
        while :; do
            ls_entry=$(GIT_LITERAL_PATHSPECS=1 of "$1" ls-tree "$2" -- "$ls_up") || return 0
            [ "$ls_up" != "$ls_one" ] || [ -z "$ls_entry" ] || break
            case $ls_entry in 160000* | 120000*) break ;; esac
            case $ls_up in */*) ls_up=${ls_up%/*} ;; *) continue 2 ;; esac
        done
        ls_held="${ls_held}holds $ls_one
"
    done <<PATHS
$paths
PATHS
    printf '%sheld\n' "$ls_held"
}
