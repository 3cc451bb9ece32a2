# shellcheck shell=sh
# Print which settings have changed since `release` was good, and the kept file that has them as they were. env_file.sh and
# settings_hash.sh come before it.
# shellcheck disable=SC2154

[ -r "$snapshots/$release" ] || { echo unknown; exit 0; }
env_names=$(printf '%s\n' "$env_names" "$(cut -d ' ' -f 1 "$snapshots/$release")" | tr ' ' '\n' | LC_ALL=C sort -u | tr '\n' ' ')
ls_env_find && [ -n "$ls_there" ] || { echo "unreadable ${ls_problem:-$env_path is not there}"; exit 0; }
ls_hash_key || { echo "unreadable $state/settings-key"; exit 0; }
ls_was=$(LC_ALL=C sort "$snapshots/$release")
ls_now=$(ls_hashes "$ls_env_file") || { echo "unreadable $ls_problem"; exit 0; }
ls_now=$(printf '%s\n' "$ls_now" | LC_ALL=C sort)
echo known
[ "$ls_was" != "$ls_now" ] || exit 0
printf '%s\n' "$ls_was" "$ls_now" | LC_ALL=C sort | uniq -u | cut -d ' ' -f 1 | sort -u | sed 's/^./changed &/'
for ls_old in $(find "$kept" -type f -name '*Z-*' 2>/dev/null | grep -v '\.none$' | LC_ALL=C sort -r); do
    ls_then=$(ls_hashes "$ls_old" | LC_ALL=C sort)
    if [ "$ls_then" = "$ls_was" ]; then echo "former ${ls_old##*/}"; exit 0; fi
done
exit 0
