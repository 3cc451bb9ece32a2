"""Feature flags: every module in this folder that defines a driver is found. Nothing here touches a host.

A driver is a pydantic model of one flag's settings (`kind` names it in inventories). It returns the shell texts that
read the flag and set it, on each host of its app or once for all of them.
"""

from __future__ import annotations

from lockstitch.flags.base import DEFAULT_KIND, Flag, FlagPlace, FlagReading, FlagStep, parse_reading
from lockstitch.model.plugins import by_kind


def flag_types() -> dict[str, type[Flag]]:
    """Return every driver by its kind, in alphabetical order."""
    return by_kind(__name__, Flag)


__all__ = ["DEFAULT_KIND", "Flag", "FlagPlace", "FlagReading", "FlagStep", "flag_types", "parse_reading"]
