"""EFFECT: the critical smoke steps of a run, after its waves and after it has gone back; and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from lockstitch.errors import LockstitchError
from lockstitch.model.outcome import Failure, ManualAction, RunEvent, RunMessage
from lockstitch.model.plan import Plan, Wave
from lockstitch.model.smoke_check import SmokeCheck, SmokeEnding, SmokeResult

Judged = Callable[[SmokeResult], None]
# Runs checks and tells each result. Returns them all, and sentences about them; raises KeyboardInterrupt.
SmokeTester = Callable[[Sequence[SmokeCheck], Judged], tuple[Sequence[SmokeResult], Sequence[str]]]


class WaveSmoke:
    """The smoke steps of one run. Without a tester none is run. `judged` are all results; what is to be said of them goes
    into the run's own `notes` and `manual_actions`."""

    def __init__(
        self,
        plan: Plan,
        tester: SmokeTester | None,
        observe: Callable[[RunEvent], None],
        notes: list[str],
        manual_actions: list[ManualAction],
    ) -> None:
        self._plan, self._tester, self._observe = plan, tester, observe
        self.notes, self.manual_actions = notes, manual_actions
        self.judged: list[SmokeResult] = []

    def on_hosts(self, wave: Wave) -> list[Failure]:
        """Run the steps that go to the hosts of a wave. Returns what has not passed."""
        return self._run([check for check in wave.smoke if check.host])

    def in_public(self, wave: Wave) -> list[Failure]:
        """Run the steps that go to public addresses. Returns what has not passed: nothing of a rollback, which is not
        taken back for it."""
        failures = self._run([check for check in wave.smoke if not check.host])
        if self._plan.kind == "rollback":
            self.notes += [f"after the rollback: {failure.reason}" for failure in failures]
            return []
        return failures

    def after_rollback(self, begun: Iterable[Wave]) -> None:
        """Run the public steps again once a run has gone back whose visible waves had begun. What fails is told. Where
        another release answers than the one that was put back, the fleet needs a person."""
        checks = [check for wave in self._plan.waves for check in wave.smoke if not check.host]
        seen = any(wave.visible for wave in begun) and not self.manual_actions
        if self._plan.kind != "deploy" or not checks or not seen:
            return
        before = len(self.judged)
        try:
            failures = self._run([replace(check, revision=check.before) for check in checks], again=True)
        except KeyboardInterrupt:
            self.notes.append("after going back: smoke was interrupted")
            return
        self.notes += [f"after going back: {failure.reason}" for failure in failures]
        for each in self.judged[before:]:
            if each.other:
                self._needs_a_person(each)

    def _needs_a_person(self, judged: SmokeResult) -> None:
        sites = [change.site for change in self._plan.changes if change.site.app == judged.app]
        what = f"every host is back, and release {judged.other[:12]} answers all the same: {judged.reason}"
        command = f"fab -H {self._plan.environment} status"
        self.manual_actions += [ManualAction(site, what, command) for site in sites[:1]]

    def _run(self, checks: Sequence[SmokeCheck], *, again: bool = False) -> list[Failure]:
        if not checks or self._tester is None:
            return []
        for check in checks:
            self._observe(RunMessage(f"smoke of {check.app}{f' on {check.host}' if check.host else ''}"))
        try:
            results, notes = self._tester(checks, lambda each: self._observe(replace(each, after_rollback=again)))
        except LockstitchError as error:
            return [Failure(None, "smoke", f"smoke cannot be run: {error.message}", error.hint)]
        self.judged += [replace(each, after_rollback=again) for each in results]
        self.notes += notes
        return [failure for check in checks if (failure := self._failure(check, results)) is not None]

    def _failure(self, check: SmokeCheck, results: Sequence[SmokeResult]) -> Failure | None:
        """Return the first step of a check that has not passed, or that none was judged; None where all have passed."""
        mine = [each for each in results if (each.app, each.host) == (check.app, check.host)]
        where = f"{check.app}{f' on {check.host}' if check.host else ''}"
        for each in mine:
            # Which release answers is left out where the app need not tell it.
            if not each.passed and (each.step in check.steps or each.ending is not SmokeEnding.LEFT_OUT):
                reason = f"{where}: smoke {each.step}: {each.ending.value}: {each.reason}"
                on = f" --on {check.host}" if check.host else ""
                return Failure(
                    None, f"smoke {each.step}", reason, f"fab -H {self._plan.environment} smoke {each.step}{on}"
                )
        if {each.step for each in mine} >= set(check.steps):
            return None
        return Failure(None, "smoke", f"{where}: not every critical smoke step was judged")
