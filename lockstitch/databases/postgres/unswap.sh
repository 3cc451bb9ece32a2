# shellcheck shell=sh
# A swap is taken back: the restored database is kept as `undone`.

# Both were renamed or none was; a database that is called like the one to be kept may be somebody else's.
if there "$beside" || ! there "$kept"; then echo "nothing was swapped"; exit 0; fi
if there "$database"; then swap "$undone" "$kept"; echo "$database is the old one again; the restored one is kept as $undone"
else sql "$admin" -v database="$database" -v kept="$kept" <<'SQL'
ALTER DATABASE :"kept" RENAME TO :"database";
SQL
fi
