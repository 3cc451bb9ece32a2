"""The value LogSource: where an app's log lines are to be found on a host."""

from __future__ import annotations

from dataclasses import dataclass

from lockstitch.command import Command


@dataclass(frozen=True)
class LogSource:
    """One of three: `path` is a file of the host, or a pattern such as `laravel-*.log`, relative to the login user's
    home; `unit` is a systemd unit whose journal is read; `ask` is a command that prints such paths, a line each, where
    only the host knows them."""

    path: str = ""
    unit: str = ""
    ask: Command | None = None
