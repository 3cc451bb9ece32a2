"""stdin, stdout and stderr are there, also where whoever started us had closed them (`>&-`, some daemons)."""

from __future__ import annotations

import io
import os
import sys


def open_closed() -> None:
    """Open on nothing those that are closed: the next connection would take their number, and be written to."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free, which is this one.
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A locale that lacks a character is no reason to end: it is shown by its number.
            stream.reconfigure(errors="backslashreplace")
