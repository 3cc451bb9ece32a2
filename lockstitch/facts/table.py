"""The value Question: what a host is asked, and how its answer is shown in a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe

T = TypeVar("T")
Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class TableQuery(Generic[T]):
    """A probe whose answer is a tuple of values of one kind, and the columns that it becomes.

    `rows` has a row for each value. A probe that ends with another code than 0 has no answer: what it printed is why.
    """

    probe: Probe[tuple[T, ...]]
    headings: tuple[str, ...]
    rows: Callable[[tuple[T, ...]], Rows]


def size(kib: int) -> str:
    """So many KiB as people read them."""
    value = float(kib)
    for unit in ("K", "M", "G"):
        if value < 1000:
            return f"{value:.0f}{unit}" if value >= 10 or unit == "K" else f"{value:.1f}{unit}"
        value /= 1024
    return f"{value:.0f}T" if value >= 10 else f"{value:.1f}T"


def span(seconds: int) -> str:
    """So many seconds in its largest unit: `3d`, `5h`, `12m`, `40s`."""
    for unit, long in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= long:
            return f"{seconds // long}{unit}"
    return f"{seconds}s"
