"""The real Lighthouse, which `scripts/test --browser` installs into a cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.unpacked import folder

VERSION = "12.2.3"


def installed() -> Path | None:
    """The folder with the program, as LOCKSTITCH_LIGHTHOUSE names it; None where it names none."""
    named = os.environ.get("LOCKSTITCH_LIGHTHOUSE", "")
    return Path(named).resolve() if named else None


def browser() -> str | None:
    """The path of a Chromium of this machine; None where there is none."""
    return shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")


def install() -> Path:
    """Install Lighthouse where it is not there yet: it needs node 18 or newer, and npm. Returns the folder."""
    place = folder(f"lighthouse-{VERSION}")
    if not (place / "whole").exists():
        place.mkdir(parents=True, exist_ok=True)
        words = ["npm", "install", "--prefix", str(place), "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run([*words, f"lighthouse@{VERSION}"], check=True, stdout=sys.stderr)
        (place / "whole").touch()
    return place / "node_modules" / ".bin"


if __name__ == "__main__":
    print(install())
