"""What is kept, what is removed, and where one goes back to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.model.release import Release, is_release_id, previous_good, prunable, release_id

VERDICTS = st.sampled_from(["good", "bad", "left", "unknown"])
HISTORIES = st.lists(st.tuples(VERDICTS, st.integers(0, 5)), max_size=25).map(
    lambda told: [Release(f"{n:08}T000000Z-{r:012x}", f"{r:040x}", v) for n, (v, r) in enumerate(told)]  # type: ignore[arg-type]
)


@given(HISTORIES, st.integers(1, 6), st.data())
def test_what_is_live_or_spared_or_among_the_last_good_ones_is_never_removed(
    history: list[Release], keep: int, data: st.DataObject
) -> None:
    spared = data.draw(st.lists(st.sampled_from(history), max_size=3)) if history else []
    gone = prunable(history, keep, [release.id for release in spared])
    assert not set(gone) & set(spared)
    good = [release for release in reversed(history) if release.verdict == "good"]
    assert not set(gone) & set(good[:keep])
    assert set(gone) <= set(history)


@given(HISTORIES, st.integers(1, 6))
def test_good_releases_beyond_those_kept_do_go(history: list[Release], keep: int) -> None:
    good = [release for release in reversed(history) if release.verdict == "good"]
    assert set(good[keep:]) <= set(prunable(history, keep, ()))


def test_failures_never_push_out_the_last_good_one() -> None:
    history = [Release("00000001T000000Z-aaaa", "a", "good")]
    history += [Release(f"0000000{n}T000000Z-bbbb", "b", "bad") for n in range(2, 9)]
    assert prunable(history, 1, ()) == ()


def test_where_fewer_are_good_than_are_kept_nothing_goes() -> None:
    history = [Release("00000001T000000Z-aaaa", "a", "bad"), Release("00000002T000000Z-bbbb", "b", "good")]
    assert prunable(history, 2, ()) == ()
    assert prunable(history, 1, ()) == (history[0],), "one that failed before all that are kept does go"
    assert prunable(history[:1], 0, ()) == (), "and nothing where none is good"


@given(HISTORIES)
def test_going_back_means_an_older_good_release_of_another_revision(history: list[Release]) -> None:
    for current in history:
        found = previous_good(history, current)
        better = [r for r in history if r.verdict == "good" and r.id < current.id and r.revision != current.revision]
        assert found == (better[-1] if better else None)


@pytest.mark.parametrize("name", ["shared", "..", "20260101T000000Z-abcd/..", "20260101T000000Z-", "x", "", "20260101"])
def test_only_what_lockstitch_named_is_a_release(name: str) -> None:
    assert not is_release_id(name)
    assert is_release_id(release_id("20260101T000000Z-1f2e", "a" * 40))
