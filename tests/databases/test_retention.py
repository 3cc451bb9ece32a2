"""What `keep` promises: said in examples, and held against histories with clocks that jump."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.databases.backup import Backup
from lockstitch.databases.retention import BROKEN, RetentionPolicy, doomed, why_kept

NOTHING = RetentionPolicy(last=0)


def made(name: str, at: str, *, proven: bool = False, problem: str = "") -> Backup:
    return Backup(name, at=at, proven="2027-01-01T00:00:00Z" if proven else "", problem=problem)


def names(backups: tuple[Backup, ...]) -> list[str]:
    return [backup.name for backup in backups]


def nightly(count: int, first: str = "2026-11-01T02:00:00+00:00") -> list[Backup]:
    begin = datetime.fromisoformat(first)
    return [made(f"n{day:03}", (begin + timedelta(days=day)).isoformat()) for day in range(count)]


def test_the_last_so_many_are_kept_and_the_rest_goes_oldest_first() -> None:
    assert names(doomed(reversed(nightly(10)), RetentionPolicy(last=7))) == ["n000", "n001", "n002"]
    assert doomed(nightly(7), RetentionPolicy()) == ()
    assert why_kept(nightly(10), RetentionPolicy(last=7))["n007"] == "last 3 of 7"


def test_there_may_be_none() -> None:
    assert doomed([], RetentionPolicy()) == () and why_kept([], RetentionPolicy()) == {}


@pytest.mark.parametrize("keep", [NOTHING, RetentionPolicy(last=0, daily=0)])
def test_the_newest_stays_whatever_is_said(keep: RetentionPolicy) -> None:
    assert names(doomed(nightly(3), keep)) == ["n000", "n001"]
    assert why_kept(nightly(3), keep) == {"n002": "the newest"}


def test_the_newest_that_is_proven_stays() -> None:
    history = nightly(6)
    history[0], history[2] = (replace(history[i], proven="2026-11-09T00:00:00Z") for i in (0, 2))
    assert names(doomed(history, RetentionPolicy(last=1))) == ["n000", "n001", "n003", "n004"]
    assert why_kept(history, RetentionPolicy(last=1)) == {"n002": "the newest that is proven", "n005": "last 1 of 1"}


def test_broken_ones_count_for_nothing_and_are_left() -> None:
    history = [*nightly(3), made("n009", "", problem="its manifest cannot be read")]
    history.append(made("n010", "2027-01-01T00:00:00Z", proven=True, problem="it has no manifest"))
    assert names(doomed(history, RetentionPolicy(last=2))) == ["n000"]
    assert why_kept(history, RetentionPolicy(last=2))["n010"] == BROKEN


def test_a_held_one_stays_and_says_who_holds_it() -> None:
    held = {"n000": "belongs to api@api1", "gone": "belongs to api@api2"}
    assert names(doomed(nightly(3), RetentionPolicy(last=1), held)) == ["n001"]
    assert why_kept(nightly(3), RetentionPolicy(last=1), held)["n000"] == "belongs to api@api1"


def test_the_newest_of_each_day_week_and_month_that_has_one() -> None:
    history = [
        made("a", "2026-10-31T23:59:59Z"),  # a Saturday, and the last of October
        made("b", "2026-11-01T00:00:00Z"),  # a Sunday: the same week
        made("c", "2026-11-19T01:00:00Z"),
        made("d", "2026-11-20T01:00:00Z"),
        made("e", "2026-11-20T13:00:00Z"),
    ]
    assert why_kept(history, RetentionPolicy(last=0, daily=2)) == {"c": "daily 2026-11-19", "e": "daily 2026-11-20"}
    assert why_kept(history, RetentionPolicy(last=0, weekly=9)) == {"b": "weekly 2026-W44", "e": "weekly 2026-W47"}
    assert why_kept(history, RetentionPolicy(last=0, monthly=9)) == {"a": "monthly 2026-10", "e": "monthly 2026-11"}
    several = why_kept(history, RetentionPolicy(last=1, daily=1, weekly=1, monthly=1))
    assert several == {"e": "last 1 of 1, daily 2026-11-20, weekly 2026-W47, monthly 2026-11"}


def test_the_week_of_a_new_year_is_one_week() -> None:
    history = [made("a", "2026-12-31T00:00:00Z"), made("b", "2027-01-03T00:00:00Z"), made("c", "2027-01-04T00:00:00Z")]
    assert list(why_kept(history, RetentionPolicy(last=0, weekly=5))) == ["b", "c"]


def test_a_backup_of_no_known_time_is_the_oldest() -> None:
    assert names(doomed([*nightly(2), made("zzz", "yesterday")], RetentionPolicy(last=2, daily=2, weekly=1))) == ["zzz"]


# Histories within a few weeks, so that days, weeks and seconds are shared; a jump is any other time in them.
TIMES = st.one_of(
    st.integers(0, 40 * 24).map(lambda hours: timedelta(hours=hours)),
    st.integers(0, 3).map(lambda seconds: timedelta(days=20, seconds=seconds)),
    st.integers(0, 700).map(lambda days: timedelta(days=days)),
)
START = datetime(2026, 11, 20, tzinfo=UTC)
ONES = st.builds(
    lambda after, proven, problem: made("", (START + after).isoformat(), proven=proven, problem=problem),
    TIMES,
    st.booleans(),
    st.sampled_from(["", "", "", "it has no manifest"]),
)
HISTORIES = st.lists(ONES, max_size=30).map(lambda some: [replace(b, name=f"b{i:02}") for i, b in enumerate(some)])
COUNTS = st.integers(0, 8)
KEEPS = st.builds(RetentionPolicy, COUNTS, COUNTS, COUNTS, COUNTS)
HELD = st.sets(st.integers(0, 29)).map(lambda some: {f"b{i:02}": "belongs to api@api1" for i in some})


def left(history: list[Backup], keep: RetentionPolicy, held: dict[str, str]) -> list[Backup]:
    gone = doomed(history, keep, held)
    return [backup for backup in history if backup not in gone]


def newest(history: list[Backup]) -> Backup:
    return max(history, key=lambda backup: (backup.when, backup.name))


@given(HISTORIES, KEEPS, HELD)
def test_never_fewer_than_promised(history: list[Backup], keep: RetentionPolicy, held: dict[str, str]) -> None:
    kept = left(history, keep, held)
    good = [backup for backup in history if backup.good]
    assert sum(backup.good for backup in kept) >= min(keep.last, len(good))
    periods: list[tuple[int, Callable[[Backup], object]]] = [
        (keep.daily, lambda b: b.when.date()),
        (keep.weekly, lambda b: b.when.isocalendar()[:2]),
        (keep.monthly, lambda b: (b.when.year, b.when.month)),
    ]
    for count, period in periods:
        promised = sorted({period(b) for b in good}, reverse=True)[:count]  # type: ignore[type-var]
        for one in promised:
            assert newest([b for b in good if period(b) == one]) in kept


@given(HISTORIES, KEEPS, HELD)
def test_what_must_never_go_stays(history: list[Backup], keep: RetentionPolicy, held: dict[str, str]) -> None:
    gone = doomed(history, keep, held)
    assert all(backup.good and backup.name not in held for backup in gone)
    for some in ([b for b in history if b.good], [b for b in history if b.good and b.proven]):
        assert not some or newest(some) not in gone
    assert list(gone) == sorted(gone, key=lambda backup: (backup.when, backup.name))


@given(HISTORIES, KEEPS, HELD)
def test_each_is_either_doomed_or_has_a_reason(
    history: list[Backup], keep: RetentionPolicy, held: dict[str, str]
) -> None:
    why = why_kept(history, keep, held)
    assert set(why).isdisjoint(names(doomed(history, keep, held))) and all(why.values())
    assert set(why) | set(names(doomed(history, keep, held))) == {backup.name for backup in history}


@given(HISTORIES, KEEPS, HELD, st.randoms(use_true_random=False))
def test_the_order_of_a_listing_says_nothing(
    history: list[Backup], keep: RetentionPolicy, held: dict[str, str], luck: object
) -> None:
    shuffled = list(history)
    luck.shuffle(shuffled)  # type: ignore[attr-defined]
    assert doomed(shuffled, keep, held) == doomed(history, keep, held)


@given(HISTORIES, KEEPS, HELD)
def test_what_was_pruned_needs_no_pruning(history: list[Backup], keep: RetentionPolicy, held: dict[str, str]) -> None:
    assert doomed(left(history, keep, held), keep, held) == ()


@given(HISTORIES, KEEPS, KEEPS, HELD, HELD)
def test_to_keep_more_never_dooms_more(
    history: list[Backup], keep: RetentionPolicy, more: RetentionPolicy, held: dict[str, str], others: dict[str, str]
) -> None:
    both = RetentionPolicy(*(max(vars(keep)[name], vars(more)[name]) for name in vars(keep)))
    assert set(doomed(history, both, held | others)) <= set(doomed(history, keep, held))


@given(HISTORIES, KEEPS, HELD, st.lists(ONES, max_size=5))
def test_a_newer_one_saves_nobody_and_pruning_often_or_once_is_the_same(
    history: list[Backup], keep: RetentionPolicy, held: dict[str, str], more: list[Backup]
) -> None:
    later = [
        replace(backup, name=f"later{i}", at=(START + timedelta(days=2000, hours=9 * i)).isoformat())
        for i, backup in enumerate(more)
    ]
    gone = set(doomed(history, keep, held))
    at_once = set(doomed([*history, *later], keep, held))
    assert gone <= at_once
    assert gone | set(doomed([*left(history, keep, held), *later], keep, held)) == at_once


@given(HISTORIES, KEEPS, HELD, st.booleans())
def test_an_older_or_a_broken_one_changes_nothing_for_the_others(
    history: list[Backup], keep: RetentionPolicy, held: dict[str, str], proven: bool
) -> None:
    before = doomed(history, keep, held)
    for one in (made("old", "2020-01-01T00:00:00Z", proven=proven), made("bad", "2099-01-01T00:00:00Z", problem="bad")):
        assert [b for b in doomed([*history, one], keep, held) if b is not one] == list(before)
