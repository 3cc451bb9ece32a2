"""The value LockInfo: who holds a lock, as its file tells it."""

from __future__ import annotations

from dataclasses import field

from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import record
from lockstitch.text import oneline

_NOBODY = "unknown"


@dataclass(frozen=True)
class LockInfo:
    """The holder of a lock, the reason and the time; `run` is what releases it, `kind` what it does (empty: it was taken
    by hand), and `host` how it calls the host."""

    run: str
    by: str
    message: str
    at: str
    kind: str = ""
    host: str = field(default="", compare=False)

    def __str__(self) -> str:
        why = f" ({self.message})" if self.message else ""
        if self.run == _NOBODY:
            return oneline(f"{self.by} since {self.at}{why}")
        return oneline(f"{self.by} since {self.at}, run {self.run}{why}")


def parse_lock(text: str) -> LockInfo | None:
    """The owner of a lock from `TIME OWNER`, the time being its file's; None where there is no lock. One whose file is
    empty or damaged is held all the same."""
    if not text:
        return None
    at, _, owner = text.partition(" ")
    entry = record(owner) or {}
    if not entry.get("run"):
        what = "cannot be read" if owner.strip() else "is empty, as a full disk or a power loss leaves it"
        return LockInfo(_NOBODY, "nobody known", f"its lock file {what}; lock.break frees it", at)
    by, message, since = (entry.get(key, "unknown") for key in ("by", "message", "at"))
    return LockInfo(entry["run"], by, message, since, entry.get("kind", ""), entry.get("host", ""))
