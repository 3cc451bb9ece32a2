# shellcheck shell=sh
# Free the lock of a site where this run holds it. Its one line is read by the shell itself, and the lock goes last: what
# the next run writes into `running` stays.

[ ! -e "$lock" ] || [ -r "$lock" ] || { echo "$lock cannot be read: whose it is is not known"; exit 1; }
owner=
[ ! -f "$lock" ] || IFS= read -r owner <"$lock"
case $owner in *"\"run\":\"$run\""*) rm -f "${lock%/*}/running" "$lock" ;; esac
