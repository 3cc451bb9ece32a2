"""A watch that is killed at every line of its record, and in the middle of each: what goes on is the same watch.

The clock and the hosts are simulated; the record is a real one, and what reads it is what `fab watch` is made of.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lockstitch.cli import watch as task
from lockstitch.engine.journal import Journal, records
from lockstitch.engine.release_watch import ReleaseWatch
from lockstitch.engine.watch_course import BackAnswer
from lockstitch.engine.watch_lock import watching
from lockstitch.plans.release_watches import WatchEnd
from tests.engine.simulated import ERRORS, P95, RUN, START, Simulation

BACK = "20270115T093000Z-back"
STAGES = ((1800.0, 300.0),)
FLAGS = {"PHASE_1": {"variable": "PHASE_1", "file": "/app/flags.env", "steps": [{"to": 0}, {"to": 10}]}}
RULE = {"over": "10%", "for": "5m"}


class Killed(BaseException):
    """The end of a process by SIGKILL: nothing of it is carried out any more."""


class Fatal(Journal):
    """A record whose writer is killed at a line, after it or in the middle of it. Lines of all records count."""

    lines = 0
    names: tuple[str, ...] = ()
    at: int | None = None
    torn = False

    def write(self, event: str, **fields: Any) -> None:
        super().write(event, **fields)
        Fatal.lines += 1
        Fatal.names += (event,)
        if Fatal.lines == Fatal.at:
            if Fatal.torn:
                size = self.path.stat().st_size
                os.truncate(self.path, size - len(self.path.read_bytes().rstrip(b"\n").rpartition(b"\n")[2]) // 2)
            raise Killed


@dataclass
class Controller:
    """The machine that watches a simulated release: each `watch` is a process of its own."""

    simulation: Simulation
    runs: Path
    refuse: str = ""
    held_until: float = 0.0

    def __post_init__(self) -> None:
        self.notes: list[str] = []
        self.begun: list[float] = []
        self.flags_off: list[float] = []

    def watch(self, kill_at: int | None = None, *, torn: bool = False) -> WatchEnd:
        """Watch to the end; raises Killed at a line."""
        Fatal.lines, Fatal.names, Fatal.at, Fatal.torn = 0, (), kill_at, torn
        session = SimpleNamespace(
            runs=self.runs, by="ada", json=True, run_id=RUN, message="", remote=self.simulation.remote
        )
        session.note = self.notes.append
        with watching(self.runs, RUN), Fatal(self.runs, RUN) as journal:
            return task._watch(session, journal, RUN, self.simulation.apps(), self.simulation.fleet(), ())  # type: ignore[arg-type]

    def remedies(self, session: Any, journal: Journal, *_: Any) -> tuple[Callable[..., BackAnswer], Callable[..., str]]:
        def take_back(why: str) -> BackAnswer:
            session.run_id = BACK
            journal.write("watch going back", run=BACK, reason=why)
            if self.simulation.time - START < self.held_until:
                return BackAnswer(False, "locked by grace", again=True)
            if self.refuse:
                return BackAnswer(False, self.refuse)
            with Fatal(self.runs, BACK) as rollback:
                rollback.write("run", run=BACK, kind="rollback")
                self.begun.append(self.simulation.time - START)
                rollback.write("wave", name="back", sites=[])
                self.simulation.run_now = BACK
                rollback.write("outcome", result="done", exit_code=0)
            return BackAnswer(True)

        def turn_off(app: str, flag: str, why: str) -> str:
            self.flags_off.append(self.simulation.time - START)
            return ""

        return take_back, turn_off

    @property
    def record(self) -> list[Mapping[str, Any]]:
        return records(self.runs / RUN / "events.jsonl")[0]

    @property
    def readings(self) -> dict[tuple[str, int], tuple[str, int, int]]:
        """Return the readings of each time, by gate."""
        known = [each for each in self.record if each["event"] == "reading"]
        return {(e["gate"], round(e["end"] - START)): (e["answer"], e["bad"], e["total"]) for e in known}


Make = Callable[..., Controller]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    made: list[Controller] = []

    def controller(app: dict[str, Any], *, refuse: str = "", held_until: float = 0.0, **settings: Any) -> Controller:
        folder = tmp_path / f"{len(made)}"
        folder.mkdir()
        simulation = Simulation(gates={"errors": ERRORS, "p95": P95}, app=app, grain=20.0, **settings)
        made.append(Controller(simulation, folder / "runs", refuse, held_until))
        clock = SimpleNamespace(time=simulation.now, monotonic=simulation.now)
        monkeypatch.setattr("lockstitch.engine.ask.time", clock)
        monkeypatch.setattr(task, "time", clock)
        monkeypatch.setattr(task, "remedies", made[-1].remedies)
        monkeypatch.setattr("lockstitch.plans.stages_of", lambda apps: STAGES)
        monkeypatch.setattr(
            task, "ReleaseWatch", lambda remote, fleet, run: ReleaseWatch(remote, fleet, run, clock=simulation)
        )
        # The watch begins a while after the release.
        simulation.wait(7.0)
        return made[-1]

    yield controller


def bad(begin: float, until: float = 1e9) -> Callable[[str, bool, float], float]:
    return lambda host, new, at: 0.2 if new and begin <= at < until else 0.0


HEALTH = {"health": {"url": "http://localhost/healthz"}, "rollback_on": {"health": {"failures": 3}}}
CASES: dict[str, dict[str, Any]] = {
    "a good release": {"app": {"rollback_on": {"errors": RULE}}},
    "it becomes bad": {"app": {"rollback_on": {"errors": RULE}}, "bad": bad(600)},
    "a health that fails": {"app": HEALTH, "healthy": lambda host, new, at: host != "web2" or at < 700},
    "a flag comes first": {
        "app": {"flags": FLAGS, "rollback_on": {"errors": {**RULE, "first": "flag PHASE_1"}}},
        "bad": bad(600),
    },
    "a flag helps": {
        "app": {"flags": FLAGS, "rollback_on": {"errors": {**RULE, "first": "flag PHASE_1"}}},
        "bad": bad(600, 1000),
    },
    "a migration between": {
        "app": {"rollback_on": {"errors": RULE}},
        "bad": bad(600, 1300),
        "refuse": "migrations lie between the two releases",
    },
    "somebody holds the lock": {"app": {"rollback_on": {"errors": RULE}}, "bad": bad(600), "held_until": 1100.0},
}


@pytest.mark.parametrize("case", CASES)
def test_a_watch_that_is_killed_at_any_line_goes_on_as_the_same(make: Make, case: str) -> None:
    whole = make(**CASES[case])
    end, lines, names, expected = whole.watch(), Fatal.lines, Fatal.names, whole.readings
    assert lines > 12 and [round(each) for each in whole.begun] == sorted(round(each) for each in whole.begun)
    for line in range(1, lines + 1):
        # After its last line a watch is over; of readings that are torn a few are like all.
        ways = [False] if line < lines else []
        ways += [True] if line % 5 == 1 or names[line - 1] != "reading" else []
        for torn in ways:
            cut = make(**CASES[case])
            with pytest.raises(Killed):
                cut.watch(line, torn=torn)
            killed_at = cut.simulation.time - START
            why = f"{case}: killed {'in' if torn else 'after'} line {line} of {lines}, at {killed_at:.0f} s"
            if cut.simulation.run_now:
                # Its rollback was through: there is nothing to watch any more, and the record says so in the end.
                task._note_end(_session(cut), RUN)
                last = [each for each in cut.record if each["event"] == "watch"][-1]
                ended = [each for each in records(cut.runs / BACK / "events.jsonl")[0] if each["event"] == "outcome"]
                assert last["state"] == ("back" if ended else "began"), why
                assert len(cut.begun) == 1, why
                continue
            cut.simulation.wait(3.0)
            went_on = cut.watch()
            _same(whole, end, cut, went_on, why)
            assert not any("not read" in str(each.get("says")) for each in cut.record), f"{why}: the logs have it all"
            assert {key: cut.readings[key] for key in expected if key in cut.readings} == {
                key: value for key, value in expected.items() if key in cut.readings
            }, why
            if went_on.state == "over":
                scheduled = {key for key in expected if key[1] >= killed_at and not key[1] % STAGES[0][1]}
                assert scheduled <= set(cut.readings), why


def _same(whole: Controller, end: WatchEnd, cut: Controller, went_on: WatchEnd, why: str) -> None:
    """Compare the end of a watch that was killed with that of one that was not."""
    began = [each for each in cut.record if each["event"] == "watch" and each["state"] == "began"]
    assert len({(each["start"], each["until"]) for each in began}) == 1, why
    assert began[0]["start"] == START, f"{why}: it counts from the release"
    if cut.begun and not whole.begun:
        pytest.fail(f"{why}: it was taken back")
    rollback = cut.runs / BACK / "events.jsonl"
    if went_on.state == "over" and whole.begun:
        # Its rollback had begun, as far as anybody knows: a person is told, and nothing is done twice.
        assert any(each["event"] == "wave" for each in records(rollback)[0]) or records(rollback)[1], why
        assert any("was tried once" in problem for problem in went_on.problems), (why, went_on)
        assert len(cut.begun) <= 1, why
        return
    assert went_on.state == end.state, (why, went_on)
    assert len(cut.begun) == len(whole.begun), why
    assert _subjects(went_on) == _subjects(end), why
    for mine, other in zip(cut.begun, whole.begun, strict=True):
        assert abs(mine - other) <= 65, f"{why}: {mine:.0f} s, not {other:.0f} s"
    assert len(cut.flags_off) - len(whole.flags_off) in (0, 1), why


def _subjects(end: WatchEnd) -> set[str]:
    return {problem.partition(":")[0] for problem in end.problems}


def _session(cut: Controller) -> Any:
    return SimpleNamespace(runs=cut.runs, note=cut.notes.append)


def test_what_it_did_not_see_is_shown(make: Make) -> None:
    cut = make(**CASES["a good release"])
    with pytest.raises(Killed):
        cut.watch(8)
    cut.simulation.wait(1200.0)
    assert cut.watch().state == "over"
    assert "of the 20 min" in cut.notes[-1] and "since only the sums are judged" in cut.notes[-1], cut.notes


def test_a_watch_that_is_killed_at_every_reading_still_takes_a_release_back(make: Make) -> None:
    for case in ("it becomes bad", "a health that fails", "a flag comes first"):
        cut = make(**CASES[case])
        for _ in range(200):
            with suppress(Killed):
                assert cut.watch(7).state == "back"
            if cut.begun:
                break
            cut.simulation.wait(61.0)
        assert len(cut.begun) == 1 and cut.begun[0] < 1500, case
        assert len(cut.flags_off) == (case == "a flag comes first"), case
