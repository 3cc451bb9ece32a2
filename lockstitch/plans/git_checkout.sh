# shellcheck shell=sh
# A list of words, split on purpose.
# shellcheck disable=SC2086
# What came into the way since the survey stops it, ignored or not. With `back` it is an undo: where nothing was changed
# there is nothing to undo, whatever stands in git's way; and a submodule that this host never had is no reason to stay
# on the new code.

set -eu
# What the last build changed is left behind, and a copy stays: somebody may have worked on it in the meantime.
if [ -n "$built" ] && as_built; then
    git -C "$path" diff --binary HEAD -- >"$state/built.patch"
    force=--force
fi
[ -z "$back" ] || standing
if [ -n "$back" ] && [ "$at" = "$revision" ]; then
    changed=$(git -C "$path" status --porcelain --untracked-files=no) && [ -z "$changed" ] && exit 0
fi
[ -z "$back" ] || drop_locks
each() { lfs "$1" "$2" "$4"; }
if [ -z "$back" ]; then
    case $without in *lfs*) ;; *) lfs "$clone" "$revision" "$repository" ;; esac
    case $without in *modules*) ;; *) modules "$clone" "$revision" "$repository" '' ;; esac
fi
# The folder of a submodule that goes would stay, and be in the way of what comes there.
move() {
    git -C "$1" -c core.quotePath=off diff-tree -r --raw --no-renames HEAD "$2" 2>/dev/null |
        sed -n 's/^:160000 \(0\|1[02]\)[^\t]*\t//p' | while IFS= read -r sub; do
            if git -C "$1" submodule --quiet deinit $force -- "$sub" </dev/null; then rmdir -- "$1/$sub" || :
            elif [ -n "$(git -C "$1" ls-tree "$2" -- "$sub")" ]; then exit 1; fi
        done && git -C "$1" checkout -q ${force:---no-overwrite-ignore} --detach "$2" --
}
move "$path" "$revision"
case $without in *modules*) exit 0 ;; esac
each() {
    [ -e "$path/$5.git" ] || return 0
    if [ -e "$path/$3/.git" ]; then move "$path/$3" "$2"
    else git -C "$path/$5" submodule --quiet update --init --no-fetch $force -- "${3#"$5"}"; fi
}
modules "$clone" "$revision" "$repository" ''
