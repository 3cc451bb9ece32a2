# shellcheck shell=sh
# Free the lock of a site whoever holds it. One that is a folder was made by somebody else: it is moved away with what
# it holds.
#
# shellcheck disable=SC2094

[ -L "$lock" ] || there "$lock" || exit 0
journal=${lock%/*}/journal.jsonl
{ [ -z "$(tail -c 1 "$journal" 2>/dev/null | tr '\000' x)" ] || echo
    printf '%s\n' "$record"; } 2>/dev/null >>"$journal" ||
    echo "warning $journal cannot be written: it lacks that the lock was broken"
lock_line broke
if [ -d "$lock" ] && [ ! -L "$lock" ]; then mv -T -- "$lock" "$lock.$run"; else rm -f -- "$lock"; fi
