"""A person's terminal given to a command on this machine."""

from __future__ import annotations

import os
import signal
import subprocess

from lockstitch.errors import HostLostError
from lockstitch.remote.local_run import environment

_TERMINAL = ("TERM", "COLORTERM", "EDITOR", "VISUAL", "PAGER", "LESS")


def interact(command_line: str) -> int:
    """Run it in a shell; its exit code."""
    env = {**environment(), **{name: os.environ[name] for name in _TERMINAL if name in os.environ}}
    # Ctrl-C is for the command: not ignored, which it would inherit, but passed over here.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        code = subprocess.run(["/bin/sh", "-c", command_line], cwd=env["HOME"], env=env, check=False).returncode
    except OSError as error:
        said = f"no shell can be started on this machine: {(error.strerror or str(error)).lower()}"
        raise HostLostError("local", said) from error
    finally:
        signal.signal(signal.SIGINT, before)
    return code
