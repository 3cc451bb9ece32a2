# shellcheck shell=sh
# Run artisan with the words of `line`, which are quoted for a shell. artisan.sh comes before it.

cd "$current" || exit 1
eval "ls_artisan $line"
