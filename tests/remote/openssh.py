"""Where OpenSSH's server is: installed, or fetched from Debian's packages into a cache, so that nothing is installed."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

from tests.unpacked import folder, unpacked

PACKAGES = ("openssh-server", "libwrap0")
CACHE = folder("openssh")


@cache
def server() -> str | None:
    """The path of a server that can be started, or None where none can be had (no OpenSSH and no apt-get)."""
    found = shutil.which("sshd") or next((path for path in ("/usr/sbin/sshd",) if Path(path).exists()), None)
    fetched = None if found else unpacked("openssh", "usr/sbin/sshd", *PACKAGES)
    return found or (str(fetched) if fetched else None)


def environment() -> dict[str, str]:
    """What the server is started with: fetched libraries are looked for after the system's."""
    libraries = [str(path.parent) for path in CACHE.rglob("libwrap.so.0")]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)} if libraries else dict(os.environ)
