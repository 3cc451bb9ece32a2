# shellcheck shell=sh
# What a host is, as lines `WORD REST`: its system, its clock, its memory, the file systems of `paths`, the versions of
# `programs`. The inner subshell reads a file of the host's.
# shellcheck disable=SC1091,SC2046

[ -r /etc/os-release ] && (. /etc/os-release && echo "os ${PRETTY_NAME:-$NAME}")
set -- $(uname -snrm)
printf '%s\n' "kernel $1 $3" "machine $4" "hostname $2"
read -r up _ 2>/dev/null </proc/uptime && echo "uptime ${up%%.*}"
date +'now %s%nzone %Z %z'
read -r one five fifteen _ 2>/dev/null </proc/loadavg && echo "load $one $five $fifteen"
awk '/^(MemTotal|MemAvailable|SwapTotal|SwapFree):/ { printf "%s %d\n", $1, $2 }' /proc/meminfo 2>/dev/null
newline='
'
set --
IFS=$newline; set -f
for path in $paths; do near "$path"; set -- "$@" "$near"; done
unset IFS
df -Pk -- "$@" 2>/dev/null | {
    read -r _
    while read -r _ size _ free _ at; do echo "disk $size $free $at"; done
}
for program in $programs; do
    command -v "$program" >/dev/null 2>&1 || continue
    version=$(timeout 5 "$program" --version </dev/null 2>/dev/null)
    echo "program $program ${version%%"$newline"*}"
done
echo "user $(id -un)"
exit 0
