# shellcheck shell=sh
# The backup `name` compared with its manifest: it fails where a file is not what the manifest says, is missing, or was
# added.

set -eu
cd "$directory/$name" 2>/dev/null || { echo "there is no backup $name in $directory"; exit 1; }
[ -s manifest.json ] || { echo "$name has no manifest: it was not finished, or the manifest was removed"; exit 1; }
lines=$(sed -n 's/^{"name":"\(database[^"]*\)","bytes":[0-9]*,"sha256":"\([0-9a-f]\{64\}\)"},\{0,1\}$/\2  \1/p' manifest.json)
case $(tail -n 1 manifest.json) in '],"seal":"'*'"}') ;; *) echo "the manifest of $name is cut off"; exit 1 ;; esac
[ "$(tail -n 1 manifest.json)" = "],\"seal\":\"$(sed '$d' manifest.json | sealed)\"}" ] ||
    { echo "the manifest of $name was changed"; exit 1; }
[ -n "$lines" ] || { echo "the manifest of $name names no file"; exit 1; }
whole=$(sed -n '1s/.*"sha256":"\([0-9a-f]\{64\}\)",$/\1/p' manifest.json)
[ "$(sed -n 's/^\({"name":"database[^"]*","bytes":[0-9]*,"sha256":"[0-9a-f]*"}\),\{0,1\}$/\1/p' manifest.json | sha256sum | cut -c 1-64)" = "$whole" ] ||
    { echo "the manifest of $name was changed"; exit 1; }
bad=$(printf '%s\n' "$lines" | sha256sum -c - 2>&1) || { printf '%s\n' "$bad" "$name is damaged" | grep -v ': OK$'; exit 1; }
[ "$(find database* -type f | wc -l)" -eq "$(printf '%s\n' "$lines" | wc -l)" ] || { echo "$name has files its manifest lacks"; exit 1; }
