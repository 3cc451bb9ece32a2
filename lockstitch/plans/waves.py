"""Pure: the waves every plan shares: prepare, migrate once, switch, finish."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockstitch.inventory import Group
from lockstitch.lock_steps import release_step
from lockstitch.plan import Step, Unit, Wave
from lockstitch.plans import steps
from lockstitch.plans.gates import gates
from lockstitch.plans.steps import Job
from lockstitch.strategies import waves


def prepare(jobs: Sequence[Job], *, fetching: bool, testing: bool) -> list[Wave]:
    """What users cannot see, on all hosts at once."""
    units = tuple(Unit(job.site, did) for job in jobs if (did := _preparing(job, fetching, testing)))
    return [Wave("prepare", units)] if units else []


def _preparing(job: Job, fetching: bool, testing: bool) -> tuple[Step, ...]:
    first = (steps.fetch(job),) if fetching else ()
    if job.layout.in_place or job.reused:
        return first
    tests = steps.test(job) if testing else ()
    return (*first, *steps.export(job), *steps.build(job), *tests, *steps.check(job))


def switch(jobs: Sequence[Job], groups: Iterable[Group], *, fresh: bool, discard: bool = False) -> list[Wave]:
    """The visible change, group by group and app by app, in the waves the group's rollout says."""
    made: list[Wave] = []
    migrated: set[str] = set()
    waiting = list(jobs)
    for group in groups:
        hosts = {host.name for host in group.hosts}
        for name in group.apps:
            mine = [job for job in waiting if job.app.name == name and job.site.host in hosts]
            waiting = [job for job in waiting if job not in mine]
            made += _app_waves(name, mine, group, fresh=fresh and name not in migrated, testing=fresh, discard=discard)
            migrated.update(name for _ in mine[:1])
    return made


def _app_waves(
    name: str, jobs: Sequence[Job], group: Group, *, fresh: bool, testing: bool, discard: bool
) -> list[Wave]:
    once = fresh and bool(jobs) and bool(jobs[0].app.migrate)
    made: list[Wave] = []
    if once and not jobs[0].layout.in_place:
        made.append(Wave(f"migrate {name}", (Unit(jobs[0].site, steps.migrate(jobs[0])),)))
    rollout = group.rollout
    parts = waves(jobs, canary=rollout.canary if testing else 0, batch=rollout.batch)
    for number, part in enumerate(parts, 1):
        units = tuple(
            _switching(job, migrating=once and job is jobs[0], testing=testing, discard=discard) for job in part
        )
        hosts = ", ".join(job.site.host for job in part)
        made.append(
            Wave(f"{name} {number}/{len(parts)}: {hosts}", units, visible=True, pause=rollout.pause if testing else 0)
        )
    return made


def _switching(job: Job, *, migrating: bool, testing: bool, discard: bool) -> Unit:
    back = gates(job.app, job.old) if job.old else ()
    if not job.layout.in_place:
        return Unit(job.site, (steps.activate(job), steps.reload(job)), gates(job.app, job.place), back)
    did = (
        steps.checkout(job, discard=discard),
        *steps.build(job),
        *(steps.test(job) if testing else ()),
        *steps.check(job),
        *(steps.migrate(job) if migrating else ()),
        steps.reload(job),
    )
    return Unit(job.site, did, gates(job.app, job.place), back)


def finish(job: Job, run: str, by: str, message: str, *more: Step) -> Unit:
    """Record the release as good, remove what is no longer kept, free the lock."""
    good = steps.record(job, "good", run, by, message)
    return Unit(job.site, (good, *more, *steps.prune(job), release_step(job.site, run)))


def failed(job: Job, run: str, by: str, message: str) -> Unit:
    """Keep a release that failed, marked bad, and free the lock. One that had been good before stays what it was."""
    bad = () if job.reused else (steps.record(job, "bad", run, by, message),)
    return Unit(job.site, (*bad, release_step(job.site, run)))
