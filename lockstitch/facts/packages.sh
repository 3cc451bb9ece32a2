# shellcheck shell=sh
# What apt would upgrade: its own lines, and those it keeps back. Simulated, so nothing is locked and nothing
# changes. An update of the lists leaves its time on the folder.

LC_ALL=C; export LC_ALL
ls_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || { echo "foreign no apt-get"; exit 0; }
if [ -n "$refresh" ]; then
    ls_root env LC_ALL=C apt-get -q -o DPkg::Lock::Timeout=120 update >&2 \
        || { echo "problem apt-get update failed"; exit 0; }
fi
newest=
for at in $(stat -c %Y /var/lib/apt/lists /var/lib/apt/lists/partial /var/lib/apt/periodic/update-success-stamp \
    2>/dev/null); do [ "$at" -le "${newest:-0}" ] || newest=$at; done
echo "refreshed $newest"
said=$(apt-get -s -q -o APT::Get::Show-User-Simulation-Note=false upgrade --with-new-pkgs 2>&1) \
    || { printf 'problem %s\n' "${said##*
}"; exit 0; }
printf '%s\n' "$said" | awk '
    /^[^ ]/ { kept = 0 }
    /^Inst /
    kept { for (i = 1; i <= NF; i++) print "kept", $i }
    /kept back:$/ { kept = 1 }'
