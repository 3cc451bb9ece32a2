"""The value TableQuery: a probe of hosts, and how its answer becomes a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe

T = TypeVar("T")
Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class TableQuery(Generic[T]):
    """A probe whose answer is a tuple of values of one kind, and the columns of its table.

    `rows` has a row for each value. A probe that ends with another code than 0 has no answer: what it printed is why.
    """

    probe: Probe[tuple[T, ...]]
    headings: tuple[str, ...]
    rows: Callable[[tuple[T, ...]], Rows]
