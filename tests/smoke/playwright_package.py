"""The real Playwright, which `scripts/test --browser` installs into a cache."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.unpacked import folder

VERSION = "1.65.2"


def install() -> Path:
    """Install Playwright where it is not there yet, without a browser of its own. Returns the folder to import from."""
    place = folder(f"playwright-{VERSION}")
    if not (place / "whole").exists():
        words = [sys.executable, "-m", "pip", "install", "-q", "--target", str(place), f"playwright=={VERSION}"]
        subprocess.run(words, check=True, stdout=sys.stderr)
        (place / "whole").touch()
    return place


if __name__ == "__main__":
    print(install())
