# shellcheck shell=sh
# Empty the app's cache. artisan.sh comes before it.

cd "$current" || exit 1
ls_sure "cache cleared" cache:clear
