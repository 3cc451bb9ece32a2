"""Pure: the plans of `service.start`, `service.stop`, `service.restart` and `service.reload`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Literal

from lockstitch.errors import CheckError, UsageError
from lockstitch.facts.site import Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import Group
from lockstitch.model.command import Command, Value
from lockstitch.model.gate import Gate, Verdict, failed, passed
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Plan, Site, SitePlan, Step, Wave
from lockstitch.plans.ending import unlock_ending, with_endings
from lockstitch.plans.gates import gates
from lockstitch.plans.maintenance_window import current_gates
from lockstitch.plans.notes import job_logs
from lockstitch.plans.preflight import raise_unreachable
from lockstitch.plans.rollout import at_most, never_all, waves
from lockstitch.plans.steps import Deployment
from lockstitch.services.release_context import ReleaseContext
from lockstitch.services.state import NOTE_RELOAD, ServiceState

Verb = Literal["start", "stop", "restart", "reload"]

# What is noted before a restart makes all that runs too old. One that did nothing must not leave that behind.
_KEEP_NOTE = 'cp -p "$state/reloaded" "$state/reloaded.before" 2>/dev/null || rm -f "$state/reloaded.before"\n'
_TAKE_NOTE_BACK = '[ ! -e "$state/reloaded.before" ] || mv -f "$state/reloaded.before" "$state/reloaded"\n'


@dataclass(frozen=True)
class ServiceChange:
    """The options of a change of services: the verb, the reason, and the largest number of hosts at once."""

    run: str
    by: str
    verb: Verb
    message: str = ""
    most: int = 64
    env: Mapping[Site, Mapping[str, Value]] = field(default_factory=dict)


def service(fleet: Fleet, survey: Survey, asked: ServiceChange) -> Plan:
    """Make the plan that starts, stops, restarts or reloads the service of every app of a fleet.

    Raises UsageError if no service supports it, CheckError if none is deployed.
    """
    raise_unreachable(survey)
    jobs = jobs_of(fleet, survey, (asked.run, asked.by, asked.verb), asked.env)
    if not jobs:
        raise UsageError(f"no app runs on the chosen hosts of {fleet.inventory.name}; nothing was changed")
    bare = [job.site for job in jobs if not job.facts.deployed]
    if len(bare) == len(jobs):
        raise CheckError(f"{', '.join(map(str, bare))}: nothing is deployed here yet\nnothing was changed")
    mine = [job for job in jobs if job.facts.deployed and not _there(job, asked.verb)]
    units = {job.site: unit for job in mine if (unit := _unit(job, asked.verb))}
    lacking = dict.fromkeys(job.app.name for job in mine if job.site not in units)
    if lacking and not units:
        raise UsageError(
            f"the service of {', '.join(lacking)} does not know how it is stopped; nothing was changed",
            hint="give it `stop:`, or see docs/services.md",
        )
    mine = [job for job in mine if job.site in units]
    plan = Plan(
        asked.verb,
        fleet.inventory.name,
        asked.run,
        asked.by,
        asked.message,
        (*_tests(mine, asked.verb), *_waves(fleet, mine, units, asked)),
        notes=(
            *(f"{site}: nothing is deployed here yet: it is left out" for site in bare),
            *(f"{name}: its service does not know how it is stopped: it is left out" for name in lacking),
            *dict.fromkeys(_notes(fleet, jobs, mine, asked.verb)),
        ),
        logs={job.site: job_logs(job) for job in mine},
        empty_reason="every service is stopped" if asked.verb == "stop" else "every service runs",
        next_command=f"fab -H {fleet.inventory.name} service.status",
    )
    return with_endings(plan, [unlock_ending(job.site, asked.run, job.facts.host.written) for job in mine])


def jobs_of(
    fleet: Fleet, survey: Survey, who: tuple[str, str, str], env: Mapping[Site, Mapping[str, Value]]
) -> list[Deployment]:
    """Return every site as it is; `who` is the run, its author, and its kind."""
    apps = {(host.name, app.name): app for host, app in fleet.sites()}
    made = []
    for site, facts in survey.facts.items():
        app, place = apps[site.host, site.app], facts.place
        known = env.get(site, app.env)
        made.append(Deployment(site, app, facts, place.revision or "", place.current or "", True, known, *who))
    return made


def _there(job: Deployment, verb: Verb) -> bool:
    """Tell whether a service is in the requested state already."""
    if verb == "stop":
        return judge_stopped(job.facts.service).passed
    return verb == "start" and job.facts.service.running


def _unit(job: Deployment, verb: Verb) -> SitePlan | None:
    """Return the steps and gates of one site; None if its service does not support the change."""
    place = job.old
    assert place is not None
    if verb == "stop":
        steps = tuple(job.app.service.stopping(place))
        gate = Gate("stopped", job.app.service.probe(place), judge_stopped)
        # Nothing is started again. What is asked once more is whether it has ended after all.
        return (
            SitePlan(job.site, (replace(steps[0], undo=Command(":")), *steps[1:]), (gate,), (gate,)) if steps else None
        )
    steps = _serving(job, verb, place)
    strict = gates(job.app, place, job.run, strict=True)
    return SitePlan(job.site, steps, strict, current_gates(job)) if steps else None


def _serving(job: Deployment, verb: Verb, place: ReleaseContext) -> tuple[Step, ...]:
    """Return the steps that make a service serve. Their way back starts it if it does not run."""
    service = job.app.service
    if verb == "reload":
        did: tuple[Step, ...] = (service.reload_step(place),)
    else:
        did = tuple(service.starting(place) if verb == "start" else service.restarting(place))
    if not did:
        return ()
    first, again = did[0], next(iter(service.starting(place)))
    noted = replace(first.command, text=f"{_KEEP_NOTE}{NOTE_RELOAD}\n{first.command.text}")
    undo = replace(again.command, text=f"{_TAKE_NOTE_BACK}{again.command.text}")
    first = replace(first, command=noted, undo=undo)
    return (first, *did[1:], *(replace(step, redo_on_rollback=False) for step in service.after(place)))


def judge_stopped(state: ServiceState) -> Verdict:
    """Judge whether no process of a service runs any more."""
    if state.running:
        return failed(f"it still runs: {state.note}")
    pids = [process.pid for process in state.processes]
    return failed(f"process {pids[0]} of it is still there") if pids else passed("it does not run")


def _tests(jobs: Sequence[Deployment], verb: Verb) -> Iterator[Wave]:
    """Yield the wave that tests configurations on all hosts, before the first service is touched."""
    tests = [(job.site, job.old and job.app.service.configuration_test(job.old)) for job in jobs if verb != "stop"]
    if units := tuple(SitePlan(site, (step,)) for site, step in tests if step):
        yield Wave("test the configuration", units, preflight=True)


def _waves(
    fleet: Fleet, jobs: Sequence[Deployment], units: Mapping[Site, SitePlan], asked: ServiceChange
) -> Iterator[Wave]:
    verb = asked.verb
    if verb == "stop":
        for some in at_most([jobs], asked.most):
            name = f"stop {', '.join(str(job.site) for job in some)}"
            yield Wave(name, tuple(units[job.site] for job in some), visible=True, keep_on_failure=True)
        return
    waiting = list(jobs)
    for group in fleet.groups:
        for name in group.apps:
            hosts = {host.name for host in group.hosts}
            mine = {job.site.host: job for job in waiting if job.app.name == name and job.site.host in hosts}
            waiting = [job for job in waiting if mine.get(job.site.host) is not job]
            parts = at_most(_parts(fleet, group, mine, verb), asked.most)
            for number, part in enumerate(parts, 1):
                yield Wave(
                    f"{verb} {name} {number}/{len(parts)}: {', '.join(part)}",
                    tuple(units[mine[host].site] for host in part),
                    visible=True,
                    keep_on_failure=True,
                    pause=group.rollout.pause,
                )


def _parts(fleet: Fleet, group: Group, jobs: Mapping[str, Deployment], verb: Verb) -> tuple[tuple[str, ...], ...]:
    """Return the hosts of an app in waves. Those that do not serve come first, so that the others may stop for a
    moment."""
    hosts = sorted(jobs, key=lambda host: jobs[host].facts.service.running)
    parts = waves(hosts, canary=group.rollout.canary, batch=group.rollout.batch)
    if verb == "start":
        return parts
    # Nothing is known of hosts that were not asked, and those where nothing is deployed do not serve in their stead.
    return never_all(parts, [[host.name for host in fleet.inventory.group(group.name).hosts], hosts])


def _notes(fleet: Fleet, jobs: Sequence[Deployment], mine: Sequence[Deployment], verb: Verb) -> Iterator[str]:
    for job in jobs:
        if job.facts.deployed and _there(job, verb):
            wrong = job.app.service.judge(job.facts.service)
            why = "" if verb == "stop" or wrong.passed else f", though: {wrong.reason}"
            yield f"{job.site} {'is stopped' if verb == 'stop' else 'runs'} already: it is left out{why}"
    for group in fleet.groups:
        all_of_them = {host.name for host in fleet.inventory.group(group.name).hosts}
        for name in group.apps:
            hosts = {job.site.host for job in mine if job.app.name == name} & all_of_them
            down = {j.site.host for j in jobs if j.app.name == name and not j.facts.service.running}
            if verb == "stop" and hosts and all_of_them <= hosts | down:
                yield f"no host of {group.name} will serve {name}, until `service.start`"
            elif verb == "restart" and hosts and len(all_of_them) == 1:
                yield f"{', '.join(hosts)} is the only host of {group.name}: nobody serves {name} while it restarts"
