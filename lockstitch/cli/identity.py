"""Who types, and the id of the run they start."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
from datetime import UTC, datetime


def who() -> str:
    """The person, or the CI job, and the machine: what locks and journals name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def new_run() -> str:
    """A run's id: its UTC time, so that ids sort, and four random characters, so that two are never the same."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
