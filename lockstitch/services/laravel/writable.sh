# shellcheck shell=sh
# Let the web server's group write to storage and bootstrap/cache. Group and mode rather than owner: whoever deploys writes
# there too. Only what differs is touched.

set -eu
cd "$release"
ls_needed="storage/app/public storage/framework/cache/data storage/framework/sessions storage/framework/views
    storage/logs bootstrap/cache/views"
# shellcheck disable=SC2086  # one word each
mkdir -p $ls_needed
[ -n "$group" ] || exit 0
getent group "$group" >/dev/null || { echo "there is no group $group on this host"; exit 1; }
ls_find() { find storage/ bootstrap/cache/ ! -type l "$@" \( ! -group "$group" -o ! -perm -g+rw -o -type d ! -perm -2010 \); }
ls_right() { chgrp -h "$group" "$@" && chmod g+rwX "$@" && for ls_one; do [ ! -d "$ls_one" ] || chmod g+s "$ls_one"; done; }
if [ "$(id -u)" = 0 ]; then set --; else set -- -user "$(id -un)"; fi
ls_find "$@" | { bad=0; while IFS= read -r ls_path; do ls_right "$ls_path" || bad=1; done; exit $bad; } || {
    echo "$(id -un) must be in the group $group to share storage and bootstrap/cache with the web server"; exit 1; }
# What the web server made in them, with the modes of its own umask, is its own affair.
for ls_path in storage storage/framework bootstrap/cache $ls_needed; do
    [ -w "$ls_path" ] || { echo "$(id -un) may not write in $(pwd -P)/$ls_path"
        echo "once, as root: chgrp -R $group and chmod -R g+rwX,g+s on storage and bootstrap/cache"; exit 1; }
done
