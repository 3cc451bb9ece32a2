"""Shell texts for whatever runs as a systemd unit."""

from __future__ import annotations

UNIT_NAME = r"^[A-Za-z0-9@_.:\\][A-Za-z0-9@_.:\\-]*$"

# Only changing verbs need root: what is read is read as the user who deploys. No `--` before the unit, whose name
# cannot be an option: sudoers compares words, and the rule people write is `systemctl reload UNIT`.
UNIT = r"""
ls_systemctl() { if [ "$(id -u)" = 0 ]; then systemctl "$@"; else sudo -n systemctl "$@"; fi; }
ls_may() {
    [ "$(id -u)" = 0 ] || sudo -n -l systemctl "$1" "$unit" >/dev/null 2>&1 && return 0
    echo "$(id -un) may not run \`systemctl $1 $unit\` with sudo on this host: a file in /etc/sudoers.d must say"
    echo "    $(id -un) ALL=(root) NOPASSWD: $(command -v systemctl) $1 $unit"
    return 1
}
ls_show() { systemctl show --property="$1" --value "$unit"; }
ls_take() {
    case $(ls_show ActiveState) in
        active | reloading) ls_systemctl "$1" "$unit" ;;
        *) ls_systemctl start "$unit" ;;
    esac && return 0
    echo "systemd says of $unit:"; systemctl status --no-pager --lines=15 "$unit"
    return 1
}
ls_unit() {
    echo "also enabled $(ls_show UnitFileState)"
    case $(ls_show ActiveState) in
        active | reloading) echo "running $(ls_show ActiveState) $(ls_show SubState)" ;;
        *) echo "down $unit is $(ls_show ActiveState) ($(ls_show SubState), load $(ls_show LoadState))" ;;
    esac
}
"""
# Asked before anything that users see has changed: to be refused at the reload is late.
MAY_TAKE = """
case $(ls_show ActiveState) in active | reloading) ls_may "$verb" ;; *) ls_may start ;; esac || exit 1
"""
STOP_UNIT = UNIT + 'ls_systemctl stop "$unit"\n'
# `restart` and no stop and start: what depends on the unit is started again with it.
RESTART_UNIT = (
    UNIT
    + """
case $(ls_show ActiveState) in active | reloading) ls_may restart ;; *) ls_may start ;; esac || exit 1
ls_take restart || exit 1
"""
)
# For a unit that no gate looks at: systemctl ends with 0 as soon as its process was started, whatever becomes of that.
STAYS = """
ls_take "$verb" || exit 1
sleep 1
case $(ls_show ActiveState) in
    active | reloading) ;;
    *) echo "$unit does not stay up:"; systemctl status --no-pager --lines=15 "$unit"; exit 1 ;;
esac
"""
START_UNIT = UNIT + "ls_may start && ls_take start\n"
# What kind of machine it is, for people.
VIRTUAL = r"""
if command -v systemd-detect-virt >/dev/null 2>&1; then echo "virtual $(systemd-detect-virt 2>/dev/null)"
elif [ -e /.dockerenv ]; then echo "virtual docker"
elif grep -q '^flags.* hypervisor' /proc/cpuinfo 2>/dev/null; then echo "virtual a virtual machine"; fi
"""
