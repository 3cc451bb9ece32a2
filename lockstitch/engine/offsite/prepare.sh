# shellcheck shell=sh
# Make the folder that receives a backup. `needed` is in KiB; `folders` are those of its files, a line each.

set -eu
umask 077
mkdir -p -- "$directory"; cd -- "$directory"
rm -rf -- ".$name.part"
free=$(df -Pk . | awk 'NR == 2 { print $4 }')
[ "$free" -ge "$needed" ] || { echo "$directory has room for $free KiB, and the backup needs $needed"; exit 1; }
mkdir -- ".$name.part"; cd -- ".$name.part"
printf '%s\n' "$folders" | while read -r folder; do [ -z "$folder" ] || mkdir -p -- "$folder"; done
