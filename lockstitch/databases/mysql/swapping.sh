# shellcheck shell=sh
# A restored database takes the place of the one that serves, and goes back. All tables of both change places by one
# RENAME TABLE, which is atomic from MariaDB 10.6 and MySQL 8.0 on. What it does not take along is written to files before
# anything changes: triggers, views, routines and events. The table `__lockstitch`, only a mark, goes with the others:
# its database says whether they have changed places. So whoever finds the files finishes what was begun, or takes it
# back; every step of both may be done twice. The value is `drain`, in seconds.

umask 077
here=${home:-$directory}/.lockstitch/$vault; work=$here/swap
# `create_objects DATABASE`: of the file `making`. A trigger that is there stays, and a view may need one that comes later.
create_objects() {
    errors=-1
    while :; do
        cat "$here/making" | sql "$1" --force >"$here/said" 2>&1 || :
        now=$(grep '^ERROR' "$here/said" | grep -vc '^ERROR 1359') || break
        [ "$now" -ne "$errors" ] || { loud "$here/said" | tail -n 20; return 1; }
        errors=$now
    done
    rm -f "$here/making" "$here/said"
}
# `has_mark DATABASE`
has_mark() { [ "$({ assign name "$1"; cat <<'SQL'; } | ask
SELECT 'marked' FROM information_schema.tables WHERE table_name = '__lockstitch' AND CAST(table_schema AS BINARY) = CAST(@name AS BINARY);
SQL
)" = marked ]; }
# `has_renamed restoring|leaving`: whether tables go by such a name now.
has_renamed() { [ -n "$({ assign kind "$1"; cat <<'SQL'; } | sql "$database"
SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()
    AND table_name REGEXP CONVERT(CONCAT('^__', @kind, '_[0-9a-f]{20}$') USING utf8) LIMIT 1;
SQL
)" ]; }
# The tables have changed places: everything else does now.
finish() {
    trap '' TERM INT HUP
    if has_renamed restoring; then cat "$work/new.hidden" >"$here/making"; create_objects "$database" && ask <"$work/unhide" || return 1; fi
    [ ! -s "$work/stale" ] || ask --force <"$work/stale" >/dev/null 2>&1 || :
    cat "$work/new.objects" "$work/new.events" >"$here/making"; create_objects "$database" || return 1
    { cat "$work/old.triggers" "$work/old.objects"; asleep <"$work/old.events"; } >"$here/making"; create_objects "$away" || return 1
    mkdir -p "$here/events" && gzip -c "$work/old.events" >"$here/events/$away" && rm -f -- "$here/events/$come" || return 1
    drop_empty "$come" && remove_mark "$away"
}
# They have not: what was taken from them is put back.
take_back() {
    trap '' TERM INT HUP
    put_back && cat "$work/new.triggers" >"$here/making" && create_objects "$come" || return 1
    remove_mark "$come" && drop_empty "$away"
}
put_back() {
    if has_renamed leaving; then cat "$work/old.leaving" >"$here/making"; create_objects "$database" && ask <"$work/unleave" || return 1; fi
    { cat "$work/old.triggers"; [ ! -s "$work/in_the_way" ] || cat "$work/old.objects"; } >"$here/making"
    create_objects "$database"
}
# A database that still has tables is never dropped.
drop_empty() { { assign name "$1"; cat <<'SQL'; } | run
SELECT CONCAT('DROP DATABASE `', REPLACE(schema_name, '`', '``'), '`;') FROM information_schema.schemata s
    WHERE CAST(schema_name AS BINARY) = CAST(@name AS BINARY) AND NOT EXISTS (SELECT 1 FROM information_schema.tables t
        WHERE t.table_schema = s.schema_name AND t.table_type <> 'VIEW');
SQL
}
remove_mark() { echo 'DROP TABLE IF EXISTS __lockstitch;' | sql "$1"; }
# What a run that was cut off has left half done.
settle() {
    settled=
    rm -rf -- "$work.part"
    [ -d "$work" ] || return 0
    away=$(cat "$work/away"); come=$(cat "$work/come")
    if has_mark "$away"; then
        finish || { echo "the tables of $database are those of $come now; what else was in it lies in $work"; return 1; }
        settled=finished
        echo "a swap that was cut off was finished: $database was $come, and what was before it is kept as $away"
    elif there "$come" && has_mark "$come"; then
        take_back || { echo "a swap that was cut off could not be taken back: what is missing in $database lies in $work"; return 1; }
        echo "a swap that was cut off was taken back: $database is what it was"
    else
        # Nothing had been changed yet, or everything; one that was made for it and is empty is not kept.
        drop_empty "$away" || return 1
    fi
    rm -rf -- "$work" "$here/said" "$here/making"
}
change() {
    {
        echo "SET SESSION lock_wait_timeout = $1;"; cat "$work/lock"
        # They are free now, and nobody is to wait long for what follows.
        echo "SELECT 'locked'; UNLOCK TABLES; SET SESSION lock_wait_timeout = 2;"
        cat "$work/leave" "$work/clear" "$work/rename"
    } | ask >"$here/said" 2>&1
}
# Where the triggers had gone already, they come back before anything else is tried.
attempt() {
    change "$1" && return 0
    ! has_mark "$away" || return 0
    late=1; grep -q '^ERROR 1205' "$here/said" || { late=2; loud "$here/said" | grep -v '^locked$' | tail -n 20; }
    ! grep -q '^locked$' "$here/said" || put_back || return 2
    return $late
}
# For `drain` seconds a transaction under way may end by itself: every try waits for one second, so that nobody waits
# for us much longer. Then whoever is in the way is ended. Who does nothing stays connected.
change_all() {
    deadline=$(($(date +%s) + drain))
    while code=0; attempt 1 || code=$?; [ $code -eq 1 ] && [ "$(date +%s)" -lt $deadline ]; do sleep 0.2; done
    [ $code -eq 1 ] || return $code
    echo "connections had not ended after $drain s: they are ended now"
    (while :; do end_sessions "$database"; sleep 0.2; done) &
    ending=$!
    trap 'kill $ending 2>/dev/null' EXIT; trap 'trap "" TERM INT HUP; exit 143' TERM INT HUP
    tries=3
    while code=0; attempt 10 || code=$?; [ $code -eq 1 ] && [ $tries -gt 0 ]; do tries=$((tries - 1)); done
    kill $ending; trap - EXIT
    [ $code -ne 1 ] || echo "somebody holds tables of $database whom this login may not see or end (PROCESS, CONNECTION ADMIN)"
    return $code
}
# `exchange AWAY COME`
exchange() {
    away=$1 come=$2
    if there "$away"; then echo "what is replaced cannot be kept as $away: such a database exists already, nothing was renamed"; exit 1; fi
    # In a shell of its own, so that the first error ends it.
    (set -e; prepare "$work.part") &
    wait $! || { rm -rf -- "$work.part"; exit 1; }
    mv -T "$work.part" "$work" && sync "$here" || exit 1
    create_like "$away" "$database" && echo 'CREATE TABLE IF NOT EXISTS __lockstitch (n int);' | sql "$come" &&
    cat "$work/in_the_way" "$work/clear_new" | ask && change_all && finish || {
        settle || exit 1
        [ "$settled" = finished ] || { echo "nothing was renamed"; exit 1; }
    }
    rm -rf -- "$work" "$here/said" "$here/making"
}
