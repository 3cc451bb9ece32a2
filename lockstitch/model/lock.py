"""The value LockInfo: who holds a lock, as its file tells it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field

from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import record
from lockstitch.text import oneline

EVERYTHING = "*"
_NOBODY = "unknown"


@dataclass(frozen=True)
class LockInfo:
    """The holder of a lock, the reason and the time; `run` is what releases it, `kind` what it does (empty: it was
    taken by hand), and `host` how it calls the host.

    `scope` is what was locked by hand: the groups, or `*` for all of the environment; empty for a run's own lock.
    """

    run: str
    by: str
    message: str
    at: str
    kind: str = ""
    host: str = field(default="", compare=False)
    scope: str = field(default="", compare=False)

    def covers(self, groups: Iterable[str]) -> bool:
        """Tell whether it was taken for what a host of these groups belongs to, though it came later."""
        return self.scope == EVERYTHING or not set(groups).isdisjoint(self.scope.split())

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
    kind, host, scope = (entry.get(key, "") for key in ("kind", "host", "scope"))
    return LockInfo(entry["run"], by, message, since, kind, host, scope)
