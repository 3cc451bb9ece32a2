# shellcheck shell=sh
# Make the directory that receives an encrypted copy, `file`, with `note` beside it. `needed` is in KiB.

set -eu
umask 077
mkdir -p -- "$directory"; cd -- "$directory"
rm -f -- ".$file.part" ".$note.part"
free=$(df -Pk . | awk 'NR == 2 { print $4 }')
[ "$free" -ge "$needed" ] || { echo "$directory has room for $free KiB, and the copy needs $needed"; exit 1; }
