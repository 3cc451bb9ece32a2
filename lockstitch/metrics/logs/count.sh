# shellcheck shell=sh
# Counts the records of an app's logs in windows of time on this host's clock: of the files that `paths` match (a line each) and
# that `ask` prints, and of the journals of `units` (words). Only counts are printed. windows.sh comes before it.
# shellcheck disable=SC2154,SC2086,SC2034

zone=$(date +%z) LC_ALL=C
export now zone windows patterns LC_ALL
unreadable() { printf 'unreadable %s\n' "$*"; }
count() { nice awk "$program" || unreadable "awk ended with $?"; }
newer() { [ -n "$(find "$1" -prune -mmin "-$minutes" 2>/dev/null)" ]; }
examine() {
  # Two patterns may match one file.
  key=$(stat -L -c '%d_%i' -- "$1" 2>/dev/null || printf '%s' "$1")
  case "$IFS$seen$IFS" in *"$IFS$key$IFS"*) return 0 ;; esac
  seen=$seen$IFS$key
  printf 'file %s\n' "$1"
  [ -f "$1" ] || { unreadable "$1 is no file"; return 0; }
  newer "$1" || { echo quiet; return 0; }
  case $1 in *.gz | *.xz | *.bz2 | *.zst) unreadable "$1 is compressed already: use a shorter window"; return 0 ;; esac
  [ -r "$1" ] || { unreadable "$1 may not be read by $(id -un)"; return 0; }
  size=$(wc -c <"$1") || { unreadable "$1"; return 0; }
  # As much of its end as begins before all windows.
  for most in 2097152 16777216 67108864; do
    cut=''
    [ "$size" -gt "$most" ] || break
    cut=1
    first=$(tail -c "$most" "$1" | head -n 200 | count | sed -n 's/^first //p')
    [ -z "$first" ] || [ "$first" -ge "$earliest" ] || break
  done
  printf 'cut %s %s\n' "${cut:-0}" "$earliest"
  tail -c "$most" "$1" | count
}
IFS='
'
seen=''
asked=$(ask) || unreadable "the question where the logs are ended with $?"
for pattern in $paths $asked; do
  for file in $pattern; do
    [ -e "$file" ] || { printf 'absent %s\n' "$pattern"; continue; }
    examine "$file"
    # Rotated files that were written to in the windows.
    for part in "$file".[0-9]* "$file"-[0-9]* "${file%.log}"__[0-9]*; do
      if [ -f "$part" ] && newer "$part"; then examine "$part"; fi
    done
  done
done
unset IFS
for unit in $units; do
  printf 'file the journal of %s\n' "$unit"
  command -v journalctl >/dev/null 2>&1 || { unreadable "there is no journalctl"; continue; }
  if [ -z "$(journalctl -q -u "$unit" -n 1 -o cat 2>/dev/null)" ]; then
    case $(journalctl -n 0 2>&1 >/dev/null) in
      *"not seeing messages"* | *"insufficient permissions"*)
        unreadable "the journal of $unit may not be read by $(id -un): add that user to the group systemd-journal"
        continue ;;
    esac
  fi
  export journal=1
  journalctl -q -a --no-pager -u "$unit" --since "@$earliest" -o short-unix 2>/dev/null | count
  unset journal
done
echo told
