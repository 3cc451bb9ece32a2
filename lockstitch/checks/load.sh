# shellcheck shell=sh
# The load of five minutes, and what the CPUs did meanwhile: the first line of /proc/stat twice, half a second apart.

read -r _ load _ 2>/dev/null </proc/loadavg && echo "load $load"
read -r before 2>/dev/null </proc/stat && { sleep 0.5 2>/dev/null || sleep 1; } &&
    read -r after </proc/stat && printf '%s\n' "from $before" "to $after"
