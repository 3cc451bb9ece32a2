# Remove all releases but the newest two.
# Variables: app.
set -eu
cd
cd "$app/releases"
ls | sort -r | tail -n +3 | xargs -r rm -rf --
