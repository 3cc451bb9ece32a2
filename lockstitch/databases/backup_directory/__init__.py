"""The folder of backups on a host, as shell texts: what the dumps of every engine have in common."""

from __future__ import annotations

from lockstitch.model.removal import DISCARD
from lockstitch.model.shell import shell_text


def _text(*names: str) -> str:
    return "".join(shell_text(__package__, f"{name}.sh") for name in names)


BEGIN = DISCARD + _text("begin")
FINISH = _text("seal", "finish")
CHECK = _text("seal", "check")
LIST = _text("list")
PROVEN = _text("prove")
REMOVE = DISCARD + _text("remove")
# Functions `rows_of` and `differences` for an engine's `compare`.
ROWS = _text("rows")
# What a restore that fails calls, with its reason on stdin, where the dump is what cannot be restored.
MARK_RESTORE = _text("mark") + "unrestorable() { mark prove; }\n"
MARK_NOTHING = "unrestorable() { cat >/dev/null; }\n"


def marked(text: str) -> str:
    """Return a text that looks at a backup, and leaves a mark where that fails; where it passes the mark goes."""
    return f"{_text('mark')}looked() {{\n{text}\n}}\n{_text('verify')}"


def compared(text: str) -> str:
    """Return a text that compares rows, and leaves a mark where they differ."""
    return f"{_text('mark')}compared() {{\n{text}\n}}\n{_text('compare')}"
