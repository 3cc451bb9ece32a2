"""EFFECT: a command of the user's own on this machine, in a session of its own, within its time."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

INTERRUPTED = "interrupted"
_TICK = 0.1
# What a command that is ended may take to put its own things away.
_PATIENCE = 5.0
# How much of the end of its output is read.
_KEPT = 64 * 1024


def run_here(
    line: str,
    seconds: float,
    root: Path,
    stopped: threading.Event,
    document: str = "",
    env: Mapping[str, str] | None = None,
) -> tuple[str, str]:
    """Run a command in `sh`, in a session of its own: Ctrl-C is for us, who end it with all it has started.

    It gets `document` on stdin, and `env` besides our own environment. Returns why it failed (empty: it did not), and
    the end of what it printed.
    """
    # Files, not pipes: whatever it leaves running holds nothing up, and what it prints takes no memory.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as printed:
        given.write(document.encode("utf-8", "surrogateescape"))
        given.seek(0)
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", line],
                cwd=root,
                env={**os.environ, **(env or {})},
                stdin=given,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return f"no shell can be started here: {(error.strerror or str(error)).lower()}", ""
        failure = _wait(process, seconds, stopped)
        printed.seek(max(0, printed.seek(0, os.SEEK_END) - _KEPT))
        return failure, printed.read().decode("utf-8", "replace")


def _wait(process: subprocess.Popen[bytes], seconds: float, stopped: threading.Event) -> str:
    until = time.monotonic() + seconds
    while True:
        try:
            code = process.wait(_TICK)
            return f"it ended with exit code {code}" if code else ""
        except subprocess.TimeoutExpired:
            late = time.monotonic() > until
            if late or stopped.is_set():
                end_group(process)
                return f"it was ended, because it took longer than {seconds:g} s" if late else INTERRUPTED


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that began a session of its own, with all it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
            # What of its group has ignored the first signal.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            return
