"""EFFECT: while a fleet is mixed, a host with the new release and one with the old are measured in turns, and compared."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lockstitch.engine.take_measures import MeasureJob, take_samples
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.secrets import resolve_secret
from lockstitch.measures.base import Measure, MeasureComparison, MeasuredSite, MeasureResult
from lockstitch.metrics.judgement import Answer
from lockstitch.model.command import Value
from lockstitch.model.outcome import RunEvent, RunMessage
from lockstitch.model.plan import Plan, Site, Wave
from lockstitch.model.wave_watch import Decision, GateMeasured, UnclearPolicy, Way
from lockstitch.remote import Remote

# So many samples are taken of one host before the other has its turn.
_TURN = 20
_OPEN = (Answer.FEW, Answer.UNCLEAR)


class MeasureTurns:
    """Compares the first wave of each app with what still has the old release. `answer` asks a person about a decision;
    None: nobody is there."""

    def __init__(
        self,
        remote: Remote,
        fleet: Fleet,
        plan: Plan | None = None,
        answer: Callable[[Decision], Way | None] = lambda decision: None,
    ) -> None:
        self._remote, self._fleet, self._answer = remote, fleet, answer
        # A site that has had no release yet has none to compare with.
        self._having = {change.site for change in plan.changes if change.before} if plan else set()
        self._compared: set[str] = set()
        self._known: dict[str, Value] = {}

    def compare(self, wave: Wave, old: Sequence[Site], observe: Callable[[RunEvent], None]) -> Decision:
        """Take the measures that are gates in turns, and return what follows: to go on, to go back, or to stop."""
        new, old = [unit.site for unit in wave.site_plans if unit.gates], [site for site in old if site in self._having]
        if not new or not old or new[0].app in self._compared:
            return Decision(Way.ON)
        self._compared.add(new[0].app)
        # An override may have a measure at some hosts alone.
        gates = {name: site for site in reversed(new) for name in self._gates(site)}
        for name, site in gates.items():
            other = next((each for each in old if name in self._measures(each)), None)
            if other is None:
                observe(RunMessage(f"{name} compares nothing: no host with the old release has this measure"))
                continue
            observe(RunMessage(f"measuring {name} in turns on {site.host} and {other.host}, which has the old release"))
            began = time.time()
            compared = self._in_turns(self._job(site, name), self._job(other, name))
            observe(_event(site.app, name, compared, began))
            decision = self._decide(name, site, compared)
            if decision.way is not Way.ON:
                return decision
            if decision.reason:
                observe(RunMessage(f"going on: {decision.reason}"))
        return Decision(Way.ON)

    def problems(self, sites: Sequence[Site]) -> Iterator[str]:
        """Yield why a measure that is a gate cannot be taken at these sites, by one sample of each."""
        for site in sites:
            for name in self._gates(site):
                job = self._job(site, name)
                if says := job.measure.refusal(job.site):
                    yield f"measure {name} of {site} is a gate, and cannot be taken: {says}"
                    continue
                (sample,) = take_samples(self._remote, [job], 0, 1)
                judged = sample if isinstance(sample, MeasureResult) else job.measure.judge(job.site, sample, None)
                if judged.answer is Answer.BLIND:
                    yield f"measure {name} of {site} is a gate, and cannot be taken: {judged.says}"

    def _gates(self, site: Site) -> list[str]:
        return [name for name, measure in self._measures(site).items() if measure.is_gate()]

    def _measures(self, site: Site) -> Mapping[str, Measure]:
        return self._fleet.inventory.app(site.app, site.host).measure

    def _in_turns(self, new: MeasureJob, old: MeasureJob) -> MeasureComparison:
        """Return the comparison, once it is decided or there are no more looks."""
        samples: list[Any] = [None, None]
        compared, begin = MeasureComparison(Answer.BLIND, "nothing was measured"), 0
        for end in new.measure.gate_looks():
            for turn, first in enumerate(range(begin, end, _TURN)):
                # Who is first changes: what gets slower or faster meanwhile is the same for both.
                for at in (0, 1) if turn % 2 else (1, 0):
                    (sample,) = take_samples(self._remote, [(new, old)[at]], first, min(end, first + _TURN))
                    if isinstance(sample, MeasureResult):
                        return MeasureComparison(
                            Answer.BLIND, f"{(new, old)[at].host.name}: {sample.says}", sample.hint
                        )
                    samples[at] = sample if samples[at] is None else samples[at] + sample
            compared, begin = new.measure.compare(samples[0], samples[1]), end
            if compared.answer not in _OPEN:
                break
        return compared

    def _decide(self, name: str, site: Site, compared: MeasureComparison) -> Decision:
        gate, policy = f"measure {name}", self._unclear(site)
        if compared.answer is Answer.PASS:
            return Decision(Way.ON)
        if compared.answer is Answer.FAIL:
            return Decision(Way.BACK, gate, f"{gate} of {site.app} fails: {compared.says}", compared.hint)
        reason = f"{gate} of {site.app} is {compared.answer.value}: {compared.says}"
        if policy == "continue" and compared.answer in _OPEN:
            return Decision(Way.ON, gate, reason)
        if policy == "fail":
            return Decision(Way.BACK, gate, reason, compared.hint)
        asked = Decision(Way.ASK, gate, reason, compared.hint, (Way.ON, Way.BACK))
        answer = self._answer(asked)
        if answer is None:
            return replace(
                asked, way=Way.BACK, reason=f"{reason}; there is no terminal to ask at, so it counts as failed"
            )
        return replace(asked, way=answer)

    def _unclear(self, site: Site) -> UnclearPolicy:
        groups = self._fleet.inventory.groups
        group = next(g for g in groups if site.app in g.apps and site.host in {host.name for host in g.hosts})
        return group.rollout.unclear

    def _job(self, site: Site, name: str) -> MeasureJob:
        app = self._fleet.inventory.app(site.app, site.host)
        measure, host = app.measure[name], next(host for host in self._fleet.hosts if host.name == site.host)
        for reference in measure.references():
            if reference not in self._known:
                self._known[reference] = resolve_secret(reference)
        health = app.health.url if app.health else ""
        place = MeasuredSite(app.name, name, site.host, site.layout.current, "", health, {}, self._known)
        return MeasureJob(measure, place, host, site.user)


def _event(app: str, name: str, compared: MeasureComparison, began: float) -> GateMeasured:
    new, old = compared.new, compared.old
    return GateMeasured(
        app,
        f"measure {name}",
        compared.answer.value,
        compared.says,
        compared.hint,
        bad=new.bad,
        total=new.total,
        old_bad=old.bad,
        old_total=old.total,
        low=compared.low,
        high=compared.high,
        limit=compared.by,
        begin=began,
        end=time.time(),
        last=True,
    )
