# shellcheck shell=sh
# A dump `dump` restored into the database `beside`. `owners` not empty: without the owners and rights of the dump, whose
# roles need not be there. pg_restore undoes a database's own time limits, and not that it is read-only.

surroundings='FATAL|PANIC|connection to server|server closed the connection|SSL|No space left|could not extend|out of (shared )?memory'
surroundings="$surroundings|permission denied|must be (superuser|owner|member)|canceling statement|is not available|control file"
surroundings="$surroundings|(role|tablespace) \"[^\"]*\" does not exist|unrecognized configuration parameter|unsupported version"
log=$(mktemp); trap 'rm -f "$log"' EXIT; trap 'trap "" TERM INT HUP; exit 143' TERM INT HUP
[ -z "$owners" ] || set -- --no-owner --no-privileges
export PGOPTIONS='-c default_transaction_read_only=off'
pg pg_restore -w -v --exit-on-error -j "$jobs" -d "$beside_dsn" "$@" "$dump" >"$log" 2>&1 &
restoring=$!
(while sleep 1; do echo "progress $(grep -c 'processing data for table' "$log") tables"; done) &
telling=$!
code=0; wait $restoring || code=$?
kill $telling 2>/dev/null || :
[ $code -ne 0 ] || exit 0
# What -v tells of its course is left out. Workers write at the same time, so a line may begin within another one.
said=$(awk '!/pg_restore: / || /(error|warning|detail|hint|fatal): |from TOC entry/' "$log" | tail -n 20)
printf '%s\n' "$said"
# A server, a login or a disk that failed says nothing of the dump, nor does a worker that somebody has killed.
if [ $code -eq 1 ] && printf '%s\n' "$said" | grep -v 'worker process' | grep -q . && sql "$beside_dsn" -c 'SELECT 1' >/dev/null 2>&1 &&
    ! printf '%s\n' "$said" | grep -Eq "$surroundings"
then printf '%s\n' "$said" | unrestorable; fi
exit 1
