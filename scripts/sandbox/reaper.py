"""Collects every child of a server: the commands of its sessions, and the daemons they leave."""

import asyncio
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable

PR_SET_CHILD_SUBREAPER = 36


class Reaper:
    """Tells who waits for a child how it ended. One in a process, on its event loop."""

    def __init__(self) -> None:
        self._watched: dict[int, tuple[subprocess.Popen[bytes], Callable[[int], None]]] = {}
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._collect)
        # Daemons that detach become children of the server, so that `stop` finds them
        # even when they have overwritten their environment.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def watch(self, process: "subprocess.Popen[bytes]", ended: Callable[[int], None]) -> None:
        """Call ended(exit code, or minus the signal) when this child is gone."""
        self._watched[process.pid] = process, ended

    def _collect(self) -> None:
        while pid_and_status := _next_ended_child():
            pid, status = pid_and_status
            if pid in self._watched:
                process, ended = self._watched.pop(pid)
                # Popen would otherwise wait for it again, and could take another's status.
                process.returncode = os.waitstatus_to_exitcode(status)
                ended(process.returncode)


def _next_ended_child() -> tuple[int, int] | None:
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, status) if pid else None
