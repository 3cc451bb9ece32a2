# shellcheck shell=sh
# Switch `current` to the release in one move, reload the service, and see that it serves the release.
# Variables: app, name.
set -eu
cd
ln -s "releases/$name" "$app/current.new"
mv -T "$app/current.new" "$app/current"
cd "$app/current"
cp NUMBER "$HOME/$app.served"
cmp NUMBER "$HOME/$app.served"
