"""Pure: the plan of a rollback. It needs only what is on the hosts, so it works while the git server is down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from datetime import datetime

from lockstitch.errors import CheckError
from lockstitch.facts.release_folders import taken_ids
from lockstitch.facts.site import Facts, Survey, Target
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App
from lockstitch.model.command import Value, words
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Plan, Site
from lockstitch.model.release import Release, is_release_id, previous_good, release_id, short, tag_of
from lockstitch.plans import deploy_backup, waves
from lockstitch.plans.backup import refuse as refuse_dump
from lockstitch.plans.deploy import settled
from lockstitch.plans.deploy_backup import DatabaseJobs
from lockstitch.plans.deploy_order import ROLLBACK
from lockstitch.plans.ending import with_endings
from lockstitch.plans.maintenance_window import absence_notes, goes_down
from lockstitch.plans.notes import aside, between, change, job_logs, notes
from lockstitch.plans.preflight import raise_unreachable, refuse
from lockstitch.plans.rollback_database import (
    DatabaseRollback,
    DatabaseStrategy,
    backwards,
    choices,
    refuse_part,
    refuse_twice,
)
from lockstitch.plans.settings_release import with_settings_back
from lockstitch.plans.steps import Deployment

# How many of the commits that would come in are named.
_SHOWN = 3
_NOTHING = "every host already runs it"


@dataclass(frozen=True)
class RollbackOptions:
    """The options of a rollback. `ref` is a tag or a revision; empty for the last good release. `settings` are the kept
    environment files that are put back, by the runs before which they were."""

    run: str
    by: str
    ref: str = ""
    message: str = ""
    force: bool = False
    discard: bool = False
    env: Mapping[Site, Mapping[str, Value]] = field(default_factory=dict)
    database: DatabaseStrategy = "none"
    shelves: DatabaseJobs = field(default_factory=dict)
    settings: Mapping[Site, str] = field(default_factory=dict)

    @property
    def named(self) -> str:
        """The target in a person's words."""
        tag = self.ref.removeprefix("refs/tags/")
        return f"revision {self.ref!r}" if tag == self.ref else f"tag {tag!r}"


def rollback(fleet: Fleet, survey: Survey, options: RollbackOptions) -> Plan:
    """Make the plan that takes every site back. Raises CheckError if a site has no such release."""
    survey = survey if options.ref or options.database == "down" else _without_git_problems(survey)
    raise_unreachable(survey)
    _refuse_missing(survey, options)
    _refuse_forward(fleet, survey, options)
    refuse(fleet, survey, discard=options.discard, fetching=False)
    apps = {(host.name, app.name): app for host, app in fleet.sites()}
    jobs = [_job(apps[site.host, site.app], facts, options) for site, facts in survey.facts.items()]
    jobs = [job for job in jobs if options.force or not settled(job)]
    who = (options.run, options.by, options.message)
    databases = _backwards(fleet, jobs, survey, options)
    taken = {each.app for each in databases if each.waves}
    jobs = [replace(job, database_goes_back=job.app.name in taken) for job in jobs]
    jobs = [with_settings_back(job, former) if (former := options.settings.get(job.site)) else job for job in jobs]
    all_waves = waves.waves(ROLLBACK, jobs, fleet.groups, [wave for each in databases for wave in each.waves])
    freed = deploy_backup.unlock_endings(all_waves, {s.database.name: s for each in databases if (s := each.shelf)})
    plan = Plan(
        "rollback",
        fleet.inventory.name,
        *who,
        waves=tuple(all_waves),
        changes=tuple(map(change, jobs)),
        notes=(
            *absence_notes(survey),
            *notes(survey),
            *between(jobs),
            *aside(jobs, discard=options.discard),
            *(note for each in databases for note in each.notes),
            *_pausing(jobs),
        ),
        empty_reason=_NOTHING if options.database == "none" else f"{_NOTHING}; the database is not touched by itself",
        summary=(*(line for each in databases for line in each.summary), *aside(jobs, discard=options.discard)),
        logs={job.site: job_logs(job) for job in jobs},
    )
    return with_endings(plan, [*waves.endings(ROLLBACK, jobs), *freed])


def database_choices(
    fleet: Fleet, survey: Survey, options: RollbackOptions, problem: str, now: datetime
) -> dict[str, Mapping[str, str]]:
    """Return for each app with migrations between its revisions what each strategy does with its database. `problem` is
    why the databases could not be asked, where they could not."""
    apps = {(host.name, app.name): app for host, app in fleet.sites()}
    made: dict[str, Mapping[str, str]] = {}
    for site, facts in survey.facts.items():
        if site.app in made or facts.target is None or not facts.target.migrations or not facts.target.revision:
            continue
        same = [each for other, each in survey.facts.items() if other.app == site.app]
        job = _job(apps[site.host, site.app], facts, options)
        made[site.app] = choices(job, options.shelves.get(job.app.database or "", problem), same, now)
    return made


def _pausing(jobs: list[Deployment]) -> Iterator[str]:
    mine = [job for job in jobs if job.database_goes_back]
    sentences = [f"{job.app.name}: {note}" for job in mine for note in job.app.service.pause_warnings(job.place)]
    up = [job for job in mine if job.app.mode and not goes_down(job) and not job.facts.maintenance.on]
    sentences += [f"{job.site}: it does not go into maintenance (`when: never`): it may write meanwhile" for job in up]
    yield from dict.fromkeys(sentences)


def _refuse_missing(survey: Survey, options: RollbackOptions) -> None:
    lines = []
    for site, facts in survey.facts.items():
        if options.ref and (facts.target is None or facts.target.revision is None):
            tags = ", ".join(facts.target.tags) if facts.target else ""
            lines.append(f"{site.host}: {site.app} has no {options.named}; its tags: {tags or 'none'}")
        if not options.ref and previous_good(facts.releases, facts.release) is None:
            lines.append(f"{site.host}: {site.app} has no earlier good release in its journal{_strange(facts)}")
    if lines:
        raise CheckError(
            "\n".join([*lines, "nothing was changed"]),
            hint="name one that every host has: fab -H ENV rollback --tag TAG, or --to REVISION",
        )


def _refuse_forward(fleet: Fleet, survey: Survey, options: RollbackOptions) -> None:
    """Raise CheckError if the target is not older than what serves: a rollback would run none of its migrations.

    Two targets are always allowed: the last good release in the host's journal, also after a run that was cut off or a
    checkout by hand; and, where histories diverged (after a force push), every earlier good release of this host.
    """
    if not options.ref:
        return
    lines = []
    apps = {app.name: app for _, app in fleet.sites()}
    for site, facts in survey.facts.items():
        app = apps[site.app]
        if options.database == "restore" and (app.database or not app.migrate):
            # The dump that is restored has the migrations of what comes in.
            continue
        ahead = facts.target.ahead if facts.target else ""
        if ahead and not _served_before(facts, forward=ahead == "forward"):
            says = {
                "forward": "is newer than",
                "diverged": "has commits that are not in",
                "unknown": "cannot be compared with",
            }.get(ahead, ahead)
            serving = f"what serves ({short(facts.place.revision)})" if facts.place.revision else "nothing that serves"
            lines.append(f"{site.host}: {site.app}: {options.named} {says} {serving}: it would come in")
            if ahead != "unknown" and facts.target:
                lines += [f"  {short(c.revision)} {c.author}: {c.subject}" for c in facts.target.commits[:_SHOWN]]
    if lines:
        tag = options.ref.removeprefix("refs/tags/")
        raise CheckError(
            "\n".join([*lines, "a rollback only goes back, and runs no migration; nothing was changed"]),
            hint=f"fab -H {fleet.inventory.name} deploy --ref {words(tag)}",
        )


def _served_before(facts: Facts, *, forward: bool) -> bool:
    """Tell whether the target is a good release of this host: its last one, or (unless it is newer) any before this
    one."""
    revision, last = facts.target and facts.target.revision, facts.last_good
    if last is not None and last.revision == revision:
        return True
    ids = [release.id for release in facts.releases]
    now = ids.index(facts.release.id) if facts.release and facts.release.id in ids else len(ids)
    served = [release.revision for release in facts.releases[:now] if release.verdict == "good"]
    return not forward and revision in served


def _without_git_problems(survey: Survey) -> Survey:
    """Return the survey without the git problems of sites whose last good release still has its folder: such a release
    needs no git."""
    facts = {}
    for site, known in survey.facts.items():
        good = previous_good(known.releases, known.release)
        there = good is not None and good.id in known.place.folders
        if good and there and known.target and known.target.problem:
            known = replace(known, target=Target(good.revision, between=True))
        if there:
            clone = f"{site.layout.clone}: "
            unreadable = tuple(line for line in known.place.unreadable if not line.startswith(clone))
            known = replace(known, place=replace(known.place, unreadable=unreadable))
        facts[site] = known
    return replace(survey, facts=facts)


def _strange(facts: Facts) -> str:
    """Return a note on releases of another tool, which no rollback chooses by itself; empty if there are none."""
    known = {release.id for release in facts.releases}
    names = [
        name for name in facts.place.folders if name not in known and not is_release_id(name.removesuffix(".part"))
    ]
    if not names:
        return ""
    return f"; {', '.join(names[-3:])} in releases came from another tool, and no journal tells whether it was good"


def _job(app: App, facts: Facts, options: RollbackOptions) -> Deployment:
    env = options.env.get(facts.site, app.env)
    if options.ref:
        assert facts.target is not None and facts.target.revision is not None
        revision = facts.target.revision
        candidate = _known(facts, revision)
    else:
        candidate = previous_good(facts.releases, facts.release)
        assert candidate is not None
        revision = candidate.revision
    there = candidate is not None and (facts.site.layout.in_place or candidate.id in facts.place.folders)
    reused = candidate is not None and there
    release = candidate.id if candidate is not None and there else release_id(options.run, revision, taken_ids(facts))
    return Deployment(
        facts.site,
        app,
        facts,
        revision,
        release,
        reused,
        env,
        run=options.run,
        by=options.by,
        kind="rollback",
        message=options.message,
        discard=options.discard,
        ref=candidate.ref if candidate and not tag_of(options.ref) else options.ref,
    )


def _known(facts: Facts, revision: str) -> Release | None:
    """Return the newest release of that revision that did not fail and, with folders, still exists."""
    usable = [
        release
        for release in facts.releases
        if release.revision == revision
        and release.verdict in ("good", "left")
        and (facts.site.layout.in_place or release.id in facts.place.folders)
    ]
    return usable[-1] if usable else None


def _backwards(
    fleet: Fleet, jobs: list[Deployment], survey: Survey, options: RollbackOptions
) -> list[DatabaseRollback]:
    """Return the rollback of each app's database, planned for the app's first host."""
    first = {job.app.name: job for job in reversed(jobs)}
    same = {name: [f for site, f in survey.facts.items() if site.app == name] for name in first}
    if options.database != "none":
        refuse_part(fleet, [job.app for job in first.values()])
    made = [backwards(job, options.database, options.shelves, same[name]) for name, job in reversed(first.items())]
    refuse_twice(made)
    refuse_dump([each.shelf for each in made if each.shelf])
    return made
