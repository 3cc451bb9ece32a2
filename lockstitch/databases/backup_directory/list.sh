# shellcheck shell=sh
# What lies in the directory, as lines `WORD REST`. A host's answer has an end: where it is too long, what is cut off is
# the oldest backups. So the rest comes last.

! there "$directory" || (
    said=$(LC_ALL=C ls -- "$directory" 2>&1 >/dev/null) && [ -d "$directory" ] && cd "$directory" || {
        said=${said:-it is no folder}; echo "unreadable $directory: ${said##*: }"; exit; }
    set -- "$vault"-[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z*
    for name in "$@"; do
        shift
        if [ -s "$name/manifest.json" ] && [ -r "$name/manifest.json" ]; then set -- "$@" "$name/manifest.json"
        elif [ -e "$name/manifest.json" ] || { [ -d "$name" ] && [ ! -x "$name" ]; }; then echo "backup $name {"
        elif [ -d "$name" ]; then echo "broken $name"; fi
    done
    [ $# -eq 0 ] || awk '
        FNR == 1 { name = FILENAME; sub("/manifest.json$", "", name); print "backup " name " " substr($0, 1, 16000) }
        FNR == 2 && /^"proven":[{]/ { print "proven " name " " $0 }
        FNR == 2 { nextfile }' "$@" || echo "unreadable $directory: a manifest could not be read"
)
if there "$marks"; then [ -r "$marks" ] && [ -x "$marks" ] || echo "unreadable $marks: Permission denied"; fi
for mark in "$marks"/*; do
    if [ -f "$mark" ] && [ -d "$directory/${mark##*/}" ]; then printf 'marked %s %s\n' "${mark##*/}" "$(head -n 1 "$mark" | cut -c 1-2000)"; fi
done
for tool in $tools; do command -v "$tool" >/dev/null 2>&1 || echo "missing $tool"; done
near "$directory"
df -Pk "$near" 2>/dev/null | { read -r _; read -r _ _ _ free _; echo "free $free"; }
may_write "$directory"
read_lock
read_journal | grep -v '^journal '
echo "now $(date -u +%Y-%m-%dT%H:%M:%SZ)"
exit 0
