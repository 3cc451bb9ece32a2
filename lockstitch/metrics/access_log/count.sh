# Counts the requests of the access logs that `pattern` matches, in windows of time on this host's clock.
# windows.sh comes before it.
# shellcheck shell=sh disable=SC2154
# shellcheck disable=SC2086 # a pattern
count() {
  LC_ALL=C nice awk "$program"
}
export windows limits ignored format now
IFS='
'
found=''
for file in $pattern; do
  [ -e "$file" ] || continue
  found=1
  printf 'file %s\n' "$file"
  if ! [ -f "$file" ]; then
    printf 'unreadable %s is no file\n' "$file"
    continue
  elif ! [ -r "$file" ]; then
    printf 'unreadable %s may not be read by %s\n' "$file" "$(id -un)"
    continue
  fi
  # Rotated files that were written to in the windows come first.
  older=''
  for part in "$file".[0-9]* "$file"-[0-9]*; do
    [ -f "$part" ] && [ -n "$(find "$part" -mmin "-$minutes")" ] || continue
    case $part in
      *.gz | *.xz | *.bz2 | *.zst) printf 'compressed %s\n' "$part" ;;
      *) if [ -r "$part" ]; then older=$older${older:+$IFS}$part; else printf 'unreadable %s may not be read by %s\n' "$part" "$(id -un)"; fi ;;
    esac
  done
  size=$(wc -c <"$file") || exit 1
  # As much of its end as begins before all windows; a half hour of lines shows whether it is up to date.
  for most in 2097152 16777216 67108864; do
    cut=''
    [ "$size" -gt "$most" ] || break
    cut=1
    first=$(tail -c "$most" "$file" | head -n 3 | cut=1 count | sed -n 's/^first //p')
    [ -z "$first" ] || [ "$first" -ge "$earliest" ] || [ "$first" -ge $((now - 1800)) ] || break
  done
  [ -z "$cut" ] || older=''
  export cut
  {
    for part in $older; do tail -c "$most" "$part"; done
    tail -c "$most" "$file"
  } | count || printf 'unreadable %s: awk ended with %s\n' "$file" "$?"
done
[ -n "$found" ] || printf 'unreadable %s: there is no such file\n' "$pattern"
