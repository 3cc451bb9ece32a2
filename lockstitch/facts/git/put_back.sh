# shellcheck shell=sh
# The inner sh expands these.
# shellcheck disable=SC2016

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
