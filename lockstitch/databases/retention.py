"""Retention: which backups are kept, and why. Pure. What no rule keeps may be removed.

Only good backups are counted, and only good ones are ever removed: a broken one may be all there is, so it is left for
a person. Days, weeks and months are those of UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from types import MappingProxyType

from lockstitch.databases.backup import Backup
from lockstitch.model.lazy_dataclass import dataclass

NOBODY: Mapping[str, str] = MappingProxyType({})
BROKEN = "not whole: left for a person"
FUTURE = "dated in the future: left for a person"


@dataclass(frozen=True)
class RetentionPolicy:
    """The numbers of good backups that stay: the `last` ones, and the newest of each of so many days, ISO weeks and
    months that have one. A backup that several rules keep is one backup."""

    last: int = 7
    daily: int = 0
    weekly: int = 0
    monthly: int = 0


def doomed(
    backups: Iterable[Backup], keep: RetentionPolicy, held: Mapping[str, str] = NOBODY, future: Iterable[Backup] = ()
) -> tuple[Backup, ...]:
    """Return the backups that may be removed, oldest first: never the newest good one, the newest proven one, or one
    that is held.

    What is from the `future` stays, and is not counted: the next ones would go in its stead.
    """
    backups = sorted(backups, key=_age)
    kept = why_kept(backups, keep, held, future)
    return tuple(backup for backup in backups if backup.name not in kept)


def why_kept(
    backups: Iterable[Backup], keep: RetentionPolicy, held: Mapping[str, str] = NOBODY, future: Iterable[Backup] = ()
) -> dict[str, str]:
    """Return every backup that stays, oldest first, and why. `held` are names, each with the reason of its holder."""
    backups = sorted(backups, key=_age)
    ahead = {backup.name for backup in future}
    good = [backup for backup in reversed(backups) if backup.good and backup.name not in ahead]
    reasons: dict[str, list[str]] = {backup.name: [] for backup in backups}
    for backup, reason in _kept(good, keep):
        reasons[backup.name].append(reason)
    for backup in backups:
        if not backup.good:
            reasons[backup.name] = [BROKEN]
        elif backup.name in ahead:
            reasons[backup.name] = [FUTURE]
        if backup.name in held:
            reasons[backup.name].append(held[backup.name])
    for backup in good[:1]:
        reasons[backup.name] = reasons[backup.name] or ["the newest"]
    return {name: ", ".join(some) for name, some in reasons.items() if some}


def _kept(good: list[Backup], keep: RetentionPolicy) -> Iterator[tuple[Backup, str]]:
    """Yield what the rules keep of the good backups, which come newest first."""
    for number, backup in enumerate(islice(good, keep.last), 1):
        yield backup, f"last {number} of {keep.last}"
    for rule, count, period in (
        ("daily", keep.daily, _day),
        ("weekly", keep.weekly, _week),
        ("monthly", keep.monthly, _month),
    ):
        for name, backup in islice(_newest_of_each(good, period).items(), count):
            yield backup, f"{rule} {name}"
    for backup in [backup for backup in good if backup.proven][:1]:
        yield backup, "the newest that is proven"


def _newest_of_each(good: list[Backup], period: Callable[[datetime], str]) -> dict[str, Backup]:
    newest: dict[str, Backup] = {}
    for backup in good:
        newest.setdefault(period(backup.when), backup)
    return newest


def _age(backup: Backup) -> tuple[datetime, str]:
    return backup.when, backup.name


def _day(when: datetime) -> str:
    return when.date().isoformat()


def _week(when: datetime) -> str:
    year, week, _ = when.isocalendar()
    return f"{year:04}-W{week:02}"


def _month(when: datetime) -> str:
    return f"{when.year:04}-{when.month:02}"
