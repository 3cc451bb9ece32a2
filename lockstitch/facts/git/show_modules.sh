# shellcheck shell=sh
# `show_modules FROM TO`: the submodules of the repository itself that are pinned elsewhere, come in, or go.

show_modules() {
    [ -n "$1" ] && [ "$1" != "$2" ] || return 0
    git -c core.quotePath=off diff-tree -r --raw --no-renames --no-abbrev "$1" "$2" 2>/dev/null |
        awk -F '\t' '/^:160000|^:[0-7]+ 160000/ { split($1, of, " "); print "module", of[3], of[4], $2 }'
}
