# shellcheck shell=sh
# The functions of git/modules.sh read it.
# shellcheck disable=SC2034
# Only what the repository and its submodules hold: an archive has no .git, so what is served cannot leak it.
# What a cut off run left is removed by the form of its name: another tool's folders may lie there too. `fetched`: the
# step before has brought files of Git LFS.

set -eu
back=
{ [ -d "$releases" ] && [ -d "$shared" ]; } || mkdir -p "$releases" "$shared"
[ ! -e "$directory" ] || { echo "$directory is there already"; exit 1; }
# Two folders beside each other: neither lies in the other, unless one is a link.
if [ -L "$releases" ] || [ -L "$shared" ]; then
    case "$(readlink -f -- "$releases")/" in "$(readlink -f -- "$shared")"/*)
        echo "$releases lies in what is shared: put one of them elsewhere"; exit 1 ;; esac
fi
for left in "$releases"/????????T??????Z-*.part; do [ ! -e "$left" ] || ls_remove "$left"; done
mkdir "$directory.part"
unpack() {
    [ -n "$fetched" ] || lfs "$1" "$2" "$4" || return
    tar=$directory.part/.lockstitch.tar
    of "$1" archive --format=tar -o "$tar" "$2" || return
    tar -xf "$tar" -C "$directory.part/$3" && rm "$tar"
}
# What is marked export-ignore has no folder there.
each() { [ ! -d "$directory.part/$3" ] || [ -L "$directory.part/$3" ] || unpack "$@"; }
unpack "$clone" "$revision" . "$repository"
case $without in *modules*) ;; *) modules "$clone" "$revision" "$repository" '' ;; esac
# A link of that name in the repository would be written through.
[ ! -e "$directory.part/REVISION" ] && [ ! -L "$directory.part/REVISION" ] || rm -f -- "$directory.part/REVISION"
echo "$revision" >"$directory.part/REVISION"
mv -T "$directory.part" "$directory"
