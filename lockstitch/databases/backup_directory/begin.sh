# shellcheck shell=sh
# A backup is made in a folder of another name. One run at a time works in a directory, because it holds its lock: what
# is unfinished here belongs to a dead one. discard.sh comes before this text.

set -eu
umask 077
mkdir -p "$directory"; cd "$directory"
[ ! -e "$name" ] || { echo "there is a backup $name already"; exit 1; }
for old in ."$vault"-[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z*.part; do
    [ ! -e "$old" ] || discard "$old"
done
part=".$name.part"; home=$(pwd)
mkdir "$part"
# Where the disk is full, nobody could write down why he failed.
trap 'code=$?; trap "" TERM
    cd "$home"
    [ $code -eq 0 ] || [ ! -d "$part" ] || { printf "%65536s" . >"$part/probe"; } 2>/dev/null ||
        echo "no space is left on the disk of $home"
    rm -rf -- "$part"; exit $code' EXIT
trap 'trap "" TERM INT HUP; exit 143' TERM INT HUP
cd "$part"
