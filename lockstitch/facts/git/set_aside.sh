# shellcheck shell=sh
# The inner sh expands these.
# shellcheck disable=SC2016
# Changed files are copied, and what stands in the way is moved. `whole` says that nothing of it was left out: only then
# may a checkout, or its undo, write over what was changed.

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
