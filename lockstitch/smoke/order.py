"""The steps of a journey that are meant, in the order they are run."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from lockstitch.errors import UsageError
from lockstitch.inventory.smoke import SmokeSettings
from lockstitch.inventory.smoke_rules import needed
from lockstitch.inventory.validation import did_you_mean


def in_order(smoke: SmokeSettings, names: Iterable[str]) -> tuple[str, ...]:
    """Return steps with those that they need, each after what it needs, else in the order written."""
    meant = set(names)
    for name in tuple(meant):
        meant |= set(needed(smoke.steps, name))
    ordered: list[str] = []
    waiting = [name for name in smoke.steps if name in meant]
    while waiting:
        ready = next(name for name in waiting if set(smoke.steps[name].needs) <= set(ordered))
        ordered.append(ready)
        waiting.remove(ready)
    return tuple(ordered)


def selected(
    smoke: SmokeSettings, names: Collection[str], tags: Collection[str], apart: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the steps that are meant by names and tags, without those that they need; without either, all of them.
    Those that are `apart` are meant by their names alone."""
    return tuple(
        name
        for name, step in smoke.steps.items()
        if (name in names if names else name not in apart) and (not tags or set(step.tags) & set(tags))
    )


def refuse_unknown(names: Iterable[str], known: Iterable[str], what: str) -> None:
    """Raise UsageError for a name or a tag that no app has."""
    known = list(dict.fromkeys(known))
    for name in names:
        if name not in known:
            raise UsageError(f"there is no smoke {what} {name}{did_you_mean(name, known)}")
