# shellcheck shell=sh
# Fetch the repository and make a release folder with its shared link.
# Variables: app, repository, revision, name.
set -eu
cd
mkdir -p "$app/releases" "$app/shared"
[ -d "$app/repository" ] || git clone -q --mirror "$repository" "$app/repository"
git -C "$app/repository" fetch -q --prune origin
release=$app/releases/$name
mkdir "$release"
git -C "$app/repository" archive "$revision" | tar -xf - -C "$release"
printf '%s\n' "$revision" >"$release/REVISION"
ln -s ../../shared/settings "$release/settings"
