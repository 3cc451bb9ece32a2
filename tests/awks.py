"""Every awk that hosts have, to prove that a program means the same in each."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tests.unpacked import program

_KNOWN = {
    "mawk": ("mawk", "mawk"),
    "gawk": ("gawk", "gawk"),
    "gawk --posix": ("gawk", "gawk"),
    "busybox awk": ("busybox", "busybox-static"),
    "original-awk": ("original-awk", "original-awk"),
}
AWKS = tuple(_KNOWN)


@cache
def awk(name: str) -> str | None:
    """Return the command line of an awk; None where it cannot be had."""
    path = program(*_KNOWN[name])
    return None if path is None else " ".join([str(path), *name.split()[1:]])


def awk_folder(name: str, root: Path) -> Path | None:
    """Return a folder for the front of PATH, whose `awk` is this one; None where it cannot be had."""
    words = awk(name)
    if words is None:
        return None
    folder = root / "awk"
    folder.mkdir(exist_ok=True)
    (folder / "awk").write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    (folder / "awk").chmod(0o755)
    return folder
