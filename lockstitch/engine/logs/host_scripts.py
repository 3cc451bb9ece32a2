"""Shell texts that find, read and follow the logs of a host."""

from __future__ import annotations

from lockstitch.model.shell import shell_text


def _text(*names: str) -> str:
    return "".join(shell_text(__package__, f"{name}.sh") for name in ("say", *names))


# The functions alone, which set HOME for a question that follows.
ASK = _text()
FIND = _text("find")
READ = _text("read")
FOLLOW = _text("follow")
JOURNAL_READ = _text("journal", "journal_read")
# Nothing else is said after that, so that each line is an entry.
JOURNAL_FOLLOW = (
    _text("journal")
    + r"""
for unit in $units; do set -- "$@" -u "$unit"; done
say begin; exec journalctl --no-tail -f "$@" 2>/dev/null
"""
)
