# shellcheck shell=sh
# Put the new manifest, which lies beside the old one, in its place.

set -eu
cd -- "$directory/$name"
said=$(cd .new && printf '%s\n' "$manifest" | sha256sum -c - 2>&1) || { echo "$said"; exit 1; }
sync .new/manifest.json; mv -T -- .new/manifest.json manifest.json; rmdir .new; sync .
