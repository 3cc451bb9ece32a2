# shellcheck shell=sh
# Since which boot the host runs: the boot id is the kernel's. What has no kernel of its own, such as a container,
# begins anew with its first process. Then whether the host is still starting, and why this user may not reboot.
# shellcheck disable=SC2086

read -r line 2>/dev/null </proc/1/stat; set -- ${line##*) }
read -r id 2>/dev/null </proc/sys/kernel/random/boot_id
echo "boot $id ${20:-}"
echo "system $(systemctl is-system-running 2>/dev/null)"
if ! command -v systemctl >/dev/null; then echo "refused there is no systemctl on this host"
elif [ "$(id -u)" != 0 ] && ! sudo -n -l systemctl reboot >/dev/null 2>&1; then
    echo "refused $(id -un) may not run \`systemctl reboot\` with sudo without a password"
fi
