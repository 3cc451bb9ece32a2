# shellcheck shell=sh
# Asks Redis `samples` times for its time over one connection, and prints the microseconds between two answers: each is one
# round trip, and no clock of this host is read. redis_client.sh comes before it.
# shellcheck disable=SC2154

if ! command -v redis-cli >/dev/null 2>&1; then echo 'unreadable this host has no redis-cli to ask with'
else
    ls_redis -r "$samples" --raw TIME | awk '
        /^[0-9]+$/ { if (++row % 2) second = $1; else { at = (second % 1000000) * 1000000 + $1; if (row > 2) print "trip", at - last; last = at } next }
        /./ { print "unreadable", substr($0, 1, 200) }
        END { print "end" }'
fi
