"""The folder of backups on a host as constant shell texts: what every engine's dumps have in common."""

from __future__ import annotations

from lockstitch.model.removal import DISCARD
from lockstitch.model.shell import shell_text

# One run at a time works in a vault, because it holds the vault's lock: what is unfinished here belongs to a dead one.
BEGIN = (
    DISCARD
    + r"""
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
trap 'exit 143' TERM INT HUP
cd "$part"
"""
)

# The sum of a manifest's lines without the last, which holds it, and without the proof, which comes later.
_SEALED = r"""
sealed() { grep -v '^"proven":{' | sha256sum | cut -c 1-64; }
"""

# It is on the disk before it has its name: a backup of that name is whole, whenever the power goes.
FINISH = (
    _SEALED
    + r"""
sums() { find database* -type f | LC_ALL=C sort | while read -r file; do
    printf '{"name":"%s","bytes":%s,"sha256":"%s"}\n' "$file" $(($(wc -c <"$file"))) "$(sha256sum <"$file" | cut -c 1-64)"
done; }
sums >sums
rows=$(sed -n 's/.*":{"rows":\([0-9]*\),"bytes":[0-9]*}$/\1/p' tables | awk '{ n += $1 } END { printf "%.0f", n }')
bytes=$(awk -F '[:,]' '{ n += $4 } END { printf "%.0f", n }' sums)
sum=$(sha256sum <sums | cut -c 1-64)
plain() { head -n 1 "$1" 2>/dev/null | tr -cd 'A-Za-z0-9 ._:+(),/-'; }
{
    printf '%s,"at":"%s","server":"%s","tool":"%s","head":"%s","size":%s,"tables":%s,"rows":%s,"bytes":%s,"sha256":"%s",\n' \
        "$known" "$(plain at)" "$(plain server)" "$(plain tool)" "$(plain head)" "$(plain size)" $(($(wc -l <tables))) \
        "$rows" "$bytes" "$sum"
    echo '"contents":{'; sed '$!s/$/,/' tables
    echo '},"files":['; sed '$!s/$/,/' sums
} >manifest.json
printf '],"seal":"%s"}\n' "$(sealed <manifest.json)" >>manifest.json
# A program that failed in the middle of a line has left it out.
lines() { grep -c "$1" manifest.json || :; }
[ "$(lines '^{"lockstitch":1,.*"at":"[-0-9T:]*Z","server":"[^"]\{1,\}","tool":"[^"]\{1,\}".*,"size":[0-9]\{1,\},"tables":[0-9]\{1,\},"rows":[0-9]\{1,\},"bytes":[0-9]\{1,\},"sha256":"[0-9a-f]\{64\}",$')" -eq 1 ] &&
    [ "$(lines '^{"name":"database[^"]*","bytes":[0-9]\{1,\},"sha256":"[0-9a-f]\{64\}"},\{0,1\}$')" -eq "$(find database* -type f | wc -l)" ] &&
    [ "$(lines ':{"rows":[0-9]\{1,\},"bytes":[0-9]\{1,\}},\{0,1\}$')" -eq "$(wc -l <tables)" ] &&
    [ "$(lines '^\],"seal":"[0-9a-f]\{64\}"}$')" -eq 1 ] || { echo "the manifest could not be written"; exit 1; }
rm -f tables sums head size server tool at
find . -type d -exec chmod 0700 {} + ; find . -type f -exec chmod 0600 {} +
find . -type f -exec sync {} + ; sync .
cd "$home"
mv -T "$part" "$name"; sync . || :
echo "$name is whole: $(du -sh "$name" | cut -f 1)"
echo "told backup $name"
echo "told head_before $(sed -n '1s/.*"head":"\([^"]*\)".*/\1/p' "$name/manifest.json")"
"""
)

# For `directory` and `name`; fails where a file is not what the manifest says, is missing, or was added.
CHECK = (
    _SEALED
    + r"""
set -eu
cd "$directory/$name" 2>/dev/null || { echo "there is no backup $name in $directory"; exit 1; }
[ -s manifest.json ] || { echo "$name has no manifest: it was not finished, or the manifest was removed"; exit 1; }
lines=$(sed -n 's/^{"name":"\(database[^"]*\)","bytes":[0-9]*,"sha256":"\([0-9a-f]\{64\}\)"},\{0,1\}$/\2  \1/p' manifest.json)
case $(tail -n 1 manifest.json) in '],"seal":"'*'"}') ;; *) echo "the manifest of $name is cut off"; exit 1 ;; esac
[ "$(tail -n 1 manifest.json)" = "],\"seal\":\"$(sed '$d' manifest.json | sealed)\"}" ] ||
    { echo "the manifest of $name was changed"; exit 1; }
[ -n "$lines" ] || { echo "the manifest of $name names no file"; exit 1; }
whole=$(sed -n '1s/.*"sha256":"\([0-9a-f]\{64\}\)",$/\1/p' manifest.json)
[ "$(sed -n 's/^\({"name":"database[^"]*","bytes":[0-9]*,"sha256":"[0-9a-f]*"}\),\{0,1\}$/\1/p' manifest.json | sha256sum | cut -c 1-64)" = "$whole" ] ||
    { echo "the manifest of $name was changed"; exit 1; }
bad=$(printf '%s\n' "$lines" | sha256sum -c - 2>&1) || { printf '%s\n' "$bad" "$name is damaged" | grep -v ': OK$'; exit 1; }
[ "$(find database* -type f | wc -l)" -eq "$(printf '%s\n' "$lines" | wc -l)" ] || { echo "$name has files its manifest lacks"; exit 1; }
dump=database; [ -d database ] || dump=database.dump
"""
)

# What was found against a backup is kept outside its folder, as `$marks/NAME`: looking changes nothing there. It holds
# which seal it was found for: what could not be restored is not better for being as it was written.
_MARK = r"""
seal_of() { tail -n 1 "$directory/$name/manifest.json" 2>/dev/null | sed -n 's/^],"seal":"\([0-9a-f]\{64\}\)"}$/\1/p'; }
unproven() { grep -qs '"by":"prove","seal":"'"$(seal_of)"'"' "$marks/$name"; }
# What a server says of the rows themselves is left out.
mark() {
    if [ ! -d "$directory/$name" ] || { [ "$1" = verify ] && unproven; }; then cat >/dev/null; return 0; fi
    why=$(LC_ALL=C grep -v '^ *\(DETAIL\|CONTEXT\|QUERY\|STATEMENT\|LINE\|HINT\|Command was\)' | head -n 3 |
        LC_ALL=C tr -d '\000-\011\013-\037\177"\\' | tr '\n' ';' | sed 's/;$//; s/;/; /g' | cut -c 1-400)
    (umask 077; mkdir -p "$marks" &&
        printf '{"at":"%s","by":"%s","seal":"%s","why":"%s"}\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" "$(seal_of)" "$why" \
            >"$marks/.$name" && sync "$marks/.$name" && mv -T "$marks/.$name" "$marks/$name" && sync "$marks") ||
        echo "that could not be recorded in $marks"
}
"""

# Around `looked`, which fails with 1 where the backup is not what it was.
_MARKED = r"""
said=$(looked 2>&1) && code=0 || code=$?
[ -z "$said" ] || printf '%s\n' "$said"
if [ $code -eq 1 ]; then printf '%s\n' "$said" | mark verify
elif [ $code -ne 0 ]; then :
elif unproven; then
    echo "it is as it was written; that it could not be restored stays on record until backup.prove $name passes"
else rm -f -- "$marks/$name"; fi
exit $code
"""

# Around `compared`, whose lines `wanted …` and `found …` are the rows that differ.
_DIFFERS = r"""
said=$(compared 2>&1) && code=0 || code=$?
printf '%s\n' "$said"
! printf '%s\n' "$said" | grep -q '^\(wanted\|found\) ' || printf '%s\n' "$said" | mark prove
exit $code
"""


def marked(text: str) -> str:
    """A text that looks at a backup, and where it fails leaves a mark; where it passes the mark goes."""
    return f"{_MARK}looked() {{\n{text}\n}}\n{_MARKED}"


def compared(text: str) -> str:
    """A text that compares rows, and where they differ leaves a mark."""
    return f"{_MARK}compared() {{\n{text}\n}}\n{_DIFFERS}"


# What a restore that fails calls with its reason on stdin, where it is the dump that cannot be restored.
MARK_RESTORE = _MARK + "unrestorable() { mark prove; }\n"
MARK_NOTHING = "unrestorable() { cat >/dev/null; }\n"

ROWS = shell_text(__package__, "rows.sh")

# A host's answer has an end: where it is too long, what is cut off is the oldest backups. So the rest comes last.
LIST = r"""
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
echo "free $(df -Pk "$(near "$directory")" 2>/dev/null | awk 'NR == 2 { print $4 }')"
at=$(near "$directory"); { [ -w "$at" ] && [ -x "$at" ]; } || echo "unwritable $at"
read_lock
read_journal | grep -v '^journal '
echo "now $(date -u +%Y-%m-%dT%H:%M:%SZ)"
exit 0
"""

# `proof` is a JSON object; the rest of the manifest stays as it is, line by line.
PROVEN = r"""
set -eu
umask 077
at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
(
    cd "$directory/$name"
    { head -n 1 manifest.json; printf '"proven":{"at":"%s",%s},\n' "$at" "$proof"
      tail -n +2 manifest.json | grep -v '^"proven":'; } >manifest.json.new
    sync manifest.json.new; mv -T manifest.json.new manifest.json; sync .
)
rm -f -- "$marks/$name"
echo "$name is proven: it was restored, and every table has the rows it had"
"""

REMOVE = (
    DISCARD
    + r"""
cd "$directory" || exit 1
code=0
for name in $names; do
    # Under a name that no listing shows, so that a backup is there whole or not at all.
    if mv -T -- "$name" ".$name.part"; then discard ".$name.part" || code=1; else code=1; fi
done
exit $code
"""
)
