"""Durations, sizes and shares."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.inventory.types import batch_share, share, size
from lockstitch.model.written import duration, positive_duration
from lockstitch.plans.rollout import waves

ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers()))


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("30s", 30),
        ("10m", 600),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1.5s", 1.5),
        ("2d", 172800),
        (5, 5),
        (0.25, 0.25),
        (0, 0),
    ],
)
def test_durations(written: object, seconds: float) -> None:
    assert duration(written) == seconds


@pytest.mark.parametrize(
    "written", ["", "30", "30 s", "s", "-1s", -1, True, None, float("nan"), float("inf"), "1y", "٣s", []]
)
def test_no_durations(written: object) -> None:
    with pytest.raises(ValueError, match="is not a duration: write it like 30s, 10m"):
        duration(written)


def test_a_duration_has_bounds() -> None:
    with pytest.raises(ValueError, match="longer than a year"):
        duration("9" * 400 + "s")
    with pytest.raises(ValueError, match="longer than a year"):
        duration(10**300)
    with pytest.raises(ValueError, match="longer than 0"):
        positive_duration("0s")


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_parts_of_a_duration_add_up(hours: int, minutes: int, seconds: int) -> None:
    assert duration(f"{hours}h{minutes}m{seconds}s") == hours * 3600 + minutes * 60 + seconds


@pytest.mark.parametrize(
    ("written", "count"),
    [("200M", 200 * 1024**2), ("2G", 2 * 1024**3), ("1K", 1024), ("3TB", 3 * 1024**4), (77, 77), (0, 0)],
)
def test_sizes(written: object, count: int) -> None:
    assert size(written) == count


@pytest.mark.parametrize("written", ["200", "200m", "M", "-1M", -1, True, None, 1.5, "1.5G", "9" * 50 + "M"])
def test_no_sizes(written: object) -> None:
    with pytest.raises(ValueError, match="is not a size: write it like 200M or 2G"):
        size(written)


@pytest.mark.parametrize(
    ("written", "amount"), [(0, 0), (3, 3), ("25%", "25%"), ("0%", "0%"), ("100%", "100%"), ("05%", "5%")]
)
def test_shares(written: object, amount: int | str) -> None:
    assert share(written) == amount


@pytest.mark.parametrize("written", ["all", "101%", "25", "-1", -1, True, 2.5, None, "٢%"])
def test_no_shares(written: object) -> None:
    with pytest.raises(ValueError, match="is not a number of hosts: write a count like 2, or a percentage like 25%"):
        share(written)


@pytest.mark.parametrize("written", [0, "0%", "000%"])
def test_a_batch_is_of_some_hosts(written: object) -> None:
    with pytest.raises(ValueError, match="a batch of no hosts never ends"):
        batch_share(written)
    assert batch_share("all") == "all"


@given(ANYTHING)
def test_anything_is_read_or_refused_in_words(written: Any) -> None:
    for parse in (duration, size, share, batch_share):
        try:
            assert parse(written) is not None
        except ValueError as error:
            assert str(error)


@given(st.integers(1, 40), st.integers(0, 100), st.integers(1, 100))
def test_strategies_take_what_is_read(hosts: int, canary: int, batch: int) -> None:
    made = waves(range(hosts), canary=share(f"{canary}%"), batch=batch_share(f"{batch}%"))
    assert [host for wave in made for host in wave] == list(range(hosts))
