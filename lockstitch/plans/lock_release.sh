# shellcheck shell=sh
# Free the lock of a site where this run holds it.

[ ! -e "$lock" ] || [ -r "$lock" ] || { echo "$lock cannot be read: whose it is is not known"; exit 1; }
case $(cat "$lock" 2>/dev/null) in *"\"run\":\"$run\""*) rm -f "$lock" && rm -f "${lock%/*}/running" ;; esac
