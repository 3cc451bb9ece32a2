"""Releases that are watched for hours, on a simulated clock: when they go back, and when they must not."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lockstitch.engine.watch_course import BackAnswer
from lockstitch.remote.fake import FakeAnswer
from lockstitch.report.watch import watch_end_text
from tests.engine.simulated import ERRORS, HOSTS, P95, RUN, START, Simulation

Simulate = Callable[..., Simulation]
HOUR = 3600.0
STAGES = ((HOUR, 300.0),)
RULES = {"rollback_on": {"errors": {"over": "10%", "for": "5m"}}}


@pytest.fixture
def simulate(monkeypatch: pytest.MonkeyPatch) -> Simulate:
    def make(**settings: Any) -> Simulation:
        made = Simulation(**{"app": RULES, **settings})
        monkeypatch.setattr("lockstitch.engine.ask.time", SimpleNamespace(time=made.now, monotonic=made.now))
        return made

    return make


def bad_from(begin: float, share: float = 0.2, until: float = 1e9) -> Callable[[str, bool, float], float]:
    return lambda host, new, at: share if new and begin <= at < until else 0.001


def test_a_good_release_is_watched_to_the_end(simulate: Simulate) -> None:
    simulation = simulate(gates={"errors": ERRORS, "p95": P95})
    end = simulation.watch(STAGES)
    assert (end.state, end.problems, simulation.backs) == ("over", (), [])
    assert simulation.time >= START + HOUR
    last = {event.gate: event for event in simulation.readings if event.last}
    # The sums are of all requests of the hour, though only the newest minutes are kept apart.
    assert last["errors"].total == pytest.approx(3 * 5 * HOUR, rel=0.01) and last["errors"].answer == "pass"
    assert last["p95"].total == pytest.approx(3 * 5 * (HOUR - 30), rel=0.03)
    assert sum(event.gate == "errors" for event in simulation.readings) == 12


def test_a_gate_without_requests_is_told_at_the_end_and_has_passed_nothing(simulate: Simulate) -> None:
    idle = simulate(rate=lambda host: 0.0).watch(STAGES)
    assert (idle.state, idle.problems) == ("over", ())
    assert idle.undecided and "few: 0 of 0" in idle.undecided[0]
    assert "nothing failed, and not every gate could be decided:" in watch_end_text(RUN, idle, "prod")
    dry = simulate(rate=lambda host: 0.0, gates={"errors": {**ERRORS, "dry": True}}, app={}).watch(STAGES)
    assert dry.undecided == (), "it decides nothing"
    busy = simulate().watch(STAGES)
    assert busy.undecided == () and watch_end_text(RUN, busy, "prod").endswith("is over: nothing failed")


def test_a_release_that_becomes_bad_after_ten_minutes_goes_back(simulate: Simulate) -> None:
    simulation = simulate(bad=bad_from(600))
    end = simulation.watch(STAGES)
    assert end.state == "back"
    ((at, why),) = simulation.backs
    # It must be over the limit for five minutes, and is read every minute once it is.
    assert 900 <= at < 1020, at
    assert "gate errors of api, for 5 min" in why


@pytest.mark.parametrize("until", [700, 860])
def test_what_is_over_for_less_long_goes_nowhere(simulate: Simulate, until: float) -> None:
    simulation = simulate(bad=bad_from(600, until=until))
    assert (simulation.watch(STAGES).state, simulation.backs) == ("over", [])


def test_a_gap_neither_confirms_nor_resets(simulate: Simulate) -> None:
    simulation = simulate(bad=bad_from(600), silent=lambda at: 720 <= at < 840)
    assert simulation.watch(STAGES).state == "back"
    ((at, _),) = simulation.backs
    assert 1020 <= at < 1150, "two minutes without requests count for nothing"


def test_what_old_hosts_share_blames_no_release(simulate: Simulate) -> None:
    simulation = simulate(bad=lambda host, new, at: 0.3 if at > 600 else 0.0)
    end = simulation.watch(STAGES, new=HOSTS[:1])
    assert simulation.backs == [] and end.state == "over"
    assert any("on hosts with the old release too" in problem for problem in end.problems)


def test_what_was_as_bad_before_blames_no_release(simulate: Simulate) -> None:
    simulation = simulate(bad=lambda host, new, at: 0.3)
    end = simulation.watch(STAGES)
    assert simulation.backs == []
    assert any("before the release too" in problem for problem in end.problems)


def test_a_log_that_cannot_be_read_is_told_and_takes_nothing_back(simulate: Simulate) -> None:
    simulation = simulate(blind=lambda host, at: "may not be read" if at > 600 else "")
    end = simulation.watch(STAGES)
    assert simulation.backs == [] and end.state == "over"
    assert any("nothing was read for that long" in problem for problem in end.problems), end.problems
    # One that can be read again in the end is no problem.
    again = simulate(blind=lambda host, at: "may not be read" if 600 < at < 1500 else "")
    assert again.watch(STAGES).problems == ()


def test_one_blind_host_hides_no_failure_of_the_others(simulate: Simulate) -> None:
    simulation = simulate(bad=bad_from(600), blind=lambda host, at: "gone" if host == "web3" and at > 300 else "")
    assert simulation.watch(STAGES).state == "back"


HEALTH = {"health": {"url": "http://localhost/healthz"}, "rollback_on": {"health": {"failures": 3}}}


def test_health_that_fails_three_times_in_a_row_goes_back(simulate: Simulate) -> None:
    simulation = simulate(app=HEALTH, healthy=lambda host, new, at: host != "web2" or at < 600)
    assert simulation.watch(STAGES).state == "back"
    ((at, why),) = simulation.backs
    assert "failed 3 times in a row on web2: it says sick" in why and at < 1000


@pytest.mark.parametrize(
    "healthy",
    [
        # Twice, then well; a host that does not answer; a trouble that the old release has too.
        lambda host, new, at: not 590 < at < 680,
        lambda host, new, at: None if at > 600 else True,
        lambda host, new, at: at < 600,
    ],
)
def test_health_that_blames_no_release(simulate: Simulate, healthy: Callable[[str, bool, float], bool | None]) -> None:
    simulation = simulate(app=HEALTH, healthy=healthy)
    assert simulation.watch(STAGES, new=HOSTS[:2]).state == "over" and simulation.backs == []


def test_health_takes_nothing_back_while_that_of_the_old_release_cannot_be_had(simulate: Simulate) -> None:
    """It waits for an answer; then it goes back."""

    def healthy(host: str, new: bool, at: float) -> bool | None:
        return at < 600 if new else None if at < 2000 else True

    simulation = simulate(app=HEALTH, healthy=healthy)
    assert simulation.watch(STAGES, new=HOSTS[:2]).state == "back"
    ((at, _),) = simulation.backs
    assert at >= 2000


def test_a_later_run_ends_the_watch(simulate: Simulate) -> None:
    simulation = simulate(bad=bad_from(600))
    simulation.run_now = "20270115T090000Z-bbbb"
    end = simulation.watch(STAGES)
    assert (end.state, simulation.backs) == ("superseded", [])
    assert "has a later run: deploy 20270115T090000Z-bbbb by ada" in end.reason


def test_it_goes_back_once_unless_somebody_held_the_lock(simulate: Simulate) -> None:
    refused = simulate(bad=bad_from(600))
    refused.going = [BackAnswer(False, "migrations lie between the two releases")]
    end = refused.watch(STAGES)
    assert (end.state, len(refused.backs)) == ("over", 1)
    assert any("migrations lie between" in problem for problem in end.problems)
    locked = simulate(bad=bad_from(600))
    locked.going = [BackAnswer(False, "locked by grace", again=True)]
    assert (locked.watch(STAGES).state, len(locked.backs)) == ("back", 2)


def test_a_watch_that_was_cut_off_goes_on_and_sees_what_happened_meanwhile(simulate: Simulate) -> None:
    simulation = simulate(bad=bad_from(1200))
    simulation.time = START + 2000
    end = simulation.watch(STAGES, start=START)
    assert end.state == "back"
    assert simulation.backs[0][0] < 2100, "what is bad now is seen at its first reading"
    assert simulation.readings[0].total == pytest.approx(3 * 5 * 1998, rel=0.02), "nothing in between is left out"


def test_health_that_cannot_be_asked_is_no_pass(simulate: Simulate) -> None:
    end = simulate(app=HEALTH, healthy=lambda host, new, at: None if host == "web2" else True).watch(STAGES)
    assert end.state == "over"
    assert end.problems == ("api@web2: its health could not be asked",)


def test_a_host_that_goes_away_is_told_and_the_others_are_judged(simulate: Simulate) -> None:
    away = simulate(bad=bad_from(600), away=lambda host, at: host == "web3" and at > 300)
    assert away.watch(STAGES).state == "back"
    away = simulate(away=lambda host, at: host == "web3" and at > 300)
    end = away.watch(STAGES)
    assert end.state == "over" and any("api@web3: " in problem for problem in end.problems), end.problems
    # One that is there again in the end is no problem.
    again = simulate(away=lambda host, at: host == "web3" and 300 < at < 1500)
    assert again.watch(STAGES).problems == ()


def test_rules_of_two_apps_share_their_windows(simulate: Simulate) -> None:
    """Watch an app whose rule is short beside one whose rule is long: no window of either is lost."""
    simulation = simulate(bad=bad_from(600))
    simulation.beside = {"rollback_on": {"errors": {"over": "99%", "for": "6s"}}}
    assert simulation.watch(STAGES).state == "back"
    assert 900 <= simulation.backs[0][0] < 1020 and "of api" in simulation.backs[0][1]


def test_a_clock_that_cannot_be_read_is_blind(simulate: Simulate) -> None:
    simulation = simulate(bad=bad_from(0, share=0.9))
    simulation.remote.reply("*", "clock", lambda host, *_: FakeAnswer(127, output="date: not found"))
    end = simulation.watch(STAGES)
    assert simulation.backs == [] and any("its clock cannot be read" in problem for problem in end.problems)


@pytest.mark.parametrize("ahead", [-3000.0, 7200.0])
def test_clocks_of_hosts_that_differ_change_nothing(simulate: Simulate, ahead: float) -> None:
    simulation = simulate(bad=bad_from(600), ahead={"web1": ahead, "web3": -ahead})
    assert simulation.watch(STAGES).state == "back"
    assert 900 <= simulation.backs[0][0] < 1020


def test_what_was_wrong_while_nobody_read_takes_nothing_back(simulate: Simulate) -> None:
    """Wake a machine that slept for half an hour: the trouble of that time is over."""
    simulation = simulate(bad=bad_from(600, until=1500))
    wait = simulation.wait

    def sleep(seconds: float) -> None:
        wait(seconds + (1800 if simulation.time < START + 300 < simulation.time + seconds else 0))

    simulation.wait = sleep  # type: ignore[method-assign]
    end = simulation.watch(STAGES)
    assert (end.state, simulation.backs) == ("over", [])
    # A watch that goes on after its time was over judges what is now, too.
    late = simulate(bad=bad_from(HOUR - 600, until=HOUR + 60))
    late.time = START + 5 * HOUR
    end = late.watch(STAGES, start=START)
    assert (end.state, late.backs, len(late.readings)) == ("over", [], 2)
    assert all(event.last for event in late.readings if "rollback_on" not in event.gate)


def test_the_last_reading_is_known_as_that_at_any_time_of_day(simulate: Simulate) -> None:
    simulation = simulate()
    simulation.switched = dict.fromkeys(HOSTS, START + 0.1234567)
    simulation.time += 1
    simulation.watch(((0.7, 0.1), (60.3, 20.1), (3600.0, 1200.0)))
    assert [event.last for event in simulation.readings if event.gate == "errors"][-1]


def test_health_is_asked_no_more_often_than_readings_come(simulate: Simulate) -> None:
    """Fail often enough that readings came every minute, then once a moment: it does not count as several in a row."""
    asked: list[float] = []

    def healthy(host: str, new: bool, at: float) -> bool:
        if host == "web1":
            asked.append(at)
        return not 250 < at < 1300

    app = {**HEALTH, "rollback_on": {"health": {"failures": 60}}}
    simulate(app=app, healthy=healthy).watch(STAGES)
    assert min(b - a for a, b in zip(asked, asked[1:], strict=False)) > 10


def test_what_was_tried_once_is_not_tried_again(simulate: Simulate) -> None:
    simulation = simulate(bad=bad_from(600))
    end = simulation.watch(STAGES, tried=True)
    assert (end.state, simulation.backs) == ("over", [])
    assert any("was tried once" in problem for problem in end.problems)
    assert simulation.said.count("was tried once") == 1


def test_a_day_takes_as_little_memory_as_an_hour_and_few_lines(simulate: Simulate) -> None:
    def watch(last: float) -> list[float]:
        simulation = simulate(grain=30.0)
        simulation.remote.ran = Forgetting()
        assert simulation.watch(((HOUR, 300.0), (3 * HOUR, 900.0), (last, 300.0))).state == "over"
        return [event.total for event in simulation.readings if event.gate == "errors"]

    totals, in_a_day = in_a_child(lambda: watch(20 * HOUR))
    assert len(totals) < 300 and totals[-1] == pytest.approx(3 * 5 * 24 * HOUR, rel=0.01)
    _, in_an_hour = in_a_child(lambda: watch(HOUR))
    assert in_a_day < in_an_hour + (2 << 20)


class Forgetting(list[Any]):
    def append(self, _: object) -> None: ...


def in_a_child(work: Callable[[], list[float]]) -> tuple[list[float], int]:
    """Return what the work gives, and by how many bytes at most a process of its own grows meanwhile."""

    def memory(what: str) -> int:
        return int(Path("/proc/self/status").read_text().split(what)[1].split()[1]) << 10

    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        try:
            # The peak, too, begins at a fork with what is there then.
            before = memory("VmRSS")
            os.write(theirs, json.dumps([work(), memory("VmHWM") - before]).encode())
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(theirs)
    with open(ours) as file:
        said = file.read()
    os.waitpid(child, 0)
    assert said, "the child failed: see what it printed"
    given, grown = json.loads(said)
    return given, grown


FLAG = {
    "flags": {"PHASE_1": {"variable": "PHASE_1", "file": "/app/flags.env", "steps": [{"to": 0}, {"to": 10}]}},
    "rollback_on": {"errors": {"over": "10%", "for": "5m", "first": "flag PHASE_1"}},
}


def test_a_flag_is_turned_off_before_the_release_goes_back(simulate: Simulate) -> None:
    helped = simulate(app=FLAG, bad=bad_from(600, until=1000))
    end = helped.watch(STAGES)
    assert (end.state, helped.backs, [flag for _, flag in helped.offs]) == ("over", [], ["PHASE_1"])
    assert any("flag PHASE_1 was turned off" in problem for problem in end.problems)

    simulation = simulate(app=FLAG, bad=bad_from(600))
    assert simulation.watch(STAGES).state == "back"
    ((off, _),), ((back, _),) = simulation.offs, simulation.backs
    assert off < 1020 and off + 300 <= back < off + 480, "what users meet without it is judged for as long again"


def test_a_flag_that_cannot_be_turned_off_keeps_no_bad_release(simulate: Simulate) -> None:
    simulation = simulate(app=FLAG, bad=bad_from(600))
    simulation.stuck = "web2 does not answer"
    assert simulation.watch(STAGES).state == "back"
    assert simulation.offs[0][0] == simulation.backs[0][0]
    assert "flag PHASE_1 was not turned off: web2 does not answer" in simulation.said
