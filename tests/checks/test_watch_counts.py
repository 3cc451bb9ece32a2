"""The counts of a watch: windows on each host's own clock, read twice, and what became of readings that failed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lockstitch.checks.watch_counts import WatchCounts, edges
from lockstitch.facts.clock import Clock
from lockstitch.facts.switch_times import HostSwitch
from lockstitch.metrics.measurement import Durations, Measurement, Requests

BEGIN, KEY = 1_000_000.0, ("api", "access", "web1")
SECONDS, INTERVAL = 100.0, 10.0


def switch(ahead: float = 0.0, ended: float = BEGIN) -> HostSwitch:
    """A host that took the release at a time of the controller, whose own clock is ahead."""
    clock = Clock(BEGIN + ahead, 0.0, BEGIN, BEGIN)
    return HostSwitch(clock, ended - 5 + ahead, ended + ahead)


def counts(*, ahead: float = 0.0, warm_up: float = 0.0) -> WatchCounts:
    return WatchCounts({"web1": switch(ahead)}, {}, 60.0, warm_up, BEGIN)


@given(st.floats(10, 5000), st.floats(1, 100), st.floats(0, 6000))
def test_windows_follow_one_another_over_the_whole_time(seconds: float, interval: float, warm_up: float) -> None:
    ends = edges(BEGIN, seconds, interval, warm_up)
    assert ends[0] == BEGIN and ends[-1] == BEGIN + seconds
    assert list(ends) == sorted(set(ends))
    assert (BEGIN + warm_up in ends) or not 0 < warm_up < seconds


@given(
    requests=st.lists(st.tuples(st.floats(0, SECONDS - 0.001), st.floats(0.0, 30.0)), max_size=60),
    blind=st.lists(st.booleans(), min_size=10, max_size=10),
    ahead=st.floats(-5000, 5000),
)
def test_every_request_is_counted_once_however_late_it_ended_and_whatever_was_not_read(
    requests: list[tuple[float, float]], blind: list[bool], ahead: float
) -> None:
    """Requests by when they began, and how long they took. A log has them when they ended."""
    known = counts(ahead=ahead)
    blind[-1] = False
    for end, fails in zip(edges(BEGIN, SECONDS, INTERVAL, 0)[1:], blind, strict=True):
        known.extend([end])
        numbers = known.unread(KEY)
        assert len(numbers) <= 6
        windows = [known.window("web1", number) for number in numbers]
        read_at = end + 2
        answer = tuple(
            Requests(
                {
                    200: sum(
                        _is_in(BEGIN + at + ahead, w.begin, w.end) and BEGIN + at + took <= read_at
                        for at, took in requests
                    )
                }
            )
            for w in windows
        )
        known.take({KEY: Measurement(blind="gone") if fails else Measurement(answer)}, {KEY: numbers})
    (host,) = known.measurements("api", "access", ("web1",))
    # What ended by the second reading of its window counts; of the last window there is but one.
    surely = sum(took <= 2 or (at < SECONDS - INTERVAL and took <= INTERVAL) for at, took in requests)
    longest_gap = max((len(run) for run in "".join("b" if fails else " " for fails in blind).split()), default=0)
    if longest_gap <= 4:
        assert surely <= host.now.total <= len(requests)
        assert host.seconds == SECONDS
    assert host.now.total <= len(requests)


def _is_in(at: float, begin: float, end: float) -> bool:
    return begin <= at < end


def test_durations_of_the_warm_up_do_not_count_and_its_errors_do() -> None:
    known = counts(warm_up=15)
    part = Requests({200: 9, 500: 1}, Durations(10, {10: 10}, {0.3: 4}), untimed=3)
    known.extend(edges(BEGIN, 30, 10, 15)[1:])
    numbers = known.unread(KEY)
    assert [known.window("web1", number).end - BEGIN for number in numbers] == [10, 15, 20, 30]
    known.take({KEY: Measurement((part,) * 4)}, {KEY: numbers})
    (host,) = known.measurements("api", "access", ("web1",))
    assert (host.now.with_status([500]).bad, host.now.durations.total, host.now.untimed) == (4, 20, 6)


def test_a_host_that_took_it_earlier_counts_from_then_on() -> None:
    known = WatchCounts({"web1": switch(ended=BEGIN - 40), "web2": switch()}, {"old": switch()}, 60, 0, BEGIN)
    known.extend([BEGIN + 10])
    assert known.window("web1", 0).seconds == 50 and known.window("web2", 0).seconds == 10
    assert known.new == ("web1", "web2")
    (before,) = known.windows_before("web1")
    assert (before.begin, before.end) == (BEGIN - 105, BEGIN - 45)


def test_a_host_that_was_never_read_is_blind_and_never_zero() -> None:
    known = counts()
    known.extend([BEGIN + 10])
    (host,) = known.measurements("api", "access", ("web1",))
    assert host.measurement.blind
    known.take({KEY: Measurement(blind="gone", hint="look")}, {KEY: (0,)})
    (host,) = known.measurements("api", "access", ("web1",))
    assert (host.measurement.blind, host.measurement.hint) == ("gone", "look")
