"""Run some commands until standard input closes; then end them, and everything that they started.

Whatever loses its parent becomes a child of this process, so that nothing escapes and all CPU time is counted.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys

from scripts.sandbox import processes

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of every process below this one that loses its own. Raises OSError where that is refused."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def main(commands: list[list[str]]) -> None:
    """Start them, print a line, and wait."""
    adopt_orphans()
    signal.signal(signal.SIGCHLD, _reap)
    for command in commands:
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode = 0
    print("started", flush=True)
    sys.stdin.read()
    processes.end(lambda: processes.descendants([os.getpid()]))


def _reap(*_: object) -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
