"""EFFECT: runs a plan, wave by wave. A wave that fails is rolled back with those before it; an Outcome describes the
end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from threading import Lock

from lockstitch.concurrency import holding_interrupts, run_in_thread, run_parallel, sleep
from lockstitch.engine.journal import now
from lockstitch.engine.locks import Locks
from lockstitch.engine.manual_actions import failed_code, failure_in_words, manual_action, undecided
from lockstitch.engine.site_runner import STOPPED, SiteRunner
from lockstitch.engine.step_outputs import dumps, with_outputs, with_reason
from lockstitch.engine.wave_smoke import SmokeTester, WaveSmoke
from lockstitch.errors import ExitCode, LockstitchError
from lockstitch.model.format import span
from lockstitch.model.gate import Status
from lockstitch.model.host import Host
from lockstitch.model.lock import LockInfo
from lockstitch.model.outcome import (
    Failure,
    ManualAction,
    Outcome,
    RevisionSide,
    RollbackBegan,
    RunEvent,
    RunMessage,
    SiteOutcome,
    WaveBegan,
)
from lockstitch.model.plan import Plan, Site, SitePlan, Wave
from lockstitch.model.wave_watch import Decision, GateMeasured, Way
from lockstitch.remote import Remote

WaveWatcher = Callable[[Wave, Sequence[Site], Callable[[RunEvent], None]], Decision]


def run(
    plan: Plan,
    remote: Remote,
    hosts: Mapping[str, Host],
    observe: Callable[[RunEvent], None],
    before: Callable[[], Sequence[Failure]] = tuple,
    watch: WaveWatcher | None = None,
    compare: WaveWatcher | None = None,
    smoke: SmokeTester | None = None,
) -> Outcome:
    """Run a plan. Raises only before the first change: for a lock that is held, or a host that is gone.

    `before` is called when the locks are held, before the first change; the failures that it returns refuse the run.
    `watch` is called with a wave whose pause is judged by metric gates, and with the sites that still have the old
    release; without it such a pause is only waited. `compare` is called with each visible wave that has passed its gates
    while other sites still have the old release. `smoke` runs the smoke steps of the plan.

    An interrupt (Ctrl-C, SIGTERM) ends what runs on the hosts and rolls back what was changed. A second one during that
    stops the rollback as well, and the outcome describes the state of each host.
    """
    return _Run(plan, remote, hosts, observe, watch, compare, smoke).execute(before)


class _Run:
    def __init__(
        self,
        plan: Plan,
        remote: Remote,
        hosts: Mapping[str, Host],
        observe: Callable[[RunEvent], None],
        watch: WaveWatcher | None,
        compare: WaveWatcher | None,
        smoke: SmokeTester | None,
    ) -> None:
        self.plan, self.remote, self._observe, self._watch, self._compare = plan, remote, observe, watch, compare
        # Sites that keep the new release although the run stops: what fails there fails without it as well.
        self.kept: frozenset[Site] = frozenset()
        self.carrier = SiteRunner(plan, remote, hosts, self.observe)
        info = LockInfo(plan.run, plan.by, plan.message or plan.kind, now(), plan.kind)
        self.locks = Locks(remote, hosts, plan.sites, info, plan.journal_sizes, plan.environment, plan.whole_journals)
        self.start = time.monotonic()
        self.begun: list[Wave] = []
        self.where: dict[Site, RevisionSide] = dict.fromkeys(plan.sites, "old")
        self.manual_actions: list[ManualAction] = []
        self.unseen: Failure | None = None
        self.notes: list[str] = []
        self.readings: list[GateMeasured] = []
        self.smoke = WaveSmoke(plan, smoke, self.observe, self.notes, self.manual_actions)

    def observe(self, event: RunEvent) -> None:
        """Pass an event on. If the observer fails, as where the disk here is full, no further wave begins."""
        self.readings += [event] if isinstance(event, GateMeasured) and event.last else []
        try:
            self._observe(event)
        except LockstitchError as error:
            self.unseen = self.unseen or Failure(None, "observer", error.message, error.hint)
        except Exception as error:
            self.unseen = self.unseen or Failure(None, "observer", f"the run cannot be followed here: {error!r}")

    def execute(self, before: Callable[[], Sequence[Failure]]) -> Outcome:
        try:
            with holding_interrupts():
                self.locks.acquire()
        except LockstitchError:
            raise
        except BaseException:
            self.remote.interrupt()
            self.locks.release()
            raise
        try:
            with holding_interrupts():
                for warning in self.locks.warnings:
                    self.observe(RunMessage(warning))
                failures = list(before()) or self._forward()
        except KeyboardInterrupt:
            failures = [Failure(None, "interrupt", "interrupted")]
            self._stop()
        except Exception as defect:
            # Not even a defect of ours leaves the fleet on two versions, or locked.
            self._stop()
            self._failed([Failure(None, "defect", repr(defect))])
            raise
        if not failures:
            try:
                return self._finished()
            except KeyboardInterrupt:
                # Everything is ended, and only not yet told.
                return self._outcome(ExitCode.NEEDS_A_PERSON if self.manual_actions else ExitCode.DONE, [])
        return self._failed(failures)

    def _forward(self) -> list[Failure]:
        for number, wave in enumerate(self.plan.waves, 1):
            self.observe(WaveBegan(wave.name, tuple(u.site for u in wave.site_plans), number, len(self.plan.waves)))
            if self.unseen is not None:
                return [self.unseen]
            self.begun.append(wave)
            if failures := self._wave(wave):
                return failures
        return []

    def _wave(self, wave: Wave) -> list[Failure]:
        if wave.only_if is not None:
            verdict = run_in_thread(partial(self.carrier.needed, wave.only_if), self._stop)
            if verdict.answer is Status.INCONCLUSIVE:
                return [Failure(wave.only_if.site, wave.only_if.gate.name, verdict.reason, verdict.hint)]
            if not verdict.passed:
                self.observe(RunMessage(f"left out: {wave.name}: {verdict.reason}"))
                return []
        if wave.visible:
            self.where.update(dict.fromkeys((unit.site for unit in wave.site_plans), "unknown"))
        failures = self._together(wave, self.carrier.steps) or self._gates(wave) or self.smoke.on_hosts(wave)
        failures = failures or self._compared(wave) or self._pause(wave) or self.smoke.in_public(wave)
        if wave.visible and not failures:
            self.where.update(dict.fromkeys((unit.site for unit in wave.site_plans), "new"))
        return failures

    def _pause(self, wave: Wave) -> list[Failure]:
        """Wait for the pause after a wave, watched where metric gates judge it; then ask the other gates once more."""
        watched = self._watch is not None and wave.watch is not None and bool(wave.watch.gates)
        if not wave.pause or not (watched or wave is not self.plan.waves[-1]):
            return []
        if not watched or self._watch is None:
            self.observe(RunMessage(f"waiting {wave.pause:g} s after {wave.name}"))
            sleep(wave.pause)
            return self._gates(wave)
        self.observe(RunMessage(f"watching {wave.name} for {span(wave.pause)}"))
        decision = self._watch(wave, self._old(wave), self.observe)
        return self._gates(wave) if decision.way is Way.ON else self._ended(wave, decision)

    def _compared(self, wave: Wave) -> list[Failure]:
        """Compare a wave with the sites that still have the old release, where a measure is a gate."""
        old = self._old(wave) if self._compare is not None and wave.visible else ()
        if self._compare is None or not old:
            return []
        decision = self._compare(wave, old, self.observe)
        return [] if decision.way is Way.ON else self._ended(wave, decision)

    def _old(self, wave: Wave) -> tuple[Site, ...]:
        """Return the sites of the wave's app that still have the old release, and will get the new one."""
        later = {unit.site for after in self.plan.waves[len(self.begun) :] for unit in after.site_plans}
        app = wave.site_plans[0].site.app
        return tuple(s for s in self.plan.sites if s in later and s.app == app and self.where[s] == "old")

    def _ended(self, wave: Wave, decision: Decision) -> list[Failure]:
        """Return the failure that a decision makes, which is not to go on."""
        if decision.way is Way.STOP:
            self.where.update(dict.fromkeys((unit.site for unit in wave.site_plans), "new"))
            switched = {unit.site for each in self.begun for unit in each.site_plans if unit.gates}
            self.kept = frozenset(site for site in switched if self.where[site] == "new")
        return [Failure(None, f"gate {decision.gate}", decision.reason, decision.hint)]

    def _gates(self, wave: Wave) -> list[Failure]:
        return self._together(wave, lambda unit: self.carrier.gates(unit.site, unit.gates))

    def _together(self, wave: Wave, do: Callable[[SitePlan], Failure | None]) -> list[Failure]:
        """Call a function with every unit of a wave at once. The first failure is reported at once, and the others have
        nothing to wait for any more: their gates are not asked again, and, where users see nothing of the wave, their
        steps are ended. What a wave keeps is carried out everywhere. Returns the failures, without those made so."""
        first = Lock()

        def tell(unit: SitePlan) -> Failure | None:
            failure = do(unit)
            if failure is not None and failure.what != STOPPED and len(wave.site_plans) > 1 and first.acquire(False):
                self.observe(RunMessage(failure_in_words(failure)))
                if not wave.keep_on_failure:
                    self.carrier.stopped.set()
                    if not wave.visible:
                        self.remote.interrupt()
            return failure

        failures = self._each(wave.site_plans, tell)
        return [failure for failure in failures if failure.what != STOPPED] or failures

    def _finished(self) -> Outcome:
        problems = self._finish()
        for failure in problems:
            self._leave(failure, f"the {self.plan.kind} is done, but its last step is not")
        return self._outcome(ExitCode.NEEDS_A_PERSON if problems else ExitCode.DONE, problems)

    def _finish(self) -> list[Failure]:
        """End a run whose every gate has passed. An interrupt is too late to roll back: the end is tried once more."""
        try:
            return self._end(with_outputs(self.plan.finish, self.carrier.outputs))
        except KeyboardInterrupt:
            self.carrier.stopped.clear()
        except Exception:
            self._end(with_outputs(self.plan.finish, self.carrier.outputs))
            raise
        try:
            return self._end(with_outputs(self.plan.finish, self.carrier.outputs))
        except KeyboardInterrupt:
            self.locks.release()
            return [Failure(site, "ending", "interrupted") for site in self.plan.sites]

    def _failed(self, failures: list[Failure]) -> Outcome:
        code = failed_code(failures, self.begun)
        try:
            with holding_interrupts():
                failures = [self._with_logs(failure) for failure in failures]
                self._go_back(failures)
                self.smoke.after_rollback([] if self.kept or code is not ExitCode.REVERTED else self.begun)
                self._end_failed(failures)
        except KeyboardInterrupt:
            self._stop()
            for site, where in self.where.items():
                if where != "old":
                    self._leave(Failure(site, "going back", "interrupted"), "going back was interrupted")
            for site in self.locks.release():
                self._leave(Failure(site, "unlock", ""), "its lock is still held")
        if self.manual_actions and code is not ExitCode.INTERRUPTED:
            code = ExitCode.NEEDS_A_PERSON
        return self._outcome(code, failures, dumps(self.plan.environment, self.carrier.outputs, self.plan.first_dumps))

    def _end_failed(self, failures: Sequence[Failure]) -> None:
        if self.kept:
            # The release is not called bad, and nobody has seen yet that it is good.
            for site in self.kept:
                self.manual_actions.append(undecided(self.plan, site, failures[0]))
            problems = self._end(with_outputs(with_reason(self.plan.stopped, failures), self.carrier.outputs))
        elif not self.begun or self.begun[-1].preflight:
            # A refusal has made no release that could be called bad.
            problems = [Failure(site, "unlock", error.message) for site, error in self.locks.release().items()]
        else:
            problems = self._end(with_outputs(with_reason(self.plan.failed, failures), self.carrier.outputs))
        for failure in problems:
            unlocked = failure.what not in ("unlock", "ending")
            if unlocked and failure.site is not None and self.carrier.untouched(failure.site):
                self.notes.append(f"{failure.site}: its journal lacks this run, which has changed nothing there")
                continue
            self._leave(failure, "its journal lacks this run" if unlocked else "its lock may still be held")

    def _go_back(self, failures: Sequence[Failure]) -> None:
        """Roll back every unit that began, the last wave first. A step that wraps several units is undone after all of
        them."""
        self.carrier.stopped.clear()
        continued = {
            id(unit.continues) for wave in self.begun for unit in wave.site_plans if self.carrier.touched(unit)
        }
        touched = [
            (wave, [unit for unit in wave.site_plans if id(unit) not in continued and self._goes_back(unit)])
            for wave in reversed(self.begun)
            if not wave.keep_on_failure or wave is self.begun[-1]
        ]
        seen = tuple(dict.fromkeys(unit.site for wave, units in touched if wave.visible for unit in units))
        if self.begun[-1:] and self.begun[-1].keep_on_failure:
            self.observe(RunMessage(f"no further wave begins: {failures[0].reason}"))
        else:
            stays = "what has switched stays as it is, and nothing else changes"
            nothing = RunMessage(stays if self.kept else "nothing that users can see was changed")
            self.observe(RollbackBegan(failures[0].reason, seen) if seen else nothing)
        lost: set[Site | None] = set()
        for wave, units in touched:
            wrapping = [u for u in wave.site_plans if u.site not in self.kept and self.carrier.wraps(u)]
            stuck = [*self._each(units, self.carrier.undo), *self._each(wrapping, self.carrier.unwrap)]
            for failure in stuck:
                self._leave(
                    failure, "it is not well" if wave.keep_on_failure else "it could not be put back", again=True
                )
            lost |= {failure.site for failure in stuck if wave.visible}
            for unit in (*(unit for unit in units if not self.carrier.wrapped(unit)), *wrapping):
                self.where[unit.site] = "unknown" if unit.site in lost else "old"
        for site, where in self.where.items():
            if where == "unknown" and site not in {action.site for action in self.manual_actions}:
                self.where[site] = "old"

    def _goes_back(self, unit: SitePlan) -> bool:
        return unit.site not in self.kept and self.carrier.touched(unit)

    def _end(self, units: Iterable[SitePlan]) -> list[Failure]:
        problems = self._each(units, self.carrier.last, patience=1)
        lost = {failure.site for failure in problems}
        self.locks.held = [site for site in self.locks.held if site in lost]
        return problems

    def _each(
        self, units: Iterable[SitePlan], do: Callable[[SitePlan], Failure | None], patience: int = 0
    ) -> list[Failure]:
        """Call a function with every unit at once, and wait until all have ended. The first `patience` interrupts are
        ignored: ending a run takes less time than stopping that."""
        ended = run_parallel(partial(self._unless_stopped, do), units, self._stop, patience=patience)
        return [failure for failure in ended if failure is not None]

    def _unless_stopped(self, do: Callable[[SitePlan], Failure | None], unit: SitePlan) -> Failure | None:
        if self.carrier.stopped.is_set():
            return Failure(unit.site, STOPPED, "interrupted before it began")
        return do(unit)

    def _stop(self) -> None:
        self.carrier.stopped.set()
        self.remote.interrupt()

    def _with_logs(self, failure: Failure) -> Failure:
        if failure.site is None or failure.what in ("connection", "interrupt"):
            return failure
        logs = run_in_thread(partial(self.carrier.logs, failure.site), self._stop)
        return Failure(failure.site, failure.what, failure.reason, failure.hint, failure.output, logs)

    def _leave(self, failure: Failure, what: str, *, again: bool = False) -> None:
        self.manual_actions.append(manual_action(self.plan, failure, what, again=again))

    def _outcome(self, code: ExitCode, failures: Sequence[Failure], notes: tuple[str, ...] = ()) -> Outcome:
        begun = {unit.site for wave in self.begun for unit in wave.site_plans}
        spent = self.carrier.seconds.get
        sites = tuple(SiteOutcome(s, w, "", spent(s, 0.0), s in begun) for s, w in self.where.items())
        notes = (*dict.fromkeys((*self.locks.warnings, *self.carrier.warnings)), *notes, *self.notes)
        if self.unseen is not None and self.unseen not in failures:
            notes = (*notes, self.unseen.reason)
        ended = tuple(self.manual_actions), time.monotonic() - self.start, notes
        made = *ended, tuple(self.carrier.backups), tuple(self.readings), tuple(self.smoke.judged)
        return Outcome(self.plan, code, sites, tuple(failures), *made)
