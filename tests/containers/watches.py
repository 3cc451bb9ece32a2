"""Room for many hosts: a systemd was seen to take five inotify instances, and a machine gives root 128."""

from __future__ import annotations

import contextlib
from pathlib import Path

from tests.containers.local import STATE

LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
KEPT = STATE / "inotify"
WANTED = 1024


def raise_limit() -> None:
    """Make room, and keep what the limit was; where that is not ours to do, fewer hosts fit."""
    with contextlib.suppress(OSError, ValueError):
        before = int(LIMIT.read_text())
        if before < WANTED:
            LIMIT.write_text(str(WANTED))
            KEPT.write_text(str(before))


def restore_limit() -> None:
    """Put the limit back to what it was."""
    with contextlib.suppress(OSError):
        LIMIT.write_text(KEPT.read_text())
        KEPT.unlink()
