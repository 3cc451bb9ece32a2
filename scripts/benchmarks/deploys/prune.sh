# shellcheck shell=sh
# Remove all releases but the newest two.
# Variables: app.
set -eu
cd
cd "$app/releases"
# shellcheck disable=SC2012  # the names are digits
ls | sort -r | tail -n +3 | xargs -r rm -rf --
