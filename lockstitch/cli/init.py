"""`init`: what a person types and is told, for `fab init` and for `python -m lockstitch init`."""

from __future__ import annotations

import sys
from typing import Any

from lockstitch.cli.context import FleetContext
from lockstitch.cli.scaffold import FLAGS
from lockstitch.cli.scaffold.init import begin
from lockstitch.errors import LockstitchError, UsageError
from lockstitch.text import neutral


def init_repository(c: FleetContext, directory: str, flags: dict[str, Any]) -> None:
    """Make a new operations repository, as the task `init`."""
    if c.hosts:
        raise UsageError("init works on this machine, and on no host", hint=f"fab init {directory} --hosts …")
    print(init_text(directory, flags, dry=c.dry))


def init_text(directory: str, flags: dict[str, Any], *, dry: bool) -> str:
    """Make a new operations repository from the values of FLAGS, ask for what is missing, and say what was made."""
    ask = _typed if sys.stdin.isatty() and sys.stdout.isatty() and not flags["yes"] else None
    given = {name: flags[name] for name, (default, _) in FLAGS.items() if default == ""}
    how = {name: flags[name] for name in ("protect", "git")}
    return neutral(begin(directory, given, flags["setting"] or (), flags["group"] or (), **how, dry=dry, ask=ask))


def _typed(question: str) -> str:
    """Return what a person types to a question."""
    print(question, end="", flush=True)
    line = sys.stdin.readline()
    if not line:
        raise LockstitchError(
            "there is no answer; nothing was written", hint="--yes takes what is not given as default"
        )
    return line
