# shellcheck shell=sh
# Where this run has kept nothing, it has changed nothing.

set -eu
before=$state/current-before.$run
if [ -L "$before" ]; then
    rm -f -- "$current.new"; cp -P -- "$before" "$current.new"; mv -fT -- "$current.new" "$current"
elif [ -f "$before" ]; then rm -f -- "$current"; fi
