"""The wheel of this checkout, built once a test run, and what somebody has who installed only that."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def built(factory: pytest.TempPathFactory, *, through_sdist: bool = False) -> Path:
    """The wheel; by way of the sdist where that is asked for."""
    out = factory.getbasetemp() / ("wheel-of-sdist" if through_sdist else "wheel")
    if not out.exists():
        kind = [] if through_sdist else ["--wheel"]
        build = [sys.executable, "-m", "build", *kind, "--no-isolation", "--outdir", str(out), str(ROOT)]
        done = subprocess.run(build, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    (made,) = out.glob("*.whl")
    return made


def unpacked(factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH that holds what the wheel does, and nothing of the checkout."""
    site = factory.getbasetemp() / "site"
    if not site.exists():
        with zipfile.ZipFile(built(factory)) as file:
            file.extractall(site)
    return site
