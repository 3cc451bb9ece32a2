# shellcheck shell=sh
# Give an encrypted copy its name once it is on the disk. `sums` is its line of sha256sum.

set -eu
cd -- "$directory"
sum=$(sha256sum <".$file.part")
[ "${sum%% *}" = "${sums%% *}" ] || { echo "what arrived is not what was sent"; exit 1; }
sync ".$file.part" ".$note.part"
mv -T -- ".$file.part" "$file"; mv -T -- ".$note.part" "$note"; sync .
