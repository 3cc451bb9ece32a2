"""Shell texts for whatever runs as the systemd unit `$unit`."""

from __future__ import annotations

from lockstitch.model.shell import shell_text

UNIT_NAME = r"^[A-Za-z0-9@_.:\\][A-Za-z0-9@_.:\\-]*$"

UNIT = shell_text(__package__, "unit.sh")
MAY_TAKE = UNIT + 'ls_may_take "$verb" || exit 1\n'
# For what a first deploy starts, and stops again where it fails.
MAY_DEPLOY = UNIT + 'ls_may_deploy "$verb" || exit 1\n'
STOP_UNIT = UNIT + '[ "$(ls_show LoadState)" = not-found ] || ls_systemctl stop "$unit"\n'
START_UNIT = UNIT + "ls_may start && ls_take start\n"
# `restart` and no stop and start: what depends on the unit is started again with it.
RESTART_UNIT = UNIT + "ls_may_take restart && ls_take restart || exit 1\n"
# A person's line that tests the configuration; in a shell of its own, whose `exit` ends nothing else.
RUN_TEST = '(cd "$current" 2>/dev/null; eval "$test") || exit 1\n'
VIRTUAL = shell_text(__package__, "virtual.sh")

UNIT_HINT = (
    "put the unit's file into /etc/systemd/system on the host, then: sudo systemctl daemon-reload; "
    "or correct its name in the inventory"
)


def unit_problem(unit: str, load: str) -> str:
    """Return why a unit in this load state cannot be started."""
    if load == "not-found":
        return f"systemd on this host has no unit {unit}"
    return f"systemd on this host cannot start the unit {unit}: it is {load}"
