"""Settings of measures as people write them: each is read, or refused with words."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.measures.settings import request_counts, signed_part, size_in_bytes

WRITTEN: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["until", "most", "x"]), st.one_of(st.just("decided"), st.integers(), st.text())),
)  # fmt: skip


@given(WRITTEN)
def test_whatever_is_written_is_read_or_refused(value: Any) -> None:
    with suppress(ValueError):
        looks = request_counts(value)
        assert looks == tuple(sorted(set(looks))) and looks[0] >= 1 and looks[-1] <= 12_800
    with suppress(ValueError):
        assert size_in_bytes(value) > 0
    with suppress(ValueError):
        assert signed_part(value) > -1


@given(st.integers(100, 12_800))
def test_looks_double_and_none_is_beyond_the_most(most: int) -> None:
    looks = request_counts({"until": "decided", "most": most})
    assert looks[0] == 100 and all(after == 2 * before for before, after in zip(looks, looks[1:], strict=False))
    assert looks[-1] <= most < 2 * looks[-1]


@pytest.mark.parametrize(
    ("text", "size"), [("500kB", 500_000), ("2MB", 2_000_000), ("1.5M", 1_572_864), ("10K", 10_240), (7, 7), ("9B", 9)]
)
def test_sizes(text: Any, size: int) -> None:
    assert size_in_bytes(text) == size


@pytest.mark.parametrize(("text", "part"), [("10%", 0.1), ("-30%", -0.3), ("0%", 0.0), ("+2.5%", 0.025)])
def test_growth(text: str, part: float) -> None:
    assert signed_part(text) == pytest.approx(part)
