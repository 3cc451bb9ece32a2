# shellcheck shell=sh
# The newest migration, for the record of an app's release. The value is `heads`.

head=$({ echo 'BEGIN;'; head_of; } | sql "$dsn" 2>/dev/null | head -n 1 | tr -cd 'A-Za-z0-9 ._:+(),/-') || exit 1
echo "told head_after $head"
