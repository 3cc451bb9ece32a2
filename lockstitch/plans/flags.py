"""Pure: the plans of `flag.set`, `flag.rollout` and `flag.undo`.

Each step sets the flag where it is: on every host of its app, in waves that never stop all of them, or once for all.
The first step of a site records the value before in the host's journal, and only it has a way back, to that value: from
whichever step a run goes back, it goes back at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Literal

from lockstitch.errors import CheckError, UsageError
from lockstitch.facts.site import Survey
from lockstitch.flags.base import FlagPlace, flag_text, number_in, reading_line
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.command import Command, Value
from lockstitch.model.flag import FlagChange
from lockstitch.model.flag import value_words as shown
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Plan, Site, SitePlan, Step, Wave
from lockstitch.plans.ending import unlock_ending, with_endings
from lockstitch.plans.flag_sites import FlagFacts, FlagSite, flag_sites
from lockstitch.plans.flag_state import judge_flag
from lockstitch.plans.notes import job_logs
from lockstitch.plans.preflight import raise_unreachable
from lockstitch.plans.rollout import never_all, waves
from lockstitch.plans.service import jobs_of
from lockstitch.plans.shell_texts import RECORD
from lockstitch.plans.wave_watches import watching
from lockstitch.text import listed

FlagVerb = Literal["set", "rollout", "undo"]
Values = Mapping[Site, str | None]


@dataclass(frozen=True)
class FlagOptions:
    """The options of a change of a flag: the verb, the flag's name, for `set` the value; the run, and who asks for it."""

    run: str
    by: str
    verb: FlagVerb
    name: str
    value: str = ""
    message: str = ""
    env: Mapping[Site, Mapping[str, Value]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Target:
    """The values after a step, and how many seconds it is watched."""

    values: Values
    seconds: float = 0.0

    def __str__(self) -> str:
        return " and ".join(dict.fromkeys(shown(value) for value in self.values.values()))


def flag(
    fleet: Fleet, survey: Survey, facts: Mapping[Site, FlagFacts], places: Mapping[Site, FlagPlace], asked: FlagOptions
) -> Plan:
    """Make the plan that sets a flag, rolls it out, or undoes the last change of it, on a fleet of `flag_fleet`.

    Raises UsageError for a value that cannot be, CheckError where the flag cannot be read or nothing can be undone.
    """
    raise_unreachable(survey)
    every = jobs_of(fleet, survey, (asked.run, asked.by, "flag"), asked.env)
    jobs = flag_sites(every, asked.name, places)
    if not jobs:
        raise CheckError(
            f"{', '.join(str(job.site) for job in every)}: nothing is deployed here yet\nnothing was changed"
        )
    _refuse_unread(jobs, facts)
    now = {job.site: state.reading.value for job in jobs if (state := facts[job.site].state)}
    targets, notes = _targets(jobs, facts, now, asked)
    last = targets[-1].values if targets else now
    there = {job.site for job in jobs if now[job.site] == last[job.site] and _proven(job, facts, last[job.site])}
    if len(there) == len(jobs) and all(target.values == now for target in targets):
        targets = []
    plan = Plan(
        "flag",
        fleet.inventory.name,
        asked.run,
        asked.by,
        asked.message or f"flag.{asked.verb} {asked.name}",
        tuple(_Waves(fleet, jobs, now, asked).of(targets)),
        notes=(*_notes(asked.name, jobs, now), *notes),
        logs={job.site: job_logs(job.job) for job in jobs},
        empty_reason=f"{asked.name} is {_Target(last)} already",
        next_command=f"fab -H {fleet.inventory.name} flag.status",
        flags=tuple(FlagChange(job.site.host, job.site.app, asked.name, now[job.site], last[job.site]) for job in jobs),
    )
    return with_endings(plan, [unlock_ending(job.site, asked.run, job.facts.host.written) for job in every])


def _refuse_unread(jobs: Sequence[FlagSite], facts: Mapping[Site, FlagFacts]) -> None:
    problems = []
    for job in jobs:
        known = facts.get(job.site)
        if known is None or known.state is None:
            problems.append(f"{job.site}: {job.flag.says()} was not read")
        elif known.state.reading.problem:
            problems.append(f"{job.site}: {job.flag.says()}: {known.state.reading.problem}")
    if problems:
        raise CheckError(listed([*problems, "nothing was changed"]))


def _proven(job: FlagSite, facts: Mapping[Site, FlagFacts], value: str | None) -> bool:
    state = facts[job.site].state
    return state is not None and judge_flag(job.flag, job.service.has_environment(), value, state).passed


def _targets(
    jobs: Sequence[FlagSite], facts: Mapping[Site, FlagFacts], now: Values, asked: FlagOptions
) -> tuple[list[_Target], tuple[str, ...]]:
    sites = [job.site for job in jobs]
    if asked.verb == "undo":
        return [_Target(_before(jobs, facts, now, asked.name))], ()
    if asked.verb == "set":
        value = _valid(jobs, asked.value)
        return [_Target(dict.fromkeys(sites, value))], ()
    steps = jobs[0].flag.steps
    if any(job.flag.steps != steps or job.flag.gates != jobs[0].flag.gates for job in jobs):
        raise UsageError(f"{asked.name} has other steps or gates on some hosts: give it the same everywhere")
    if not steps:
        raise UsageError(
            f"{asked.name} has no steps; nothing was changed", hint=f"write `steps:`, or flag.set {asked.name}=VALUE"
        )
    values = [step.to for step in steps]
    first = _first_step(values, list(now.values()))
    left_out = values[:first]
    notes = (f"{asked.name} is as far already: {', '.join(left_out)} left out",) if left_out else ()
    return [_Target(dict.fromkeys(sites, step.to), step.seconds) for step in steps[first:]], notes


def _first_step(values: Sequence[str], now: Sequence[str | None]) -> int:
    """Return the first step that takes the flag from nobody: the first that is higher than it is anywhere, or that
    brings the hosts that are behind up to the others."""
    top = max((number for value in now if (number := number_in(value)) is not None), default=None)
    numbers = [number_in(value) for value in values]
    if top is None or None in numbers:
        same = [at for at, value in enumerate(values) if all(value == each for each in now)]
        return same[0] + 1 if same else 0
    level = all(number_in(each) == top for each in now)
    return sum(1 for number in numbers if number is not None and (number < top or (level and number == top)))


def _valid(jobs: Sequence[FlagSite], written: str) -> str:
    try:
        value = flag_text(written)
    except ValueError as error:
        raise UsageError(f"{error}; nothing was changed") from error
    for job in jobs:
        if says := job.flag.refusal(value):
            raise UsageError(f"{says}; nothing was changed")
    return value


def _before(jobs: Sequence[FlagSite], facts: Mapping[Site, FlagFacts], now: Values, name: str) -> Values:
    """Return what each site had before the last change of a flag that was no undo."""
    if problems := [f"{site}: {known.records.problem}" for site, known in facts.items() if known.records.problem]:
        raise CheckError(listed([*problems, "nothing was changed"]))
    # A flag that is set once for all of them has one value, whichever host recorded it.
    shared = None if jobs[0].flag.per_host else now[jobs[0].site]
    records = {
        site: record for site, known in facts.items() if (record := known.records.last(name, now.get(site, shared)))
    }
    if not records:
        raise CheckError(f"no rollout or set of {name} is recorded on its hosts; nothing was changed")
    run = max(record.run for record in records.values())
    latest = {site: record.before for site, record in records.items() if record.run == run}
    if not jobs[0].flag.per_host:
        # Whichever host it was set from.
        return dict.fromkeys((job.site for job in jobs), next(iter(latest.values())))
    # A site without a record of that run was not changed by it.
    return {job.site: latest.get(job.site, now[job.site]) for job in jobs}


def _notes(name: str, jobs: Sequence[FlagSite], now: Values) -> Iterator[str]:
    hosts: dict[str | None, list[str]] = {}
    for job in jobs:
        hosts.setdefault(now[job.site], []).append(job.site.host)
    for value, some in hosts.items():
        yield f"{name} is {shown(value)} now on {', '.join(some)} ({jobs[0].flag.says()})"


class _Waves:
    """The waves of a change of one flag."""

    def __init__(self, fleet: Fleet, jobs: Sequence[FlagSite], now: Values, asked: FlagOptions) -> None:
        self._fleet, self._jobs, self._now, self._asked = fleet, {job.site.host: job for job in jobs}, now, asked
        self._units: dict[Site, SitePlan] = {}

    def of(self, targets: Sequence[_Target]) -> Iterator[Wave]:
        """Yield the waves that set it and the one that watches it, for each step."""
        before = self._now
        for number, target in enumerate(targets, 1):
            parts = [part for group in self._fleet.groups for part in self._parts(group.name)]
            for place, part in enumerate(parts, 1):
                at = f" {place}/{len(parts)}" if len(parts) > 1 else ""
                units = tuple(self._unit(self._jobs[host], before, target) for host in part)
                yield Wave(f"set {self._asked.name} to {target}{at}: {', '.join(part)}", units, visible=True)
            if target.seconds:
                yield self._watch(number, target)
            before = target.values

    def _parts(self, group_name: str) -> tuple[tuple[str, ...], ...]:
        """Return the hosts of a group in waves, of which none has all of them where their services are reloaded."""
        (group,) = (group for group in self._fleet.groups if group.name == group_name)
        hosts = [host.name for host in group.hosts if host.name in self._jobs]
        parts = waves(hosts, canary=group.rollout.canary, batch=group.rollout.batch)
        return never_all(parts, [hosts])

    def _unit(self, job: FlagSite, before: Values, target: _Target) -> SitePlan:
        site, to = job.site, target.values[job.site]
        first = site not in self._units
        expected = reading_line(before[site])
        undo = job.flag.change(job.place, self._now[site]) if first else None
        says = f"set {job.flag.says()} to {shown(to)}, and read it back"
        change = Step("set flag", says, job.flag.change(job.place, to, expected), undo, timeout=60)
        take = tuple(replace(step, redo_on_rollback=first) for step in job.takes())
        note = (self._record(job, target),) if first else ()
        unit = SitePlan(site, (*note, change, *take), job.gates(to), job.gates(self._now[site]), self._units.get(site))
        self._units[site] = unit
        return unit

    def _record(self, job: FlagSite, target: _Target) -> Step:
        """Return the step that records the value before in the host's journal."""
        asked, before = self._asked, self._now[job.site]
        entry = {
            "event": "flag",
            "kind": "flag",
            "verb": asked.verb,
            "flag": asked.name,
            "set": "no" if before is None else "yes",
            "from": before or "",
            "to": target.values[job.site] or "",
            "run": asked.run,
            "by": asked.by,
            "app": job.site.app,
            "message": asked.message,
        }
        text = json.dumps(entry, separators=(",", ":"), ensure_ascii=False)
        values = {"record": text, "journal": job.site.layout.journal, "reason": "", "told": "", "verdict": ""}
        says = f"record that {asked.name} was {shown(before)}"
        return Step("record flag", says, Command(RECORD, values=values), timeout=30)

    def _watch(self, number: int, target: _Target) -> Wave:
        """Return the wave that reads a flag back everywhere, and is watched."""
        app = next(iter(self._jobs.values())).job.app
        hosts = [host for group in self._fleet.groups for host in group.hosts]
        units = []
        for host in dict.fromkeys(host.name for host in hosts):
            job = self._jobs.get(host)
            if job is None:
                site = replace(next(iter(self._jobs.values())).site, host=host)
                units.append(SitePlan(site, (Step(f"flag {number}", "note the time", Command(":"), timeout=30),)))
                continue
            to = target.values[job.site]
            read = job.flag.change(job.place, to, reading_line(to))
            step = Step(f"flag {number}", f"read {job.flag.says()} back", read, timeout=60)
            units.append(SitePlan(job.site, (step,), job.gates(to), job.gates(self._now[job.site])))
        watch = watching(app, self._fleet.groups[0].rollout) if job_gates(self._jobs) else None
        return Wave(
            f"{self._asked.name} at {target} on every host", tuple(units), True, pause=target.seconds, watch=watch
        )


def job_gates(jobs: Mapping[str, FlagSite]) -> tuple[str, ...]:
    """Return the metric gates that judge the steps of these sites' flag."""
    return next(iter(jobs.values())).flag.gates
