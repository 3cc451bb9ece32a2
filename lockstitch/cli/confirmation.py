"""Questions to the person at the terminal."""

from __future__ import annotations

import shutil
import sys
import termios
from collections.abc import Callable
from contextlib import suppress

# What is typed to see the steps of a plan before it is confirmed.
STEPS = "steps"


def asked(question: Callable[[], None]) -> str:
    """Ask a question and return the line that is typed after it. What was typed before is thrown away: it was meant for
    something else."""
    with suppress(termios.error, OSError, ValueError):
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
    question()
    return sys.stdin.readline().strip()


def screen() -> tuple[int, int]:
    """Return the rows and the columns of the terminal."""
    size = shutil.get_terminal_size()
    return size.lines, size.columns
