"""Pure: the plan of a deploy. Its order is the list DEPLOY in deploy_order.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import field, replace

from lockstitch.errors import CheckError
from lockstitch.facts.release_folders import taken_ids
from lockstitch.facts.site import Facts, Survey, Target
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.command import Value
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Plan, Site
from lockstitch.model.release import release_id
from lockstitch.plans import deploy_backup, waves
from lockstitch.plans.backup import against_dump, dump_notes, first_dumps
from lockstitch.plans.backup import refuse as refuse_dump
from lockstitch.plans.database_steps import DatabaseJob
from lockstitch.plans.deploy_backup import DatabaseJobs
from lockstitch.plans.deploy_order import DEPLOY
from lockstitch.plans.ending import with_endings
from lockstitch.plans.maintenance_window import absence_notes, goes_down, refuse_unknown, waits_for_migrations
from lockstitch.plans.migrations import migration_notes, with_session
from lockstitch.plans.notes import aside, between, change, job_logs, notes, service_notes, unselected
from lockstitch.plans.preflight import refuse
from lockstitch.plans.steps import Deployment
from lockstitch.text import listed


@dataclass(frozen=True)
class DeployOptions:
    """The options of a deploy. `env` is the resolved environment of each app on each site, with secrets; `shelves` are
    the databases by name, with their facts."""

    run: str
    by: str
    message: str = ""
    force: bool = False
    discard: bool = False
    tag_before: str = ""
    env: Mapping[Site, Mapping[str, Value]] = field(default_factory=dict)
    shelves: DatabaseJobs = field(default_factory=dict)


def deploy(fleet: Fleet, survey: Survey, options: DeployOptions) -> Plan:
    """Make the plan that brings every site of a fleet to its app's target. Raises CheckError with every problem."""
    refuse(fleet, survey, discard=options.discard)
    waiting = {site.app: facts.pending for site, facts in survey.facts.items() if facts.pending}
    todo = {name for name, pending in waiting.items() if pending.names}
    pending_notes = tuple(f"{name}: {pending}" for name, pending in waiting.items() if pending.names or pending.problem)
    jobs = [j for j in _jobs(fleet, survey, options) if options.force or j.app.name in todo or not settled(j)]
    _refuse_drift(jobs)
    used = _databases_to_dump(jobs, options.shelves, todo)
    refuse_unknown({job.site: job.facts for job in jobs if _must_go_down(job, todo)})
    who = (options.run, options.by, options.message)
    first = {app: name for app, name in first_dumps(survey).items() if _is_there(name, used)}
    databases = fleet.inventory.databases
    engines = {
        app.name: databases[app.database].engine
        for _, app in fleet.sites()
        if app.database and app.database in databases
    }
    jobs = [with_session(replace(job, shelf=_shelf(job, used)), engines.get(job.app.name)) for job in jobs]
    jobs = _with_tags(jobs, options.tag_before)
    all_waves = waves.waves(DEPLOY, jobs, fleet.groups)
    freed = deploy_backup.unlock_endings(all_waves, used)
    plan = Plan(
        "deploy",
        fleet.inventory.name,
        *who,
        waves=tuple(all_waves),
        changes=tuple(map(change, jobs)),
        notes=(
            *pending_notes,
            *migration_notes(jobs),
            *unselected(fleet, jobs),
            *(n for shelf in used.values() for n in (*dump_notes(shelf), *against_dump(shelf))),
            *(f"{app}: a try before failed after the dump {name}: that is the way back" for app, name in first.items()),
            *absence_notes(survey),
            *_drift_notes(survey),
            *service_notes(jobs),
            *notes(survey),
            *between(jobs),
            *aside(jobs, discard=options.discard),
        ),
        summary=tuple(aside(jobs, discard=options.discard)),
        logs={job.site: job_logs(job) for job in jobs},
        first_dumps=first,
        empty_reason="; ".join(("every host already runs it", *pending_notes, *_restart_first(fleet, survey))),
    )
    return with_endings(plan, [*waves.endings(DEPLOY, jobs), *freed])


def _must_go_down(job: Deployment, todo: Set[str]) -> bool:
    """Tell whether a site surely goes into maintenance."""
    pending = job.app.name in todo or bool(job.facts.target and job.facts.target.migrations)
    return goes_down(job) and (pending or not waits_for_migrations(job))


def _is_there(name: str, shelves: DatabaseJobs) -> bool:
    return any((dump := shelf.facts.find(name)) is not None and dump.good for shelf in shelves.values())


def idle(fleet: Fleet, survey: Survey, options: DeployOptions) -> tuple[str, ...]:
    """Return the apps with nothing to deploy, unless migrations are pending in the code that serves."""
    if options.force or survey.unreachable or any(target.revision is None for target in targets(survey).values()):
        return ()
    jobs = _jobs(fleet, survey, options)
    busy = {job.app.name for job in jobs if not settled(job)}
    return tuple(dict.fromkeys(job.app.name for job in jobs if job.app.name not in busy))


def _databases_to_dump(jobs: Sequence[Deployment], shelves: DatabaseJobs, todo: Set[str]) -> DatabaseJobs:
    """Return the databases that may have to be dumped. Raises CheckError for problems of those that probably are.

    If git shows no new migration, only code is deployed, and a database that cannot be dumped does not prevent that. If
    one is pending after all, the dump fails, and the deploy goes back before it migrates.
    """
    taking_part = [job for job in jobs if deploy_backup.takes_part(job.app)]
    used = {name: shelf for name, shelf in shelves.items() if name in {job.app.database for job in taking_part}}
    likely = {job.app.database for job in taking_part if job.app.name in todo or _may_migrate(job, job.facts.target)}
    refuse_dump([shelf for name, shelf in used.items() if name in likely])
    return used


def _may_migrate(job: Deployment, target: Target | None) -> bool:
    known = bool(job.app.migrating.files) and job.before is not None and target is not None
    return job.app.backup == "before_deploy" or not known or bool(target and target.migrations)


def targets(survey: Survey) -> dict[str, Target]:
    """Return the target of each app, as resolved by the host that was asked."""
    return {site.app: f.target for site, f in reversed(tuple(survey.facts.items())) if f.target is not None}


def settled(job: Deployment) -> bool:
    """Tell whether a site is on its revision already, and proven to serve it.

    A run that was cut off may have changed the checkout but not the processes. Their age proves nothing then: no reload
    was noted that they could be older than.
    """
    there = job.before == job.revision and job.facts.as_recorded and not job.facts.maintenance.temporary
    drifts = job.facts.service.drift and job.app.service.reload_ends_drift()
    return there and not drifts and job.app.service.judge(job.facts.service).passed


def _refuse_drift(jobs: Sequence[Deployment]) -> None:
    """Raise CheckError where what runs is not what its settings now say, and a reload does not change that: the gates
    would fail after the switch."""
    drifted = [job for job in jobs if job.facts.deployed and job.facts.service.drift]
    lines = [
        f"{job.site}: {drift}"
        for job in drifted
        if job.app.service.judge(job.facts.service).passed and not job.app.service.reload_ends_drift()
        for drift in job.facts.service.drift
    ]
    if lines:
        says = "a reload does not change that, so new code would not run as it should; nothing was changed"
        apps = ",".join(dict.fromkeys(job.app.name for job in drifted))
        hint = f"first, with the pause of a restart: fab -H ENV service.restart {apps}"
        raise CheckError(listed([*lines, says]), hint=hint)


def _restart_first(fleet: Fleet, survey: Survey) -> tuple[str, ...]:
    """Return what a plan without steps says of these notes."""
    notes = _drift_notes(survey)
    apps = ",".join(dict.fromkeys(site.app for site, facts in survey.facts.items() if facts.service.drift))
    return (*notes, f"fab -H {fleet.inventory.name} service.restart {apps} makes it so") if notes else ()


def _drift_notes(survey: Survey) -> tuple[str, ...]:
    """Return a note for each site where something runs otherwise than its settings now say."""
    return tuple(f"{site}: {drift}" for site, facts in survey.facts.items() for drift in facts.service.drift)


def _jobs(fleet: Fleet, survey: Survey, options: DeployOptions) -> list[Deployment]:
    meant = {site.app: (f.target, f.place.revision) for site, f in reversed(tuple(survey.facts.items())) if f.target}
    made = []
    for host, app in fleet.sites():
        facts = _facts(survey, host.name, app.name)
        target, asked = meant[app.name]
        assert target.revision is not None
        revision = target.revision
        if facts.target is None:
            # Another host's answer holds here where the same is deployed, but for what lies in its checkout.
            same = facts.place.revision == asked
            other = Target(revision, between=facts.place.revision != revision, without=target.without)
            facts = replace(facts, target=replace(target, stands=()) if same else other)
        made.append(
            Deployment(
                facts.site,
                app,
                facts,
                revision,
                release_id(options.run, revision, taken_ids(facts)),
                env=options.env.get(facts.site, app.env),
                run=options.run,
                by=options.by,
                kind="deploy",
                message=options.message,
                discard=options.discard,
                ref=target.ref,
            )
        )
    return made


def _facts(survey: Survey, host: str, app: str) -> Facts:
    return next(facts for site, facts in survey.facts.items() if (site.host, site.app) == (host, app))


def _shelf(job: Deployment, shelves: DatabaseJobs) -> DatabaseJob | None:
    return shelves.get(job.app.database or "") if deploy_backup.takes_part(job.app) else None


def _with_tags(jobs: Sequence[Deployment], tag: str) -> list[Deployment]:
    """Return the jobs with the tag that the running revision gets first. It is pushed once for each repository."""
    running = [job for job in jobs if tag and job.before]
    pushing: dict[str, Site] = {}
    for job in running:
        pushing.setdefault(job.app.repository, job.site)
        same = [other for other in running if other.app.repository == job.app.repository]
        standing = {other.before for other in same}
        if len(standing) > 1:
            names = " and ".join(dict.fromkeys(other.app.name for other in same))
            raise CheckError(
                f"{names} stand on {len(standing)} revisions of one repository, which one tag cannot name",
                hint="deploy or roll back to one revision first, narrow it with --only, or leave --tag-before out",
            )
    return [
        replace(job, tag=tag, pushes=pushing[job.app.repository] == job.site) if tag and job.before else job
        for job in jobs
    ]
