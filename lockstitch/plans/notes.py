"""Pure: notes that a plan shows, and the steps that show an app's logs after a failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockstitch.facts import release_folders
from lockstitch.facts.site import Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.command import Command
from lockstitch.model.plan import Change, Step
from lockstitch.model.release import short, short_ref
from lockstitch.model.shell import shell_text
from lockstitch.plans.gates import named_versions, versions
from lockstitch.plans.migrations import known_migrations
from lockstitch.plans.steps import Deployment

_TAIL = shell_text(__package__, "log_tail.sh")


def notes(survey: Survey) -> tuple[str, ...]:
    """Return the notes for a person to read before the confirmation."""
    sentences = (*_mixed(survey), *_adopted(survey), *_direction(survey), *_modules(survey), *_room(survey))
    return tuple(dict.fromkeys([*sentences, *_locks(survey), *remarks(survey)]))


def remarks(survey: Survey) -> Iterator[str]:
    """Yield notes on damaged or foreign files on the hosts."""
    for site, facts in survey.facts.items():
        yield from (f"{site}: {remark}" for remark in release_folders.remarks(facts))


def unselected(fleet: Fleet, jobs: Sequence[Deployment]) -> Iterator[str]:
    """Yield a note for each app whose database is migrated while other hosts, which were not selected, keep the older
    code."""
    here = {(host.name, app.name) for host, app in fleet.sites()}
    for name in dict.fromkeys(job.app.name for job in jobs if job.app.migrate):
        others = [host for app, host in fleet.inventory.placed if app == name and (host, app) not in here]
        if others:
            yield f"{name}: {', '.join(others)} not selected: the code before serves there, also while it is migrated"


def service_notes(jobs: Sequence[Deployment]) -> Iterator[str]:
    """Yield the warnings of services about their hosts, each sentence once."""
    said = [f"{job.app.name}: {note}" for job in jobs for note in job.app.service.warnings(job.place)]
    said += [f"{job.app.name}: {open_}: give `health.revision`" for job in jobs if (open_ := _unproven(job))]
    said += [f"{job.app.name}: {note}" for job in jobs for note in _unnamed(job)]
    yield from dict.fromkeys(said)


def _unnamed(job: Deployment) -> Iterator[str]:
    """Yield a note for each expectation of the health URL that the version which comes has no name for."""
    health, known = job.app.health, versions(job.place)
    for value in (*health.expect.values(), health.contains) if health else ():
        unknown = [name for name in named_versions(value) if not known[name]]
        if unknown:
            what = short_ref(job.ref) or short(job.revision)
            yield f"health expects {value!r}, but {what} has no {' and no '.join(unknown)}: that is not judged"


def _unproven(job: Deployment) -> str:
    health = job.app.health
    return "" if health and health.revision else job.app.service.proof_gap()


def _mixed(survey: Survey) -> Iterator[str]:
    standing: dict[str, set[str]] = {}
    for site, facts in survey.facts.items():
        standing.setdefault(site.app, set()).add(short(facts.place.revision))
    for app, revisions in standing.items():
        if len(revisions) > 1:
            yield f"{app}: the hosts stand on different revisions now: {', '.join(sorted(revisions))}"


def _room(survey: Survey) -> Iterator[str]:
    for site, facts in survey.facts.items():
        if facts.host.free is None:
            yield f"{site}: how much is free at {site.layout.path} is not told (df -P): min_free is not looked at"


def _adopted(survey: Survey) -> Iterator[str]:
    for site, facts in survey.facts.items():
        if facts.adopted:
            what = "leads nowhere" if facts.place.dangling else "Lockstitch did not make"
            known = "" if facts.place.revision or facts.place.dangling else "; its revision is not known"
            yield f"{site}: current is a link to {facts.place.link}, which {what}: a run that fails restores it{known}"


def _direction(survey: Survey) -> Iterator[str]:
    for site, facts in survey.facts.items():
        if facts.target and facts.target.gone and not facts.target.commits:
            yield f"{site.app}: this goes back: the target is older than what runs"


def _modules(survey: Survey) -> Iterator[str]:
    for site, facts in survey.facts.items():
        yield from (f"{site.app}: {module}" for module in (facts.target.modules if facts.target else ()))


def between(jobs: Sequence[Deployment]) -> Iterator[str]:
    """Yield notes on commits that the deploy takes away, and on the way back to them."""
    for job in jobs:
        target, now = job.facts.target, short(job.before)
        if target is None or not job.before or job.before == job.revision:
            continue
        if target.between:
            yield f"{job.site}: what lies between {now} and {short(job.revision)} is not known: its clone has no {now}"
        if target.rewritten:
            yield f"{job.site}: the history of {job.app.ref} was rewritten since it was last fetched here"
        if target.unpublished and not target.between:
            way_back = f"`rollback --to {job.before[:12]}` comes back to it"
            yield f"{job.site}: {now} is in no branch or tag of the repository: it is kept here, and {way_back}"


def aside(jobs: Sequence[Deployment], *, discard: bool) -> Iterator[str]:
    """Yield notes on files that `--discard-changes` takes out of checkouts, and where they are kept; and on those that
    the app's own build has changed."""
    for job in jobs:
        if built := [line[3:] for line in job.facts.place.built]:
            yield f"{job.site}: changed by its own build, and checked out anew: {_some(built)}"
        if discard and job.layout.in_place and (names := job.facts.in_the_way):
            yield f"{job.site}: moved aside to {job.aside}: {_some(names)}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def change(job: Deployment) -> Change:
    """Return the change of a site, as a plan shows it."""
    target = job.facts.target
    both = (target.commits, target.gone) if target else ((), ())
    authors = (target.authors, target.authors_unknown) if target else ((), "nobody asked for them")
    return Change(job.site, job.before, job.revision, job.release, *both, job.ref, known_migrations(job), *authors)


def _locks(survey: Survey) -> Iterator[str]:
    for site, facts in survey.facts.items():
        if facts.host.lock:
            yield f"{site.host}: {site.app} is locked by {facts.host.lock}"


def job_logs(job: Deployment) -> tuple[Step, ...]:
    """Return steps that print the last lines of the app's logs. A relative path is below the release that serves."""
    at = job.layout.current
    return tuple(
        Step(path, f"show the end of {path}", Command(_TAIL, values={"log": path, "current": at}), timeout=15)
        for path in job.app.logs
    )
