# shellcheck shell=sh
# Test the configuration that a reload or a start would read. As root, who may read the keys of certificates.

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
if [ "$(id -u)" = 0 ]; then nginx -t && exit; exit 1; fi
ls_program=$(command -v nginx) || { echo "there is no nginx on this host"; exit 1; }
sudo -n -l "$ls_program" -t >/dev/null 2>&1 || {
    echo "$(id -un) may not run \`nginx -t\` with sudo on this host: a file in /etc/sudoers.d must say"
    echo "    $(id -un) ALL=(root) NOPASSWD: $ls_program -t"
    exit 1
}
sudo -n "$ls_program" -t
