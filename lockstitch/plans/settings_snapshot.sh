# shellcheck shell=sh
# Note the settings with which `release` is good, each by its name and a hash, in the folder `snapshots`. env_file.sh and
# settings_hash.sh come before it. A file that cannot be read leaves none: then it is not known what has changed since.
# Of the former files in the folder `kept` only the last `keep` stay: no earlier, for what fails is put back from them.
# shellcheck disable=SC2154

ls_newest_first() { find "$1" -type f -name "$2" 2>/dev/null | sed 's/.*\///' | LC_ALL=C sort -r; }
for ls_old in $(ls_newest_first "$kept" '*Z-*' | tail -n "+$((keep + 1))"); do rm -f -- "$kept/$ls_old"; done
mkdir -p -- "$snapshots" && chmod 700 -- "$snapshots" || exit 0
rm -f -- "$snapshots/$release"
ls_env_find && [ -n "$ls_there" ] && ls_hash_key || exit 0
(umask 077 && ls_hashes "$ls_env_file" >"$snapshots/.part") && mv -f -- "$snapshots/.part" "$snapshots/$release" || rm -f -- "$snapshots/.part"
for ls_old in $(ls_newest_first "$snapshots" '*' | tail -n +51); do rm -f -- "$snapshots/$ls_old"; done
exit 0
