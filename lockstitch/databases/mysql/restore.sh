# shellcheck shell=sh
# A dump `dump` restored into the database `beside`. `owners` not empty: without the owners of views, triggers and
# routines in the dump, who need not be there.

surroundings='ERROR (1021|1030|1037|1040|1041|1044|1045|1053|1114|1115|1129|1142|1153|1193|1203|1205|1226|1227|1231|1273|1286|1290|1418|1419|1449|2[0-9][0-9][0-9]|3024)'
folder=$(mktemp -d) || exit 1
trap 'rm -rf -- "$folder"' EXIT; trap 'trap "" TERM INT HUP; exit 143' TERM INT HUP
mkfifo "$folder/sql"
filtered() { if [ -n "$owners" ]; then undefined; else cat; fi; }
{ code=0; for file in data events; do gzip -dc "$dump/$file.sql.gz" || code=$?; done; echo $code >"$folder/code"; } |
    asleep | filtered >"$folder/sql" &
sql "$beside" <"$folder/sql" >"$folder/said" 2>&1 &
restoring=$!
(while sleep 1; do
    echo "progress $(echo 'SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE();' | sql "$beside" 2>/dev/null) tables"
done) &
progress=$!
code=0; wait $restoring || code=$?
kill $progress 2>/dev/null || :
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
