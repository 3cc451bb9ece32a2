"""Windows between snapshots: of one process, and never of two."""

from __future__ import annotations

import pytest

from lockstitch.metrics.measurement import Durations, Measurement, Question, Requests, Snapshot, Window
from lockstitch.metrics.snapshots import windowed

# The release was taken at 1000, its process began at 998; the change began at 990.
FIRST, SECOND = Window(1000, 1060), Window(1060, 1120)


def snapshot(time: float, total: int, started: float = 998.0, errors: int = 0) -> Snapshot:
    durations = Durations(total, {}, {0.3: errors}, {0.3: 0}, {(0.0, 0.5): total})
    return Snapshot(time, started, Requests({200: total - errors, 500: errors}, durations))


def read(
    *snapshots: Snapshot, windows: tuple[Window, ...] = (FIRST, SECOND), since: float | None = 1000.0
) -> Measurement:
    return windowed(Question(windows, since=since, switch=990.0), snapshots, Measurement(about="read"))


def totals(measured: Measurement) -> list[int]:
    assert measured.blind == "", measured
    return [window.total for window in measured.windows]


def test_windows_that_follow_one_another() -> None:
    answer = read(snapshot(1062, 100, errors=4), snapshot(1122, 130, errors=9))
    assert totals(answer) == [100, 30]
    assert answer.windows[1].statuses == {200: 25, 500: 5}
    assert answer.windows[1].longer_than(0.3).bad == 5
    assert answer.about == "read"


def test_a_process_that_began_in_between_counts_from_nothing() -> None:
    assert totals(read(snapshot(1062, 100), snapshot(1122, 40, started=1080.0))) == [100, 40]


def test_the_time_before_the_release_is_not_known() -> None:
    answer = read(snapshot(1062, 100), windows=(FIRST, Window(940, 1000)))
    assert totals(answer) == [100, 0]


@pytest.mark.parametrize(
    ("snapshots", "says"),
    [
        # It is older than the release, and was never read before.
        ([snapshot(1062, 100, started=500.0)], "is not known"),
        # The second window has no reading at its begin.
        ([snapshot(1122, 130)], "is not known"),
        ([snapshot(1062, 100), snapshot(1122, 90)], "fell"),
        ([snapshot(1062, 100), snapshot(1122, 130, started=995.0)], "two processes answer in turn"),
    ],
)
def test_blind(snapshots: list[Snapshot], says: str) -> None:
    answer = read(*snapshots)
    assert says in answer.blind and answer.windows == ()


def test_an_old_host_is_counted_between_two_readings() -> None:
    answer = read(snapshot(1001, 5000, started=5.0), snapshot(1062, 5100, started=5.0), windows=(FIRST,))
    assert totals(answer) == [100]


def test_without_a_release_it_is_an_average() -> None:
    alone = snapshot(1200, 400, started=1000.0)
    assert totals(read(alone, windows=(Window(-100, 0),), since=None)) == [200]
    assert totals(read(alone, windows=(Window(-500, 0),), since=None)) == [400]
    assert "after the time" in read(alone, windows=(Window(-900, -500),), since=None).blind
