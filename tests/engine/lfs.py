"""The program git-lfs: installed, or fetched from Debian's packages into a cache, so that nothing is installed."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

CACHE = Path("~/.cache/lockstitch-tests/git-lfs").expanduser()


@cache
def folder() -> str | None:
    """The folder of the program, or None where none can be had (no git-lfs and no apt-get)."""
    found = shutil.which("git-lfs")
    if found:
        return str(Path(found).parent)
    program = CACHE / "usr/bin/git-lfs"
    if not program.exists() and shutil.which("apt-get") and shutil.which("dpkg"):
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "git-lfs"], cwd=CACHE, capture_output=True, check=False)
        for package in CACHE.glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(CACHE)], check=True, capture_output=True)
    return str(program.parent) if program.exists() else None
