# shellcheck shell=sh
# What a host offers to one app: tools that are missing, KiB that are free, folders that cannot be written, units that
# cannot be started, shared files that are not there (`lost` where the release that serves links to one); then the
# site's lock and journal.

for tool in $tools; do command -v "$tool" >/dev/null 2>&1 || not_found "$tool"; done
near "$path"
df -Pk "$near" 2>/dev/null | { read -r _; read -r _ _ _ free _; echo "free $free"; }
for folder in "$path" "$state"; do may_write "$folder"; done
if command -v systemctl >/dev/null 2>&1; then
    for unit in $units; do
        load=$(systemctl show --property=LoadState --value "$unit" 2>/dev/null)
        case $load in not-found | masked | bad-setting) echo "nounit $load $unit" ;; esac
    done
fi
if [ "$kind" = releases ] && [ -n "$paths" ]; then
    while IFS= read -r one; do
        # A folder is made; a file is not.
        case $one in */) continue ;; esac
        if [ -e "$shared/$one" ]; then continue; fi
        if [ -L "$current/$one" ] && [ ! -e "$current/$one" ]; then echo "lost $one"; fi
        why=$(there "$shared/$one") || echo "${why:-unshared $one}"
    done <<PATHS
$paths
PATHS
fi
read_lock
read_journal
exit 0
