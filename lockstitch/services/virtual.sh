# shellcheck shell=sh
# Print the kind of machine it is, for people.

if command -v systemd-detect-virt >/dev/null 2>&1; then echo "virtual $(systemd-detect-virt 2>/dev/null)"
elif [ -e /.dockerenv ]; then echo "virtual docker"
elif grep -q '^flags.* hypervisor' /proc/cpuinfo 2>/dev/null; then echo "virtual a virtual machine"; fi
