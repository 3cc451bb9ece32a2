# shellcheck shell=sh
# A swap is taken back: the restored database is kept as `undone`.

settle || exit 1
# All tables have changed places or none has; a database that is called like the one to be kept may be somebody else's.
if there "$beside" || ! there "$kept"; then echo "nothing was swapped"; exit 0; fi
exchange "$undone" "$kept"
echo "$database is the old one again; the restored one is kept as $undone"
