"""The value FlagChange: the value of a feature flag on one site before and after a run."""

from __future__ import annotations

from lockstitch.model.lazy_dataclass import dataclass


@dataclass(frozen=True)
class FlagChange:
    """A change of a flag where it is set: on each host of its app, or from one of them. None: it is not set."""

    host: str
    app: str
    flag: str
    before: str | None
    after: str | None


def value_words(value: str | None) -> str:
    """Return the value of a flag in words."""
    return "unset" if value is None else value or "''"
