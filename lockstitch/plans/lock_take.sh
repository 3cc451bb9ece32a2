# shellcheck shell=sh
# Take the lock of a site. A hard link makes it: it appears whole, with its owner in it, or not at all. A journal that is
# as long as when it was last looked at, and was `whole` then, is not read again.
#
# shellcheck disable=SC2174

umask 002
# One of its own for each script: where one machine has two names, a run asks for the same lock twice.
new=$lock.$run.$$
[ -z "$private" ] || [ -d "$private" ] || mkdir -p -m 0700 "$private" || {
    echo "failed $private cannot be made"; exit 0; }
[ -d "$state" ] || { mkdir -p "$state" && chmod 2775 "$state"; } || { echo "failed $state cannot be made"; exit 0; }
printf '%s\n' "$info" >"$new" || { echo "failed $lock cannot be written"; rm -f "$new"; exit 0; }
size=0
[ ! -e "$journal" ] || size=$(wc -c <"$journal") || {
    echo "failed $journal cannot be read"; rm -f "$new"; exit 0; }
# As a name and not as a folder: where the lock is a folder, a link would be made in it.
if ln -T "$new" "$lock" 2>/dev/null; then
    if [ -n "$written" ] && [ "$((size))" != "$written" ]; then
        rm -f "$lock"; printf 'changed %s\n' "$(tail -n 1 "$journal" | tr -d '\000')"
    elif if [ -n "$whole" ]; then end_journal; else heal_journal; fi; then echo taken
    else rm -f "$lock"; echo "failed $journal is damaged, and cannot be put right: is the disk full?"; fi
elif [ -e "$lock" ] || [ -L "$lock" ]; then lock_line held
else echo held; fi
rm -f "$new"
