from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.model.format import moment, sized, span, time_of, when


@given(st.floats(0, 1e9))
def test_a_span_is_short(seconds: float) -> None:
    assert len(span(seconds).split()) in (2, 4)


def test_spans_have_their_two_largest_units() -> None:
    texts = {0: "0 s", 59.9: "59 s", 60: "1 min", 3599: "59 min 59 s", 3600: "1 h", 90061: "1 d 1 h", 86400: "1 d"}
    assert {seconds: span(seconds) for seconds in texts} == texts
    short = [span(value, tenths=True) for value in (0, 1.25, 59.94, 60, 3725)]
    assert short == ["0.0 s", "1.2 s", "59.9 s", "1 min", "1 h 2 min"]


@pytest.mark.parametrize(
    "size, text",
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (5 << 20, "5.0 MiB"),
        (3 << 30, "3.0 GiB"),
        (2 << 40, "2.0 TiB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert sized(size) == text


def test_times() -> None:
    assert moment(1_795_913_642) == "2026-11-29 00:54Z"
    assert [moment(value) for value in (None, 0, 10**18)] == ["-", "-", "-"]


def test_a_time_of_a_record_may_be_any_text() -> None:
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    assert when("2026-11-29T10:00:00+05:00", now, UTC) == ("2026-11-29 05:00", "7 h ago")
    assert when("2026-11-29T10:00:00", now, UTC) == ("2026-11-29 10:00", "2 h ago")
    for odd in ("soon", "", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        assert when(odd, now, UTC) == (odd, "") and time_of(odd) is None
