"""A person's terminal given to a command on this machine."""

from __future__ import annotations

import os

from lockstitch.errors import HostLostError
from lockstitch.remote.local import environment
from lockstitch.remote.terminal import run_at_terminal

_TERMINAL = ("TERM", "COLORTERM", "EDITOR", "VISUAL", "PAGER", "LESS")


def interact(command_line: str) -> int:
    """Run it in a shell; its exit code. Raises KeyboardInterrupt where the terminal hung up."""
    env = {**environment(), **{name: os.environ[name] for name in _TERMINAL if name in os.environ}}
    try:
        return run_at_terminal(["/bin/sh", "-c", command_line], cwd=env["HOME"], env=env)
    except OSError as error:
        said = f"no shell can be started on this machine: {(error.strerror or str(error)).lower()}"
        raise HostLostError("local", said) from error
