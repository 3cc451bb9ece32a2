# shellcheck shell=sh
# A list of words, split on purpose.
# shellcheck disable=SC2086
# A program that the line below runs.
# shellcheck disable=SC2209
# The inner sh expands these.
# shellcheck disable=SC2016
# dpkg must not be cut off in the middle, so apt runs in a session of its own, and its output goes by a file: a line
# that is lost, or a Ctrl-C, ends who reads it. Configuration that was changed by hand is kept.

ls_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
installed() { dpkg-query -W -f '${db:Status-Abbrev} ${binary:Package} ${Version}\n' | grep '^.i' | cut -d ' ' -f 2-; }
ls_root true || { echo "$(id -un) may not run apt-get with sudo without a password"; exit 1; }
before=$(installed)
auto=$(apt-mark showauto $names)
set -- apt-get -y -q -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=300
if [ -n "$whole" ]; then set -- "$@" upgrade --with-new-pkgs; else set -- "$@" install --only-upgrade $names; fi
[ "$(id -u)" = 0 ] && root=env || root="sudo -n env"
rm -f "$log.code"; : >"$log"
setsid -w sh -c '"$@" >>"$0" 2>&1; echo $? >"$0.code"' \
    "$log" $root LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l "$@" </dev/null >/dev/null 2>&1 3<&- &
tail -n +1 -s 0.2 -f --pid=$! "$log"
code=$(cat "$log.code" 2>/dev/null || echo 1)
rm -f "$log" "$log.code"
# Named on a command line, a package would from now on count as one that somebody wanted.
[ -z "$auto" ] || ls_root apt-mark auto $auto >/dev/null
[ "$code" = 0 ] || exit "$code"
installed | while read -r name version; do
    was=$(printf '%s\n' "$before" | awk -v name="$name" '$1 == name { print $2 }')
    [ "$was" = "$version" ] || echo "upgraded $name ${was:-new} -> $version"
done
missing=$(printf '%s\n' "$wanted" | while read -r name version; do
    [ "$(dpkg-query -W -f '${Version}' "$name" 2>/dev/null)" = "$version" ] || echo "$name is not at $version"
done)
[ -z "$missing" ] || { printf '%s\n' "$missing"; exit 1; }
[ ! -e /var/run/reboot-required ] || echo "this host waits for a reboot"
