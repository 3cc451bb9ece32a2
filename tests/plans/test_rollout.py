"""Hosts into waves: nobody is left out, nobody is in two, the order stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.plans.rollout import at_most, never_all, share, waves

AMOUNTS = st.one_of(st.integers(0, 60), st.integers(0, 100).map(lambda n: f"{n}%"))
BATCHES = st.one_of(st.integers(1, 60), st.integers(1, 100).map(lambda n: f"{n}%"), st.just("all"))


@given(st.lists(st.integers(), unique=True, max_size=50), AMOUNTS, BATCHES)
def test_every_host_is_in_one_wave_and_none_is_empty(hosts: list[int], canary: int | str, batch: int | str) -> None:
    made = waves(hosts, canary=canary, batch=batch)
    assert [host for wave in made for host in wave] == hosts
    assert all(made)


@given(st.lists(st.integers(), unique=True, min_size=1, max_size=50), AMOUNTS, BATCHES)
def test_no_wave_is_larger_than_was_asked(hosts: list[int], canary: int | str, batch: int | str) -> None:
    made = waves(hosts, canary=canary, batch=batch)
    first = share(len(hosts), canary)
    if first:
        assert len(made[0]) == first
    rest = made[1:] if first else made
    assert all(len(wave) <= max(1, share(len(hosts), batch)) for wave in rest)


@pytest.mark.parametrize(
    ("of", "amount", "count"), [(3, "25%", 1), (8, "25%", 2), (9, "25%", 3), (4, "all", 4), (4, 9, 4), (4, 0, 0)]
)
def test_a_percentage_is_rounded_up_and_never_more_than_there_are(of: int, amount: int | str, count: int) -> None:
    assert share(of, amount) == count


def test_a_canary_goes_alone() -> None:
    assert waves("abcde", canary=1, batch=2) == (("a",), ("b", "c"), ("d", "e"))


def test_a_group_that_would_be_away_at_once_is_halved_and_the_larger_half_goes_first() -> None:
    assert never_all(["abc"], ["abc"]) == (("a", "b"), ("c",))
    assert never_all(["abcde"], ["abcde"]) == (("a", "b", "c"), ("d", "e"))


def test_never_all() -> None:
    """A group of one may be away; a wave that holds no whole group stays as it is."""
    assert never_all(["a", "bc"], ["a", "bcd"]) == (("a",), ("b", "c"))
    assert never_all(["abcd"], ["ab"]) == (("a",), ("b",), ("c", "d"))
    assert at_most(["abcde", "f"], 2) == (("a", "b"), ("c", "d"), ("e",), ("f",))
