"""Changes that people left in a checkout, found, moved aside and put back, as constant shell texts. Each wants
`git.SETTINGS` before it."""

from __future__ import annotations

# `in_the_way REVISION`, in the checkout: what a checkout of the revision would overwrite or remove, and git status does
# not tell. Names that end with NUL: untracked files, ignored or not, in whose place the revision has something, or a
# folder of which it needs to make a file, or the reverse; and changed files that git was told to take for unchanged.
# The folders of submodules are left to git.
IN_THE_WAY = r"""
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
"""

# A live revision that is not part of the next is the only name of its commits, once its branch is gone.
KEEP = r"""
here cat-file -e "$before^{commit}" 2>/dev/null || exit 0
here update-ref "refs/lockstitch/kept/$before" "$before"
"""

# Changed files are copied, and what stands in the way is moved. `whole` says that nothing of it was left out: only then
# may a checkout, or its undo, write over what was changed.
ASIDE = (
    IN_THE_WAY
    + r"""
set -eu
mkdir -p "$state/aside"; cd "$state/aside"; mkdir -m 700 "$run"; aside=$(pwd -P)/$run; cd "$OLDPWD"; cd "$path"
mkdir "$aside/files"
git update-index -q --refresh >/dev/null || :
base=$(git rev-parse -q --verify 'HEAD^{tree}') || base=$(git hash-object -t tree /dev/null)
in_the_way "$revision" >"$aside/moved"
git diff-index --name-only -z --no-renames "$base" -- >"$aside/changed"
git diff-index --name-only -z --no-renames --diff-filter=D "$base" -- >"$aside/deleted"
git diff --binary --no-ext-diff --no-textconv --no-color "$base" -- >"$aside/changes.patch"
[ ! -e .git/index ] || cp -p .git/index "$aside/index"
xargs -0 -r sh -c 'for name do
    { [ -e "$name" ] || [ -L "$name" ]; } || continue
    mkdir -p -- "$0/$(dirname -- "./$name")" && cp -aT -- "./$name" "$0/$name" || exit 255
done' "$aside/files" <"$aside/changed"
xargs -0 -r sh -c 'for name do
    name=${name%/}; mkdir -p -- "$0/$(dirname -- "./$name")" && mv -T -- "./$name" "$0/$name" || exit 255
done' "$aside/files" <"$aside/moved"
: >"$aside/whole"
cat "$aside/changed" "$aside/moved" | tr '\n\r\0' '??\n' | sed "s|^|kept in $run: |"
"""
)
# Where nothing was set aside whole, no checkout was begun.
UNLESS_WHOLE = '[ -e "$state/aside/$run/whole" ] || exit 0\n'
PUT_BACK = r"""
set -eu
[ -d "$state/aside/$run" ] || exit 0
aside=$(cd "$state/aside/$run" && pwd -P); cd "$path"
[ ! -e "$aside/whole" ] || xargs -0 -r rm -f -- <"$aside/deleted"
for list in changed moved; do
    [ -e "$aside/$list" ] || continue
    xargs -0 -r sh -c 'for name do
        name=${name%/}; from=$0/$name
        { [ -e "$from" ] || [ -L "$from" ]; } || continue
        mkdir -p -- "$(dirname -- "./$name")"
        if [ -e "./$name" ] || [ -L "./$name" ]; then cp -aT --remove-destination -- "$from" "./$name"
        else mv -T -- "$from" "./$name"; fi || exit 255
    done' "$aside/files" <"$aside/$list"
done
[ ! -e "$aside/index" ] || cp -p "$aside/index" .git/index
git update-index -q --refresh >/dev/null || :
rm -rf -- "$aside"
"""
