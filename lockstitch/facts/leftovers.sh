# shellcheck shell=sh
# What can go, as lines `KIND<TAB>KIB<TAB>NAME`: the caches that the arguments name, the releases of these `ids`, and
# apt's archives where this user may remove them.

leftover() { kib=$(du -sk -- "$2" 2>/dev/null); printf '%s\t%s\t%s\n' "$1" "${kib%%	*}" "$3"; }
for path in "$@"; do [ ! -d "$path" ] || leftover cache "$path" "$path"; done
for id in $ids; do leftover release "$releases/$id" "$id"; done
archives=/var/cache/apt/archives
if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
    kib=$(find "$archives" -name '*.deb' -exec du -k {} + 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }')
    printf 'archives\t%s\t%s\n' "$kib" "$archives"
fi
