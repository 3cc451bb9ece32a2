# shellcheck shell=sh
# Add a line to the follow-ups of a site. A line that a full disk cut off does not spoil this one. Where nothing was ever
# done at a site, nothing is kept, and `none` is said.

umask 002
[ -d "$state" ] || { echo none; exit 0; }
size=0
[ ! -e "$file" ] || size=$(wc -c <"$file") || exit 1
[ "$size" -lt 262144 ] || { echo "$file is full: take lines out of it that are done"; exit 1; }
[ -z "$(tail -c 1 "$file" 2>/dev/null)" ] || echo >>"$file" || exit 1
printf '%s\n' "$line" >>"$file" || exit 1
echo kept
