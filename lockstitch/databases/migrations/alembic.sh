# shellcheck shell=sh
# The heads that are not applied. `heads` marks each with `(head)`, and both commands put the revision first; other lines
# are of the app's own logging. `ls_tool` is the tool as the app calls it.

at=$(eval "$ls_tool current") && heads=$(eval "$ls_tool heads") || exit 1
ids=$(printf '%s\n' "$heads" | sed -n 's/^\([^ ]*\) .*head).*/\1/p')
[ -n "$ids" ] || [ -z "$heads" ] || { printf '%s\n' "$heads" "alembic heads names no head"; exit 1; }
for id in $ids; do printf '%s\n' "$at" | cut -d ' ' -f 1 | grep -qxF -- "$id" || echo "$id"; done
