"""MySQL and MariaDB: a dump restored into a database of its own, and counted, as constant shell texts."""

from __future__ import annotations

from lockstitch.databases.mysql.client import COUNT, LOGIN, NAMED, TABLES

THERE = r"""
# What could not be asked is not "no": it is told, and nothing goes on.
there() {
    ls_there=$({ let name "$1"; cat <<'SQL'; } | ask 2>&1
SELECT 'there' FROM information_schema.schemata WHERE CAST(schema_name AS BINARY) = CAST(@name AS BINARY);
SQL
    ) || { printf '%s\n' "$ls_there"; exit 1; }
    [ "$ls_there" = there ]
}
"""
# `run`: SQL that makes SQL, and that SQL carried out.
RUN = r"""
run() { ls_made=$(ask) || exit 1; [ -z "$ls_made" ] || printf '%s\n' "$ls_made" | ask; }
"""
# Those of dead runs. A run that is under way has sessions on its own.
_LEFT = (
    r"""
{ let prefix "$prefix"; cat <<'SQL'; } | run
SELECT CONCAT('DROP DATABASE IF EXISTS ', """
    + NAMED.format("s.schema_name")
    + r""", ';') FROM information_schema.schemata s
    WHERE @prefix <> '' AND LEFT(CAST(s.schema_name AS BINARY), LENGTH(@prefix)) = CAST(@prefix AS BINARY)
    AND NOT EXISTS (SELECT 1 FROM information_schema.processlist p WHERE p.db = s.schema_name);
SQL
"""
)
# `made_like NAME OTHER`: a new database with the encoding of another one.
MADE_LIKE = (
    r"""
made_like() { { let new "$1"; let other "$2"; cat <<'SQL'; } | run
SELECT CONCAT('CREATE DATABASE ', """
    + NAMED.format("@new")
    + r""", ' CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name, ';')
    FROM information_schema.schemata WHERE CAST(schema_name AS BINARY) = CAST(@other AS BINARY);
SQL
}
"""
)
# `$into` is the name that it is to have in the end, where that is not the database's own: it must be free, and a name
# that this login may use.
CREATE = (
    LOGIN
    + THERE
    + RUN
    + MADE_LIKE
    + r"""
set -eu
if [ -n "$into" ]; then
    if there "$into"; then echo "there is a database $into already: nothing is restored over it"; exit 1; fi
    may=$({ let name "$into"; cat <<'SQL'; } | run 2>&1
SELECT CONCAT('USE ', """
    + NAMED.format("@name")
    + r""");
SQL
    ) || case $may in *'ERROR 1049'*) ;; *) printf '%s\n' "$may" "this login may not make the database $into"; exit 1 ;; esac
fi
"""
    + _LEFT
    + r"""
made_like "$beside" "$database"
there "$beside" || { echo "$database is not there to be like"; exit 1; }
"""
)
SCRATCH = (
    LOGIN
    + RUN
    + r"""
set -eu
"""
    + _LEFT
    + r"""
{ let new "$beside"; let encoding "${encoding:-utf8mb4}"; let collate "$collate"; cat <<'SQL'; } | run
SET @known = (SELECT COUNT(*) FROM information_schema.collations
    WHERE collation_name = CONVERT(@collate USING utf8) AND character_set_name = CONVERT(@encoding USING utf8));
SELECT CONCAT('CREATE DATABASE ', """
    + NAMED.format("@new")
    + r""", CASE WHEN @known THEN CONCAT(' CHARACTER SET ', @encoding, ' COLLATE ', @collate) ELSE ' CHARACTER SET utf8mb4' END, ';');
SQL
"""
)

# What a dump brings along that another server, another login or the moment must not: an event of a copy never runs.
FILTERS = r"""
asleep() { LC_ALL=C sed '/^\/\*!50106 CREATE\*\/ /s/ ON COMPLETION \(NOT \)\{0,1\}PRESERVE ENABLE/ ON COMPLETION \1PRESERVE DISABLE/'; }
undefined() { LC_ALL=C sed '/^\/\*!50[01][0-9][0-9] /s/\/\*!\(50017\|50117\|50020\) DEFINER=\(`\([^`]\|``\)*`@`[^`]*`\)\*\/ //
/^\/\*!50013 DEFINER=/s/DEFINER=`\([^`]\|``\)*`@`[^`]*` //
/^CREATE DEFINER=/s/ DEFINER=`\([^`]\|``\)*`@`[^`]*`//'; }
"""
# `$owners`: not with those whom views, triggers and routines belong to, where they need not be.
RESTORE = (
    LOGIN
    + FILTERS
    + r"""
surroundings='ERROR (1021|1030|1037|1040|1041|1044|1045|1053|1114|1115|1129|1142|1153|1193|1203|1205|1226|1227|1231|1273|1286|1290|1418|1419|1449|2[0-9][0-9][0-9]|3024)'
folder=$(mktemp -d) || exit 1
trap 'rm -rf -- "$folder"' EXIT; trap 'exit 143' TERM INT HUP
mkfifo "$folder/sql"
filtered() { if [ -n "$owners" ]; then undefined; else cat; fi; }
{ code=0; for file in data events; do gzip -dc "$dump/$file.sql.gz" || code=$?; done; echo $code >"$folder/code"; } |
    asleep | filtered >"$folder/sql" &
sql "$beside" <"$folder/sql" >"$folder/said" 2>&1 &
restoring=$!
(while sleep 1; do
    echo "progress $(echo 'SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE();' | sql "$beside" 2>/dev/null) tables"
done) &
telling=$!
code=0; wait $restoring || code=$?
kill $telling 2>/dev/null || :
if [ $code -eq 0 ] && [ "$(cat "$folder/code")" = 0 ]; then
    awake=$(echo "SELECT COUNT(*) FROM information_schema.events WHERE event_schema = DATABASE() AND status = 'ENABLED';" | sql "$beside")
    [ "$awake" = 0 ] || { echo "events of the copy would run, beside those of the database that serves"; exit 1; }
    [ -n "$owners" ] || {
        mkdir -p "$directory/.lockstitch/$vault/events" && chmod 0700 "$directory/.lockstitch/$vault/events" &&
            (umask 077; cp "$dump/events.sql.gz" "$directory/.lockstitch/$vault/events/$beside"); } || exit 1
    exit 0
fi
loud "$folder/said" | tail -n 20
[ "$(cat "$folder/code" 2>/dev/null)" = 0 ] || [ $code -ne 0 ] || { echo "the dump cannot be unpacked"; echo "the dump cannot be unpacked" | unrestorable; }
# A server, a login or a disk that failed says nothing of the dump.
if [ $code -eq 1 ] && echo 'DO 0;' | sql "$beside" >/dev/null 2>&1 && ! grep -Eq "$surroundings" "$folder/said"
then tail -n 5 "$folder/said" | unrestorable; fi
exit 1
"""
)
ANALYZE = (
    LOGIN
    + r"""
sql "$beside" <<'SQL' | sql "$beside" >/dev/null
SELECT CONCAT('ANALYZE NO_WRITE_TO_BINLOG TABLE ', """
    + NAMED.format("t.table_name")
    + ", ';')"
    + TABLES
    + r""";
SQL
"""
)

# Tells what differs from the manifest, a line each; `same N` when nothing does.
COMPARE = (
    LOGIN
    + r"""
counts=$(sql "$beside" 2>&1 <<'SQL'
"""
    + COUNT
    + r"""
SQL
) || { printf '%s\n' "$counts" | sed 's/^/failed /'; exit 0; }
file=$(mktemp) || exit 1
{ echo 'START TRANSACTION;'; printf '%s\n' "$counts"; } | sql "$beside" >"$file" 2>&1 || { sed 's/^/failed /' "$file"; rm -f "$file"; exit 0; }
there=$(rows_of "$file"); rm -f "$file"
wanted=$(rows_of "$directory/$name/manifest.json")
if [ "$there" = "$wanted" ]; then echo "same $(printf '%s' "$wanted" | grep -c .)"; exit 0; fi
listed() { printf '%s\n' "$1" | while read -r line; do
    case "
$2
" in *"
$line
"*) ;; *) echo "$3 $line" ;; esac
done | head -n 20; }
listed "$wanted" "$there" wanted
listed "$there" "$wanted" found
"""
)
DROP = (
    LOGIN
    + THERE
    + RUN
    + r"""
there "$beside" || exit 0
{ let beside "$beside"; cat <<'SQL'; } | ask | ask --force >/dev/null 2>&1 || :
SELECT CONCAT('KILL ', id, ';') FROM information_schema.processlist WHERE db = CONVERT(@beside USING utf8);
SQL
{ let beside "$beside"; cat <<'SQL'; } | run || exit 1
SELECT CONCAT('SET SESSION lock_wait_timeout = 20; DROP DATABASE IF EXISTS ', """
    + NAMED.format("@beside")
    + r""", ';');
SQL
rm -f -- "$directory/.lockstitch/$vault/events/$beside"
"""
)
NAMES = (
    LOGIN
    + r"""
ask <<'SQL'
SELECT CONCAT('name ', schema_name) FROM information_schema.schemata;
SQL
"""
)
