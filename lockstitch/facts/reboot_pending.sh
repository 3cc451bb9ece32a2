# shellcheck shell=sh
# `pending` where the system waits for a reboot, and for which packages; `settled` where it does not; nothing where
# it does not say. Debian's file, or Red Hat's program.

if [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]; then
    echo pending
    sort -u /run/reboot-required.pkgs 2>/dev/null | sed 's/^/for /'
elif command -v needs-restarting >/dev/null 2>&1; then
    timeout 10 needs-restarting -r >/dev/null 2>&1; case $? in 0) echo settled ;; 1) echo pending ;; esac
elif [ -e /etc/debian_version ]; then echo settled; fi
exit 0
