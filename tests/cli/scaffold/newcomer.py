"""A person with an empty folder, and Lockstitch as its wheel installs it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from tests.containers.project import FAB, Ran, Running

SECONDS = 120.0


class Newcomer:
    """Works in `folder`; `ops` is what `init` makes there."""

    def __init__(self, folder: Path, site: Path) -> None:
        self.folder, self.site, self.ops = folder, site, folder / "ops"
        self.home = folder / "home"
        (self.home / ".ssh").mkdir(parents=True, mode=0o700)
        self.env = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        self.env |= {"HOME": str(self.home), "USER": "ada", "LOGNAME": "ada", "COLUMNS": "200", "TERM": "dumb"}

    def module(self, *words: str) -> Ran:
        """`python -m lockstitch` to its end."""
        return self._started([sys.executable, "-m", "lockstitch", *words], self.folder).finish(SECONDS)

    def fab(self, *words: str) -> Ran:
        """`fab` in what was made."""
        return self._started([str(FAB), *words], self.ops).finish(SECONDS)

    def at_terminal(self, typed: str, *words: str, form: str = "module") -> tuple[int, str]:
        """One of the two on a terminal where this is typed at the first question: its code, and what was seen."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "lockstitch", *words] if form == "module" else [str(FAB), *words],
            cwd=self.folder if form == "module" else self.ops,
            env={**self.env, "PYTHONPATH": str(self.site)},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            # A terminal of its own, so that what is typed there interrupts.
            preexec_fn=lambda: (os.setsid(), os.close(os.open(os.ttyname(0), os.O_RDWR))),  # type: ignore[func-returns-value]
        )
        os.close(theirs)
        seen = b""
        with os.fdopen(ours, "r+b", buffering=0) as terminal:
            try:
                while b": " not in seen:
                    seen += os.read(terminal.fileno(), 65536)
                terminal.write(typed.encode())
                while data := os.read(terminal.fileno(), 65536):
                    seen += data
            except OSError:
                pass  # what Linux says where the other end is closed
        return process.wait(SECONDS), seen.decode()

    def _started(self, words: list[str], folder: Path) -> Running:
        return Running(words, folder, {**self.env, "PYTHONPATH": str(self.site)})


def held(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, without what Python compiled."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
