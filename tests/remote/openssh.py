"""Where OpenSSH's server is: installed, or fetched from Debian's packages into a cache, so that nothing is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

PACKAGES = ("openssh-server", "libwrap0")
CACHE = Path("~/.cache/lockstitch-tests/openssh").expanduser()


@cache
def server() -> str | None:
    """The path of a server that can be started, or None where none can be had (no OpenSSH and no apt-get)."""
    found = shutil.which("sshd") or next((path for path in ("/usr/sbin/sshd",) if Path(path).exists()), None)
    return found or _fetched()


def environment() -> dict[str, str]:
    """What the server is started with: fetched libraries are looked for after the system's."""
    libraries = [str(path.parent) for path in CACHE.rglob("libwrap.so.0")]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)} if libraries else dict(os.environ)


def _fetched() -> str | None:
    sshd = CACHE / "usr/sbin/sshd"
    if not sshd.exists() and shutil.which("apt-get") and shutil.which("dpkg"):
        CACHE.mkdir(parents=True, exist_ok=True)
        if _apt("download", *PACKAGES).returncode and os.geteuid() == 0:
            _apt("update", "-q")
            _apt("download", *PACKAGES)
        for package in CACHE.glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(CACHE)], check=True, capture_output=True)
    return str(sshd) if sshd.exists() else None


def _apt(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["apt-get", *words], cwd=CACHE, capture_output=True, check=False)
