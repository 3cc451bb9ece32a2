"""EFFECT: runs one unit of a plan on its site: steps, gates and their way back. runner.py does so for many at once."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from lockstitch.errors import HostKeyError, HostLostError, LockstitchError
from lockstitch.facts.git.failure import GitFailure, git_failure
from lockstitch.model.command import Command, Secret
from lockstitch.model.gate import Gate, Verdict, inconclusive
from lockstitch.model.host import Host
from lockstitch.model.outcome import Failure, GateAsked, MadeBackup, RunEvent, RunMessage
from lockstitch.model.plan import Condition, Plan, Script, Site, SitePlan, Step, warnings_of
from lockstitch.model.probe import collect, fields
from lockstitch.model.results import Event, Result, StepBegan
from lockstitch.remote import InterruptedRunError, Remote
from lockstitch.remote.masked import MaskedRemote

TAIL = 20
# How many characters of a message the first record of a script has.
_MESSAGE = 500
# What a failure is called that only followed another one, or an interrupt.
STOPPED = "stopped"
# How much longer than its own time limit a gate's probe may take before its host counts as lost.
_GRACE = 10.0
# What a shell ends with that does not find a program.
_NOT_FOUND = 127
_NO_PROFILES = "login profiles are not read there: `env: {PATH: …}` of the app says where its programs are"
# How far it was is told while it goes on, and says nothing of why it failed.
_PROGRESS = re.compile(r"progress \d+ ")


class SiteRunner:
    """Runs units on their sites, and remembers the steps that began and the seconds they took."""

    def __init__(
        self, plan: Plan, remote: Remote, hosts: Mapping[str, Host], observe: Callable[[RunEvent], None]
    ) -> None:
        self.seconds: dict[Site, float] = {}
        self.stopped = threading.Event()
        self._remote = MaskedRemote(remote, plan_secrets(plan))
        self._plan, self._hosts, self._observe = plan, hosts, observe
        self._began: dict[int, set[str]] = {}
        self._answers: dict[Site, tuple[Result, ...]] = {}
        self.outputs: dict[str, dict[str, str]] = {}
        self.backups: list[MadeBackup] = []
        self.warnings: list[str] = []
        self._needed: dict[int, Verdict] = {}
        self._stuck: set[Site] = set()

    def steps(self, unit: SitePlan) -> Failure | None:
        """Run the steps of a unit. Returns the failure, or None. The gates are asked for the first time in the same
        script."""
        began = self._began.setdefault(id(unit), set())
        script = self._script(unit.site, (*unit.steps, *map(_asking, unit.gates)))
        try:
            results = self._run(unit.site, script, lambda step: began.add(step))
        except InterruptedRunError as error:
            began.update(step.name for step in unit.steps)
            return Failure(unit.site, STOPPED, error.message, error.hint)
        except HostLostError as error:
            # Its last word may have been lost on the way, so every step counts as begun.
            began.update(step.name for step in unit.steps)
            return Failure(unit.site, "connection", error.message, error.hint)
        except LockstitchError as error:
            return Failure(unit.site, "step", error.message, error.hint)
        except BaseException:
            began.update(step.name for step in unit.steps)
            raise
        self._answers[unit.site] = results[len(unit.steps) :]
        self._note(unit, results)
        return _failure(unit.site, results[: len(unit.steps)], unit.steps)

    def needed(self, only_if: Condition) -> Verdict:
        """Judge the condition of a wave. A condition of several waves is asked once."""
        if id(only_if) not in self._needed:
            try:
                results = self._ask(only_if.site, [only_if.gate])
                (self._needed[id(only_if)],) = self._judge(only_if.site, [only_if.gate], results, 1)
            except LockstitchError as error:
                return inconclusive(error.message, error.hint)
        return self._needed[id(only_if)]

    def _note(self, unit: SitePlan, results: tuple[Result, ...]) -> None:
        """Keep the outputs of steps for the records of this run, and their warnings."""
        for step, result in zip(unit.steps, results, strict=False):
            self.warnings += warnings_of(unit.site, result.output.split("\n") if step.warns else ())
            lines = collect(result.output)["told"] if result.ok else []
            for name, value in (fields(line, 2) for line in lines):
                if name == "backup":
                    self.backups.append(MadeBackup(unit.site, value))
                if step.outputs_for:
                    self.outputs.setdefault(step.outputs_for, {})[name] = value

    def gates(self, site: Site, gates: tuple[Gate, ...]) -> Failure | None:
        """Ask all gates of a site together until each has passed or has no more tries. Returns the first failure."""
        waiting = list(gates)
        attempt, began, lasting = 0, time.monotonic(), 0
        while waiting:
            attempt += 1
            patient = max(gate.deadline for gate in waiting) > time.monotonic() - began
            try:
                results = self._answers.pop(site, ()) or self._ask(site, waiting)
            except LockstitchError as error:
                if not patient or isinstance(error, HostKeyError):
                    return Failure(site, "connection", error.message, error.hint)
                if self.stopped.wait(waiting[0].interval):
                    return Failure(site, STOPPED, f"interrupted while {waiting[0].name} was asked")
                continue
            verdicts = self._judge(site, waiting, results, attempt)
            said = [(gate, no) for gate, no in zip(waiting, verdicts, strict=True) if not no.passed]
            waiting = [gate for gate, _ in said]
            lasting = lasting + 1 if said and all(no.lasting for _, no in said) else 0
            if any(not patient if gate.deadline else attempt >= gate.tries for gate in waiting) or any(
                0 < gate.certain <= lasting for gate in waiting
            ):
                # Whichever had no more tries: the first that says no is nearest to the cause.
                gate, no = said[0]
                return Failure(site, f"gate {gate.name}", no.reason, no.hint)
            if waiting and self.stopped.wait(max(gate.interval for gate in waiting)):
                return Failure(site, STOPPED, f"interrupted while {waiting[0].name} was asked")
        return None

    def undo(self, unit: SitePlan) -> Failure | None:
        """Undo the steps of a unit in reverse order, then repeat those marked `redo_on_rollback`. Returns a failure or
        None.

        A step that wraps other units stays, and no gate is asked then: other units may have to go back before `unwrap`.
        """
        # What was answered about the new code says nothing about the old.
        self._answers.pop(unit.site, None)
        begun_steps = self._done(unit)
        steps = [
            _undoing(step, step.undo) for step in reversed(begun_steps) if step.undo is not None and not step.undo_last
        ]
        steps += [replace(step, name=f"{step.name} again") for step in begun_steps if step.redo_on_rollback]
        failure = self._put_back(unit, steps)
        if failure is not None:
            self._stuck.add(unit.site)
        return failure if failure or not steps or self.wrapped(unit) else self.gates(unit.site, unit.rollback_gates)

    def unwrap(self, unit: SitePlan) -> Failure | None:
        """Undo the steps that wrap other units, once those are back. Returns None if the gates pass."""
        failure = self._put_back(unit, [_undoing(s, s.undo) for s in self._wrapping(unit) if s.undo is not None])
        return failure if failure or unit.site in self._stuck else self.gates(unit.site, unit.rollback_gates)

    def wraps(self, unit: SitePlan) -> bool:
        """Tell whether a step of this unit has begun that is undone after all units it wraps."""
        return bool(self._wrapping(unit))

    def wrapped(self, unit: SitePlan) -> bool:
        """Tell whether this unit is inside such a step, its own or that of the unit it continues."""
        return any(step.undo_last for step in self._done(unit))

    def _wrapping(self, unit: SitePlan) -> list[Step]:
        began = self._began.get(id(unit), set())
        return [step for step in reversed(unit.steps) if step.undo_last and step.name in began]

    def _put_back(self, unit: SitePlan, steps: list[Step]) -> Failure | None:
        if not steps:
            return None
        try:
            results = self._run(unit.site, replace(self._script(unit.site, tuple(steps)), keep_going=True))
        except LockstitchError as error:
            return Failure(unit.site, "going back", error.message, error.hint)
        return next((f for r in results if (f := _failure(unit.site, (r,)))), None)

    def _done(self, unit: SitePlan) -> list[Step]:
        """Return the steps that began of a unit and of the one it continues, in order."""
        began = self._began.get(id(unit), set())
        earlier = self._done(unit.continues) if unit.continues else []
        return [*earlier, *(step for step in unit.steps if step.name in began)]

    def last(self, unit: SitePlan) -> Failure | None:
        """Run the steps that end a run. A step that fails does not stop the next."""
        try:
            results = self._run(unit.site, replace(self._script(unit.site, unit.steps), keep_going=True, final=True))
        except LockstitchError as error:
            return Failure(unit.site, "ending", error.message, error.hint)
        self._note(unit, results)
        return next((f for r in results if (f := _failure(unit.site, (r,)))), None)

    def logs(self, site: Site) -> dict[str, tuple[str, ...]]:
        """Return the last lines of the app's logs on one site; empty where they cannot be read."""
        steps = self._plan.logs.get(site, ())
        if not steps:
            return {}
        script = Script(steps, app=site.app, keep_going=True, user=site.user)
        try:
            return {r.name: last_lines(r.output) for r in self._remote.run(self._hosts[site.host], script)}
        except LockstitchError:
            return {}

    def touched(self, unit: SitePlan) -> bool:
        """Tell whether a step of a unit has begun that must be undone or repeated."""
        return any(step.redo_on_rollback or step.undo is not None for step in self._done(unit))

    def untouched(self, site: Site) -> bool:
        """Tell whether no step has begun on a site."""
        return not any(self._began.get(id(unit)) for unit in self._plan.units() if unit.site == site)

    def _ask(self, site: Site, gates: list[Gate]) -> tuple[Result, ...]:
        script = Script(tuple(map(_asking, gates)), app=site.app, keep_going=True, user=site.user)
        return self._remote.run(self._hosts[site.host], script)

    def _judge(self, site: Site, gates: list[Gate], results: tuple[Result, ...], attempt: int) -> list[Verdict]:
        verdicts = [g.judge(g.probe.parse(r.output, r.code)) for g, r in zip(gates, results, strict=True)]
        verdicts = [replace(v, reason=self._remote.mask(v.reason), hint=self._remote.mask(v.hint)) for v in verdicts]
        for gate, verdict in zip(gates, verdicts, strict=True):
            self._observe(GateAsked(site, gate.name, verdict, attempt))
        return verdicts

    def _run(self, site: Site, script: Script, began: Callable[[str], None] = lambda step: None) -> tuple[Result, ...]:
        asked = {step.name for step in script.steps if step.is_query}

        def watch(event: Event) -> None:
            if event.name in asked:
                return
            if isinstance(event, StepBegan):
                began(event.name)
            self._observe(event)

        start = time.monotonic()
        try:
            return self._remote.run(self._hosts[site.host], script, watch)
        except LockstitchError as error:
            # Said at once: other hosts may go on for long before the wave is over.
            self._observe(RunMessage(error.message))
            raise
        finally:
            self.seconds[site] = self.seconds.get(site, 0.0) + time.monotonic() - start

    def _script(self, site: Site, steps: tuple[Step, ...]) -> Script:
        about = {"doing": self._plan.kind, **({"message": self._plan.message[:_MESSAGE]} if self._plan.message else {})}
        at = site.app, site.layout.journal
        return Script(steps, self._plan.run, self._plan.by, *at, user=site.user, about=about)


def last_lines(output: str) -> tuple[str, ...]:
    """Return the last lines of an output, as shown with a failure."""
    return tuple(output.rstrip().splitlines()[-TAIL:])


def _failure(site: Site, results: tuple[Result, ...], steps: Sequence[Step] = ()) -> Failure | None:
    bad = next((result for result in results if not result.ok), None)
    if bad is None:
        return None
    said = "\n".join(line for line in bad.output.splitlines() if not _PROGRESS.match(line))
    reason, why = f"`{bad.name}` ended with exit code {bad.code}", GitFailure()
    if repository := next((s.command.values.get("repository") for s in steps if s.name == bad.name), None):
        why = git_failure(said, str(repository))
    elif bad.code == _NOT_FOUND:
        why = GitFailure("", _NO_PROFILES)
    if why.hint and why.reason:
        reason = f"{reason}: {why.reason}"
    return Failure(site, bad.name, reason, why.hint, last_lines(said))


def _asking(gate: Gate) -> Step:
    return Step(f"gate {gate.name}", "", gate.probe.command, is_query=True, timeout=gate.timeout + _GRACE)


def _undoing(step: Step, undo: Command) -> Step:
    return Step(f"undo {step.name}", f"undo: {step.description}", undo, timeout=step.timeout)


def plan_secrets(plan: Plan) -> set[Secret]:
    """Return the secrets in a plan's commands."""
    units = [*plan.units(), *plan.failed]
    commands = [c for unit in units for step in unit.steps for c in (step.command, step.undo) if c is not None]
    return {secret for command in commands for secret in command.secrets()}
