# shellcheck shell=sh
# The proof `proof`, a JSON object's inside, goes into the manifest, whose other lines stay. The mark goes.

set -eu
umask 077
at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
(
    cd "$directory/$name"
    { head -n 1 manifest.json; printf '"proven":{"at":"%s",%s},\n' "$at" "$proof"
      tail -n +2 manifest.json | grep -v '^"proven":'; } >manifest.json.new
    sync manifest.json.new; mv -T manifest.json.new manifest.json; sync .
)
rm -f -- "$marks/$name"
echo "$name is proven: it was restored, and every table has the rows it had"
