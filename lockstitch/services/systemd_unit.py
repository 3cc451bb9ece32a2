"""Shell texts for whatever runs as the systemd unit `$unit`."""

from __future__ import annotations

from lockstitch.model.shell import shell_text

UNIT_NAME = r"^[A-Za-z0-9@_.:\\][A-Za-z0-9@_.:\\-]*$"

UNIT = shell_text(__package__, "unit.sh")
MAY_TAKE = UNIT + 'ls_may_take "$verb" || exit 1\n'
STOP_UNIT = UNIT + 'ls_systemctl stop "$unit"\n'
START_UNIT = UNIT + "ls_may start && ls_take start\n"
# `restart` and no stop and start: what depends on the unit is started again with it.
RESTART_UNIT = UNIT + "ls_may_take restart && ls_take restart || exit 1\n"
VIRTUAL = shell_text(__package__, "virtual.sh")
