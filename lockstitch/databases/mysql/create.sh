# shellcheck shell=sh
# A database `beside` with the encoding of the one it stands beside. `into` is its name in the end, where that is not the
# database's own: no database may have it, and this login may use it. `prefix` begins the names of databases that cut-off
# runs have left.

set -eu
if [ -n "$into" ]; then
    if there "$into"; then echo "there is a database $into already: nothing is restored over it"; exit 1; fi
    may=$({ assign name "$into"; cat <<'SQL'; } | run 2>&1
SELECT CONCAT('USE ', CONCAT('`', REPLACE(@name, '`', '``'), '`'));
SQL
    ) || case $may in *'ERROR 1049'*) ;; *) printf '%s\n' "$may" "this login may not make the database $into"; exit 1 ;; esac
fi
drop_leftovers
create_like "$beside" "$database"
there "$beside" || { echo "$database is not there to be like"; exit 1; }
