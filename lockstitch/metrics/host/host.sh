# shellcheck shell=sh
# Values of a host, as lines `WORD REST`: /proc/stat twice half a second apart, the load, the memory, and the file systems of
# `paths` (a line each): space in KiB and inodes.
# shellcheck disable=SC2154

read -r _ load _ 2>/dev/null </proc/loadavg && echo "load $load"
echo "cpus $(nproc 2>/dev/null || grep -c '^processor' /proc/cpuinfo)"
read -r before 2>/dev/null </proc/stat && { sleep 0.5 2>/dev/null || sleep 1; } &&
  read -r after </proc/stat && printf '%s\n' "from $before" "to $after"
awk '/^(MemTotal|MemAvailable|SwapTotal|SwapFree):/ { print $1, $2 }' /proc/meminfo 2>/dev/null
IFS='
'
set -f
for path in $paths; do
  for kind in k i; do
    LC_ALL=C df "-P$kind" -- "$path" 2>&1 | tail -n 1 | sed "s/^/$kind /"
  done
done
