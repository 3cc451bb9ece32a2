# shellcheck shell=sh
# The inner sh expands these.
# shellcheck disable=SC2016
# `in_the_way REVISION`, in the checkout: what a checkout of the revision would overwrite or remove, and git status does
# not tell. Names that end with NUL: untracked files, ignored or not, in whose place the revision has something, or a
# folder of which it needs to make a file, or the reverse; and changed files that git was told to take for unchanged.
# The folders of submodules are left to git.

in_the_way() (
    export GIT_LITERAL_PATHSPECS=1
    modules=$(git ls-files -s | sed -n 's/^160000 [^	]*	//p'); export modules
    new() { git diff-index --cached --name-only -z --no-renames "$@"; }
    new --diff-filter=D "$1" -- | xargs -0 -r sh -c '
        nl="
"
        for name do
            up=; rest=$name
            while [ "$rest" != "${rest#*/}" ]; do
                up=$up${rest%%/*}; rest=${rest#*/}
                case "$nl$modules$nl" in *"$nl$up$nl"*) continue 2 ;; esac
                if [ -L "$up" ] || { [ -e "$up" ] && [ ! -d "$up" ]; }; then
                    [ -n "$(git ls-files -- "$up")" ] || printf "%s\0" "$up"
                    continue 2
                fi
                up=$up/
            done
            if [ -L "$name" ]; then printf "%s\0" "$name"
            elif [ -d "$name" ]; then git ls-files -z -o --directory --no-empty-directory -- "$name"
            elif [ -e "$name" ]; then printf "%s\0" "$name"; fi
        done' sh | sort -zu
    hidden=$(git ls-files -v | grep -c '^[a-zS]') || :
    [ "$hidden" = 0 ] || git ls-files -vz | sed -zn 's/^[a-zS] //p' | xargs -0 -r sh -c '
        to=$0; git diff-index --cached --name-only -z --no-renames "$to" -- "$@"' "$1" | xargs -0 -r sh -c '
        for name do
            { [ -e "$name" ] || [ -L "$name" ]; } || continue
            [ "$(git hash-object -- "$name")" = "$(git rev-parse -q --verify ":$name")" ] || printf "%s\0" "$name"
        done' sh
)
# The same, a line each, for an answer. $1 is the git folder that holds the revision.
show_in_the_way() {
    [ "$kind" = in_place ] && [ -d "$clone" ] || return 0
    top=$(cd "$path" && pwd -P) || return
    (cd "$top" && export GIT_DIR="$1" GIT_WORK_TREE="$top" GIT_INDEX_FILE="$top/.git/index" &&
        in_the_way "$2" | tr '\n\r\0' '??\n' | head -n 400 | sed 's/^/stands /')
}
