"""MySQL and MariaDB: a restored database takes the place of the one that serves, and goes back, as constant shell texts.

All tables of both change places by one RENAME TABLE, which is atomic from MariaDB 10.6 and MySQL 8.0 on. What it does
not take along is written to files before anything changes: triggers, views, routines and events. A table that is only
a mark goes with the others: where it is tells whether they have changed places. So whoever finds the files finishes
what was begun, or takes it back; every step of both may be done twice.
"""

from __future__ import annotations

from lockstitch.databases.mysql.client import LOGIN
from lockstitch.databases.mysql.moves import MOVES
from lockstitch.databases.mysql.restore import FILTERS, MADE_LIKE, RUN, THERE

_FINISHED = r"""
umask 077
here=${home:-$directory}/.lockstitch/$vault; work=$here/swap
# `made DATABASE`: a trigger that is there is left, and a view may need one that comes later.
made() {
    errors=-1
    while :; do
        cat "$here/making" | sql "$1" --force >"$here/said" 2>&1 || :
        now=$(grep '^ERROR' "$here/said" | grep -vc '^ERROR 1359') || break
        [ "$now" -ne $errors ] || { loud "$here/said" | tail -n 20; return 1; }
        errors=$now
    done
    rm -f "$here/making" "$here/said"
}
marked() { [ "$({ let name "$1"; cat <<'SQL'; } | ask
SELECT 'marked' FROM information_schema.tables WHERE table_name = '__lockstitch' AND CAST(table_schema AS BINARY) = CAST(@name AS BINARY);
SQL
)" = marked ]; }
# `hidden restoring|leaving`: whether tables go by such a name now.
hidden() { [ -n "$({ let kind "$1"; cat <<'SQL'; } | sql "$database"
SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()
    AND table_name REGEXP CONVERT(CONCAT('^__', @kind, '_[0-9a-f]{20}$') USING utf8) LIMIT 1;
SQL
)" ]; }
# The tables have changed places: everything else does now.
finish() {
    trap '' TERM INT HUP
    if hidden restoring; then cat "$work/new.hidden" >"$here/making"; made "$database" && ask <"$work/unhide" || return 1; fi
    [ ! -s "$work/stale" ] || ask --force <"$work/stale" >/dev/null 2>&1 || :
    cat "$work/new.objects" "$work/new.events" >"$here/making"; made "$database" || return 1
    { cat "$work/old.triggers" "$work/old.objects"; asleep <"$work/old.events"; } >"$here/making"; made "$away" || return 1
    mkdir -p "$here/events" && gzip -c "$work/old.events" >"$here/events/$away" && rm -f -- "$here/events/$come" || return 1
    dropped "$come" && unmarked "$away"
}
# They have not: what was taken from them for it is put back.
back() {
    trap '' TERM INT HUP
    again && cat "$work/new.triggers" >"$here/making" && made "$come" || return 1
    unmarked "$come" && dropped "$away"
}
again() {
    if hidden leaving; then cat "$work/old.leaving" >"$here/making"; made "$database" && ask <"$work/unleave" || return 1; fi
    { cat "$work/old.triggers"; [ ! -s "$work/in_the_way" ] || cat "$work/old.objects"; } >"$here/making"
    made "$database"
}
# One that still has tables is never dropped.
dropped() { { let name "$1"; cat <<'SQL'; } | run
SELECT CONCAT('DROP DATABASE `', REPLACE(schema_name, '`', '``'), '`;') FROM information_schema.schemata s
    WHERE CAST(schema_name AS BINARY) = CAST(@name AS BINARY) AND NOT EXISTS (SELECT 1 FROM information_schema.tables t
        WHERE t.table_schema = s.schema_name AND t.table_type <> 'VIEW');
SQL
}
unmarked() { echo 'DROP TABLE IF EXISTS __lockstitch;' | sql "$1"; }
# What a run that was cut off has left half done.
settle() {
    settled=
    rm -rf -- "$work.part"
    [ -d "$work" ] || return 0
    away=$(cat "$work/away"); come=$(cat "$work/come")
    if marked "$away"; then
        finish || { echo "the tables of $database are those of $come now; what else was in it lies in $work"; return 1; }
        settled=finished
        echo "a swap that was cut off was finished: $database was $come, and what was before it is kept as $away"
    elif there "$come" && marked "$come"; then
        back || { echo "a swap that was cut off could not be taken back: what is missing in $database lies in $work"; return 1; }
        echo "a swap that was cut off was taken back: $database is what it was"
    else
        # Nothing had been changed yet, or everything; one that was made for it and is empty is not kept.
        dropped "$away" || return 1
    fi
    rm -rf -- "$work" "$here/said" "$here/making"
}
"""
_ALL = LOGIN + FILTERS + THERE + RUN + MADE_LIKE + MOVES + _FINISHED
# Before anything else is done with the database.
SETTLE = f"(\n{_ALL}\nsettle\n) || exit 1\n"

_EXCHANGE = r"""
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
    ! marked "$away" || return 0
    late=1; grep -q '^ERROR 1205' "$here/said" || { late=2; loud "$here/said" | grep -v '^locked$' | tail -n 20; }
    ! grep -q '^locked$' "$here/said" || again || return 2
    return $late
}
end_them() { { let database "$database"; cat <<'SQL'; } | ask | ask --force >/dev/null 2>&1 || :
SELECT CONCAT('KILL ', id, ';') FROM information_schema.processlist
    WHERE db = CONVERT(@database USING utf8) AND id <> CONNECTION_ID();
SQL
}
# For `drain` seconds a transaction under way may end by itself: every try waits for one second, so that nobody waits
# for us much longer. Then whoever is in the way is ended. Who does nothing stays connected.
changed() {
    deadline=$(($(date +%s) + drain))
    while code=0; attempt 1 || code=$?; [ $code -eq 1 ] && [ "$(date +%s)" -lt $deadline ]; do sleep 0.2; done
    [ $code -eq 1 ] || return $code
    echo "connections had not ended after $drain s: they are ended now"
    (while :; do end_them; sleep 0.2; done) &
    ending=$!
    trap 'kill $ending 2>/dev/null' EXIT; trap 'exit 143' TERM INT HUP
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
    # Of its own, so that the first thing that fails ends it.
    (set -e; prepare "$work.part") &
    wait $! || { rm -rf -- "$work.part"; exit 1; }
    mv -T "$work.part" "$work" && sync "$here" || exit 1
    made_like "$away" "$database" && echo 'CREATE TABLE IF NOT EXISTS __lockstitch (n int);' | sql "$come" &&
    cat "$work/in_the_way" "$work/clear_new" | ask && changed && finish || {
        settle || exit 1
        [ "$settled" = finished ] || { echo "nothing was renamed"; exit 1; }
    }
    rm -rf -- "$work" "$here/said" "$here/making"
}
"""
SWAP = (
    _ALL
    + _EXCHANGE
    + r"""
settle || exit 1
if there "$kept" && ! there "$beside"; then echo "it was swapped already"; exit 0; fi
there "$beside" || { echo "$beside is not there"; exit 1; }
exchange "$kept" "$beside"
echo "$database is the restored one; the one before it is kept as $kept"
"""
)
UNSWAP = (
    _ALL
    + _EXCHANGE
    + r"""
settle || exit 1
# All tables have changed places or none has; a database that is called like the one to be kept may be somebody else's.
if there "$beside" || ! there "$kept"; then echo "nothing was swapped"; exit 0; fi
exchange "$undone" "$kept"
echo "$database is the old one again; the restored one is kept as $undone"
"""
)
# Its events stay asleep: it is beside the database that serves.
RENAME = (
    _ALL
    + r"""
there "$into" && { echo "there is a database $into already"; exit 1; }
database=$into; come=$beside; work=$here/rename
rm -rf -- "$work"
(set -e; prepare_into "$work") &
wait $! || { rm -rf -- "$work"; exit 1; }
made_like "$into" "$beside" || exit 1
cat "$work/new.triggers" "$work/new.objects" "$work/new.events" >"$here/making"
if cat "$work/clear_new" "$work/rename" | ask && made "$into" && dropped "$beside"
then rm -rf -- "$work" "$here/events/$beside"
else rm -rf -- "$work"; dropped "$into"; exit 1; fi
"""
)
