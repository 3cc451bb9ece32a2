# shellcheck shell=sh
# A backup is on the disk before it has its name: a backup of that name is whole, whenever the power goes.

set -eu
cd -- "$directory/.$name.part"
said=$(printf '%s\n' "$sums" "$manifest" | sha256sum -c - 2>&1) || {
    printf '%s\n' "$said" | grep -v ': OK$' | head -n 5; echo "what arrived is not what was sent"; exit 1
}
find . -type f -exec sync {} + ; sync .
cd ..
mv -T -- ".$name.part" "$name"; sync .
