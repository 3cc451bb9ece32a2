"""Pure: the waves every plan shares: prepare, migrate once, switch, finish."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lockstitch.gate import Gate
from lockstitch.inventory import Group
from lockstitch.lock_steps import release_step
from lockstitch.plan import Step, Unit, Wave
from lockstitch.plans import steps
from lockstitch.plans.gates import gates
from lockstitch.plans.steps import Job
from lockstitch.plans.store import Shelves, dump_wave, head_wave, pending, takes_part
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


def switch(
    jobs: Sequence[Job], groups: Iterable[Group], *, fresh: bool, discard: bool = False, shelves: Shelves | None = None
) -> list[Wave]:
    """The visible change, group by group and app by app, in the waves the group's rollout says."""
    made: list[Wave] = []
    migrated: set[str] = set()
    waiting = list(jobs)
    for group in groups:
        hosts = {host.name for host in group.hosts}
        for name in group.apps:
            mine = [job for job in waiting if job.app.name == name and job.site.host in hosts]
            waiting = [job for job in waiting if job not in mine]
            first = mine[0] if fresh and mine and name not in migrated else None
            opening = _opening(first, shelves or {}, discard=discard) if first else Opening()
            made += [*opening.before, *_app_waves(name, mine, group, opening, testing=fresh, discard=discard)]
            migrated.update(name for _ in mine[:1])
    return made


@dataclass(frozen=True)
class Opening:
    """What an app does once, on its first host, before and after that host's code is switched.

    `migrating` is the job whose switch holds the migration, and `code` the unit that has moved its checkout already.
    """

    before: tuple[Wave, ...] = ()
    after: tuple[Wave, ...] = ()
    migrating: Job | None = None
    code: Unit | None = None


def _opening(job: Job, shelves: Shelves, *, discard: bool) -> Opening:
    """Dump where the app wants that, then migrate: in a checkout only the new code can tell whether there is a need."""
    dumps = takes_part(job.app) and job.app.database in shelves
    before: tuple[Wave, ...] = ()
    after: tuple[Wave, ...] = ()
    only_if = pending(job) if dumps and job.app.backup == "before_migrate" else None
    if dumps:
        before = (dump_wave(job, shelves, pending=only_if),)
        after = (head_wave(job, shelves, only_if),) if job.app.migrate else ()
    if not job.app.migrate:
        return Opening(before)
    if not job.layout.in_place:
        migrate = Wave(f"migrate {job.app.name}", (Unit(job.site, steps.migrate(job)),))
        return Opening((*before, migrate, *after))
    if only_if is None:
        return Opening(before, after, job)
    code = Unit(job.site, _code(job, testing=True, discard=discard), back=_back(job))
    moved = Wave(f"code of {job.app.name} on {job.site.host}", (code,), visible=True)
    return Opening((moved, *before), after, job, code)


def _app_waves(
    name: str, jobs: Sequence[Job], group: Group, opening: Opening, *, testing: bool, discard: bool
) -> list[Wave]:
    made: list[Wave] = []
    rollout = group.rollout
    parts = waves(jobs, canary=rollout.canary if testing else 0, batch=rollout.batch)
    for number, part in enumerate(parts, 1):
        units = tuple(_switching(job, opening, testing=testing, discard=discard) for job in part)
        hosts = ", ".join(job.site.host for job in part)
        made.append(
            Wave(f"{name} {number}/{len(parts)}: {hosts}", units, visible=True, pause=rollout.pause if testing else 0)
        )
        made += opening.after if number == 1 else ()
    return made


def _switching(job: Job, opening: Opening, *, testing: bool, discard: bool) -> Unit:
    if not job.layout.in_place:
        return Unit(job.site, (steps.activate(job), steps.reload(job)), gates(job.app, job.place), _back(job))
    migrating = job is opening.migrating
    moved = opening.code if migrating else None
    did = (
        *(() if moved else _code(job, testing=testing, discard=discard)),
        *(steps.migrate(job) if migrating else ()),
        steps.reload(job),
    )
    return Unit(job.site, did, gates(job.app, job.place), _back(job), moved)


def _code(job: Job, *, testing: bool, discard: bool) -> tuple[Step, ...]:
    tests = steps.test(job) if testing else ()
    return (steps.checkout(job, discard=discard), *steps.build(job), *tests, *steps.check(job))


def _back(job: Job) -> tuple[Gate, ...]:
    return gates(job.app, job.old) if job.old else ()


def finish(job: Job, run: str, by: str, message: str, *more: Step) -> Unit:
    """Record the release as good, remove what is no longer kept, free the lock."""
    good = steps.record(job, "good", run, by, message)
    return Unit(job.site, (good, *more, *steps.prune(job), release_step(job.site, run)))


def failed(job: Job, run: str, by: str, message: str) -> Unit:
    """Keep a release that failed, marked bad, and free the lock. One that had been good before stays what it was."""
    bad = () if job.reused else (steps.record(job, "bad", run, by, message),)
    return Unit(job.site, (*bad, release_step(job.site, run)))
