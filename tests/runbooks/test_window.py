"""The change window: days, hours, and the clock of its zone where summer time begins and ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lockstitch.runbooks.window import DAYS, ChangeWindow, days

BERLIN = {"days": "mon-thu", "hours": "06:00-09:00", "zone": "Europe/Berlin"}


def window(**settings: object) -> ChangeWindow:
    return ChangeWindow.model_validate({**BERLIN, **settings})


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        # In winter Berlin is an hour ahead of UTC, in summer two. The end does not belong to it.
        ("2026-11-30 05:00", True),
        ("2026-11-30 04:59:59", False),
        ("2026-11-30 07:59:59", True),
        ("2026-11-30 08:00", False),
        ("2026-07-06 04:00", True),
        ("2026-07-06 07:00", False),
        # A Friday.
        ("2026-12-04 06:00", False),
    ],
)
def test_it_is_open_by_the_clock_of_its_zone(at: str, is_open: bool) -> None:
    assert window().is_open(utc(at)) is is_open


def test_days_can_be_left_out() -> None:
    some = window(days="mon-sun", **{"not": ["fri", "sat", "sun"]})
    assert [some.is_open(utc(f"2026-11-{day} 06:00")) for day in range(23, 30)] == [True] * 4 + [False] * 3


def test_hours_over_midnight_belong_to_the_day_on_which_they_begin() -> None:
    night = window(days="thu", hours="22:00-02:00", zone="UTC")
    open_at = ["2026-12-03 22:00", "2026-12-03 23:59", "2026-12-04 01:59"]
    closed_at = ["2026-12-03 01:00", "2026-12-04 02:00", "2026-12-04 22:00"]
    assert [night.is_open(utc(at)) for at in (*open_at, *closed_at)] == [True] * 3 + [False] * 3


def test_an_hour_that_comes_twice_is_open_twice_and_one_that_is_left_out_opens_an_hour_later() -> None:
    early = window(days="sun", hours="02:30-03:30")
    # 25 October 2026, 3:00 becomes 2:00; 29 March 2026, 2:00 becomes 3:00.
    assert [early.is_open(utc(f"2026-10-25 {at}")) for at in ("00:30", "01:30", "02:29", "02:30")] == [True] * 3 + [
        False
    ]
    short = window(days="sun", hours="02:15-02:45")
    assert short.opening(utc("2026-10-25 00:50")).astimezone(UTC) == utc("2026-10-25 01:15")
    assert early.opening(utc("2026-03-28 12:00")).astimezone(UTC) == utc("2026-03-29 01:00")
    assert early.is_open(utc("2026-03-29 01:29")) and not early.is_open(utc("2026-03-29 01:30"))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"days": "monday"}, "no day"),
        ({"hours": "6-9"}, "no hours"),
        ({"hours": "06:00-06:00"}, "the same time"),
        ({"zone": "Mars/Olympus"}, "no time zone"),
        ({"zone": "../../etc/passwd"}, "no time zone"),
        ({"days": "fri", "not": "thu-sun"}, "never opens"),
    ],
)
def test_what_is_no_window_is_refused(settings: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        window(**settings)


def test_days_go_round_the_end_of_the_week() -> None:
    assert days("sat-mon") == ("mon", "sat", "sun")


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
    st.sampled_from(DAYS),
    st.integers(0, 23),
    st.integers(1, 23),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
def test_it_opens_next_when_it_says(at: datetime, day: str, hour: int, length: int, zone: str) -> None:
    some = window(days=day, hours=f"{hour:02}:00-{(hour + length) % 24:02}:00", zone=zone)
    now = at.replace(tzinfo=UTC)
    opening = some.opening(now)
    assert opening > now and some.is_open(opening) and opening - now < timedelta(days=9)
