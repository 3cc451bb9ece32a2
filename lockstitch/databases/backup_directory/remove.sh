# shellcheck shell=sh
# The backups `names` are removed. discard.sh comes before this text.

cd "$directory" || exit 1
code=0
for name in $names; do
    # Under a name that no listing shows, so that a backup is there whole or not at all.
    if mv -T -- "$name" ".$name.part"; then discard ".$name.part" || code=1; else code=1; fi
done
exit $code
