"""Pure: splits hosts into waves: all at once, in batches, a canary first."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Sequence
from typing import TypeVar

T = TypeVar("T")


def share(of: int, amount: int | str) -> int:
    """Return the number of hosts that an amount means: a count, a percentage of `of` such as `25%` (rounded up), or
    `all`."""
    if amount == "all":
        return of
    if isinstance(amount, str):
        return min(of, math.ceil(of * float(amount.removesuffix("%")) / 100))
    return min(of, amount)


def waves(hosts: Sequence[T], *, canary: int | str = 0, batch: int | str = "all") -> tuple[tuple[T, ...], ...]:
    """Split hosts into waves, in order: the canary hosts first, the rest in batches of `batch`.

    Every host is in exactly one wave, and no wave is empty.
    """
    first = share(len(hosts), canary)
    size = max(1, share(len(hosts), batch))
    rest = hosts[first:]
    batches = [tuple(rest[i : i + size]) for i in range(0, len(rest), size)]
    return tuple(wave for wave in [tuple(hosts[:first]), *batches] if wave)


def at_most(parts: Sequence[Sequence[T]], most: int) -> tuple[tuple[T, ...], ...]:
    """Split waves so that none has more than `most` hosts."""
    return tuple(tuple(part[i : i + most]) for part in parts for i in range(0, len(part), most))


H = TypeVar("H", bound=Hashable)


def never_all(parts: Sequence[Sequence[H]], groups: Sequence[Collection[H]]) -> tuple[tuple[H, ...], ...]:
    """Halve each wave that holds all members of a group of several, until none does."""
    made: list[tuple[H, ...]] = []
    for part in parts:
        if any(len(set(group)) > 1 and set(group) <= set(part) for group in groups):
            half = (len(part) + 1) // 2
            made += never_all((part[:half], part[half:]), groups)
        else:
            made.append(tuple(part))
    return tuple(made)
