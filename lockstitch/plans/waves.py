"""Pure: the waves every plan shares: prepare, migrate once, switch, finish."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lockstitch.inventory import Group
from lockstitch.model.plan import Site, SitePlan, Step, Wave
from lockstitch.plans import steps
from lockstitch.plans.deploy_backup import DatabaseJobs, dump_wave, head_wave, pending, takes_part
from lockstitch.plans.lock_steps import release_step
from lockstitch.plans.maintenance_window import absence, back, goes_down, proofs, up, waits_for_migrations
from lockstitch.plans.old_releases import prune
from lockstitch.plans.rollout import waves
from lockstitch.plans.steps import Deployment


def prepare(jobs: Sequence[Deployment], *, fetching: bool, testing: bool) -> list[Wave]:
    """What users cannot see, on all hosts at once."""
    units = tuple(SitePlan(job.site, did) for job in jobs if (did := _preparing(job, fetching, testing)))
    return [Wave("prepare", units)] if units else []


def _preparing(job: Deployment, fetching: bool, testing: bool) -> tuple[Step, ...]:
    first = (*steps.keep(job, fetching=fetching), *((steps.fetch(job),) if fetching else ()))
    if job.layout.in_place or job.reused:
        return first
    tests = steps.test(job) if testing else ()
    return (*first, *steps.export(job), *steps.build(job), *tests, *steps.check(job))


def switch(
    jobs: Sequence[Deployment],
    groups: Iterable[Group],
    *,
    fresh: bool,
    discard: bool = False,
    shelves: DatabaseJobs | None = None,
    away: Mapping[Site, SitePlan] | None = None,
    last: Callable[[Deployment], tuple[Step, ...]] = lambda job: (),
) -> list[Wave]:
    """The visible change, group by group and app by app, in the waves the group's rollout says.

    `away` are the units that have put sites into maintenance already; `last` is done on each site before it is out.
    """
    made: list[Wave] = []
    begun: set[str] = set()
    down = dict(away or {})
    waiting = list(jobs)
    for group in groups:
        hosts = {host.name for host in group.hosts}
        for name in group.apps:
            mine = [job for job in waiting if job.app.name == name and job.site.host in hosts]
            waiting = [job for job in waiting if job not in mine]
            opening = FirstHostWork()
            if mine and name not in begun:
                everywhere = [job for job in jobs if job.app.name == name and job.site not in down]
                opening = _opening(mine[0], everywhere, shelves or {}, discard=discard, fresh=fresh)
                down |= opening.down
            opening = replace(opening, down=down, taking_back=frozenset(away or ()))
            made += [*opening.before, *_app_waves(name, mine, group, opening, fresh=fresh, discard=discard, last=last)]
            begun.update(name for _ in mine[:1])
    return made


@dataclass(frozen=True)
class FirstHostWork:
    """What an app does once, before and after its first host's code is switched.

    `migrating` is the job whose switch holds the migration, `code` the unit that has moved its checkout already, and
    `down` the units that put sites into maintenance, on those of `taking_back` for their database.
    """

    before: tuple[Wave, ...] = ()
    after: tuple[Wave, ...] = ()
    migrating: Deployment | None = None
    code: SitePlan | None = None
    down: Mapping[Site, SitePlan] = field(default_factory=dict)
    taking_back: frozenset[Site] = frozenset()


def _opening(
    job: Deployment, everywhere: Sequence[Deployment], shelves: DatabaseJobs, *, discard: bool, fresh: bool
) -> FirstHostWork:
    """Go into maintenance and dump where the app wants that, then migrate: in a checkout only the new code can tell
    whether there is a need."""
    if not fresh:
        away = absence(everywhere, deploying=False)
        return FirstHostWork(away.waves, down=away.units)
    dumps = takes_part(job.app) and job.app.database in shelves
    careful = dumps and job.app.backup == "before_migrate"
    wary = any(goes_down(each, deploying=True) for each in everywhere) and waits_for_migrations(job)
    asked = pending(job) if job.app.migrate and (careful or wary) else None
    code = None
    if asked and job.layout.in_place:
        code = SitePlan(job.site, _code(job, testing=True, discard=discard), rollback_gates=back(job))
    away = absence(everywhere, deploying=True, pending=asked, code={job.site: code} if code else {})
    moved = (Wave(f"code of {job.app.name} on {job.site.host}", (code,), visible=True),) if code else ()
    only_if = asked if careful else None
    dump = (dump_wave(job, shelves, pending=only_if),) if dumps else ()
    before = (*moved, *away.waves, *dump)
    after = (head_wave(job, shelves, only_if),) if dumps and job.app.migrate else ()
    if not job.app.migrate:
        return FirstHostWork(before, down=away.units)
    if not job.layout.in_place:
        migrate = Wave(f"migrate {job.app.name}", (SitePlan(job.site, steps.migrate(job)),))
        return FirstHostWork((*before, migrate, *after), down=away.units)
    return FirstHostWork(before, after, job, code, away.units)


def _app_waves(
    name: str,
    jobs: Sequence[Deployment],
    group: Group,
    opening: FirstHostWork,
    *,
    fresh: bool,
    discard: bool,
    last: Callable[[Deployment], tuple[Step, ...]],
) -> list[Wave]:
    made: list[Wave] = []
    rollout = group.rollout
    parts = waves(jobs, canary=rollout.canary if fresh else 0, batch=rollout.batch)
    for number, part in enumerate(parts, 1):
        units = tuple(_switching(job, opening, testing=fresh, discard=discard, last=last(job)) for job in part)
        hosts = ", ".join(job.site.host for job in part)
        made.append(
            Wave(f"{name} {number}/{len(parts)}: {hosts}", units, visible=True, pause=rollout.pause if fresh else 0)
        )
        made += opening.after if number == 1 else ()
    return made


def _switching(
    job: Deployment, opening: FirstHostWork, *, testing: bool, discard: bool, last: tuple[Step, ...]
) -> SitePlan:
    down = opening.down.get(job.site)
    came_up = up(job, down, taking_back=job.site in opening.taking_back)
    serve = (*last, steps.reload(job), *steps.after(job), *came_up)
    if not job.layout.in_place:
        ready = () if job.reused else steps.before(job)
        return SitePlan(job.site, (*ready, steps.activate(job), *serve), proofs(job), back(job), down)
    migrating = job is opening.migrating
    moved = opening.code if migrating else None
    did = (
        *(() if moved else _code(job, testing=testing, discard=discard)),
        *(steps.migrate(job) if migrating else ()),
        *steps.before(job),
        *serve,
    )
    return SitePlan(job.site, did, proofs(job), back(job), down or moved)


def _code(job: Deployment, *, testing: bool, discard: bool) -> tuple[Step, ...]:
    tests = steps.test(job) if testing else ()
    return (*steps.checkout(job, discard=discard), *steps.build(job), *tests, *steps.check(job))


def finish(job: Deployment, run: str, by: str, message: str, *more: Step) -> SitePlan:
    """Record the release as good, remove what is no longer kept, free the lock."""
    good = steps.record(job, "good", run, by, message)
    return SitePlan(job.site, (*steps.adopt(job, run, by), good, *more, *prune(job), release_step(job.site, run)))


def failed(job: Deployment, run: str, by: str, message: str) -> SitePlan:
    """Keep a release that failed, marked bad, and free the lock. One that had been good before stays what it was."""
    bad = () if job.reused else (steps.record(job, "bad", run, by, message),)
    return SitePlan(job.site, (*bad, release_step(job.site, run)))
