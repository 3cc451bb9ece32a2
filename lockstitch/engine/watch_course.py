"""The course of a release watch: what it knows of each app, what it has done, and what it needs to go on after a kill."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from lockstitch.checks.watch_counts import WatchCounts
from lockstitch.checks.watch_rules import HealthCounts, rules_of
from lockstitch.checks.watch_verdicts import GateJudgement, WatchedGate
from lockstitch.inventory.watch import HEALTH
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.outcome import RunEvent, RunMessage
from lockstitch.model.wave_watch import BACK, WatchMemory, WaveWatch
from lockstitch.plans.release_watches import WatchedApp

# The keys of problems that stay begin with this, or are BACK.
_FLAG = "flag "


@dataclass(frozen=True)
class BackAnswer:
    """The result of taking the release back: whether it was, else why not, and whether to try again."""

    went: bool
    reason: str = ""
    again: bool = False


@dataclass(frozen=True)
class WatchAlarm:
    """Alarm of a watch: the reason to go back, and the flag of the app to turn off before that; empty for none."""

    reason: str
    app: str
    flag: str = ""


class AppWatch:
    """The counts of one app, its rules, and its health."""

    def __init__(self, of: WatchedApp, gates: Sequence[WatchedGate], watch: WaveWatch, counts: WatchCounts) -> None:
        self.of, self.gates, self.watch, self.counts = of, gates, watch, counts
        self.health = HealthCounts({}, {})
        # Sites of the release that could not be asked the last time, with the reason.
        self.unasked: dict[str, str] = {}
        self.rules = rules_of(gates, of.app.rollback_on)
        # The last reading of its gates.
        self.judged: Sequence[GateJudgement] = ()
        # Rules judge nothing before this, in the controller's epoch seconds.
        self.since = 0.0

    @property
    def failures(self) -> int:
        """The number of failures in a row of its health that take the release back; 0 where none do."""
        rule = self.of.app.rollback_on.get(HEALTH)
        return rule.failures or 0 if rule else 0


class WatchCourse:
    """The course of a watch: what it has done, and its problems by key. What hosts do not tell again is observed."""

    def __init__(
        self,
        watched: Sequence[AppWatch],
        memory: WatchMemory,
        observe: Callable[[RunEvent], None],
        now: Callable[[], float],
    ) -> None:
        self._watched, self._observe, self._now = watched, observe, now
        self.problems, self._turned_off, self.tried = dict(memory.problems), list(memory.turned_off), memory.tried
        for each in watched:
            name = each.of.app.name
            each.since = memory.since.get(name, 0.0)
            each.health = HealthCounts(memory.failures.get(name, {}), memory.reasons.get(name, {}))
        self._kept = self._memory()

    @property
    def standing(self) -> tuple[str, ...]:
        """The problems that there are now."""
        return tuple(self.problems.values())

    def _memory(self) -> WatchMemory:
        by_app = {each.of.app.name: each for each in self._watched}
        failing = {name: {h: n for h, n in each.health.failures.items() if n} for name, each in by_app.items()}
        return WatchMemory(
            {name: counts for name, counts in failing.items() if counts},
            {name: {h: by_app[name].health.reasons[h] for h in counts} for name, counts in failing.items() if counts},
            {name: each.since for name, each in by_app.items() if each.since},
            tuple(self._turned_off),
            self.tried,
            {key: text for key, text in self.problems.items() if key == BACK or key.startswith(_FLAG)},
        )

    def keep(self) -> None:
        """Tell what a watch needs that goes on from here, where it is not what was told last."""
        if (memory := self._memory()) != self._kept:
            self._kept = memory
            self._observe(replace(memory, at=self._now()))

    def react(
        self, alarm: WatchAlarm, take_back: Callable[[str], BackAnswer], turn_off: Callable[[str, str, str], str]
    ) -> bool:
        """Turn the flag off that comes first, else take the release back. Returns whether it was taken back."""
        if alarm.flag and alarm.flag not in self._turned_off:
            trouble = turn_off(alarm.app, alarm.flag, alarm.reason)
            self._turned_off.append(alarm.flag)
            outcome = f"was not turned off: {trouble}" if trouble else "was turned off"
            self.problems[_FLAG + alarm.flag] = f"{alarm.reason}; flag {alarm.flag} {outcome}"
            # What users meet without it is judged anew; where it is still on, the release goes back now.
            for each in self._watched if not trouble else ():
                each.since, each.health = self._now(), HealthCounts({}, {})
            self.keep()
            self._observe(RunMessage(self.problems[_FLAG + alarm.flag]))
            if not trouble:
                return False
        if self.tried:
            if BACK not in self.problems:
                self.problems[BACK] = f"{alarm.reason}; taking it back was tried once, and did not work"
                self.keep()
                self._observe(RunMessage(self.problems[BACK]))
            return False
        answer = take_back(alarm.reason)
        if answer.went:
            return True
        self.problems[BACK] = f"{alarm.reason}; {answer.reason}"
        self.tried = not answer.again
        self.keep()
        self._observe(RunMessage(f"{alarm.reason}; it is not taken back: {answer.reason}"))
        return False
