"""Pure: maintenance during a run: an app goes into it before it is changed, and comes out of it if this run put it
there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lockstitch.errors import CheckError
from lockstitch.facts.site import Facts, Survey
from lockstitch.model.gate import Gate
from lockstitch.model.plan import Site, Step
from lockstitch.plans.gates import gates
from lockstitch.plans.steps import Deployment


def goes_down(job: Deployment) -> bool:
    """Tell whether a site goes into maintenance for this run, as far as the facts decide that."""
    state, mode = job.facts.maintenance, job.app.mode
    if mode is None or not job.facts.deployed or state.permanent:
        return False
    if state.temporary or mode.when == "always":
        return True
    return mode.when == "migrations" and (job.database_goes_back or (job.deploying and bool(job.app.migrate)))


def refuse_unknown(facts: Mapping[Site, Facts]) -> None:
    """Raise CheckError where an app must go into or out of maintenance, and its present state cannot be determined."""
    lines = [f"{site}: {f.maintenance.unknown}" for site, f in facts.items() if f.maintenance.unknown]
    if lines:
        driver = "set the driver to `file` and deploy that, or type it yourself: fab -H ENV artisan -- down"
        hint = driver if any("driver" in line for line in lines) else "see to that path on its host, then type it again"
        raise CheckError("\n".join([*lines, "nothing was changed"]), hint=hint)


def waits_for_migrations(job: Deployment) -> bool:
    """Tell whether an app goes into maintenance only if migrations are pending."""
    return job.app.mode is not None and job.app.mode.when == "migrations"


def maintenance_on(job: Deployment) -> tuple[Step, ...]:
    """Go into maintenance; a site that somebody else has put there stays as it is."""
    mode, old = job.app.mode, job.old
    if not goes_down(job) or mode is None or old is None:
        return ()
    state = job.facts.maintenance
    says = f"take over the maintenance that run {state.run} left" if state.temporary else "go into maintenance"
    command = mode.down(old, job.run, job.by, job.kind, taken=state.run if state.temporary else "")
    return (Step("maintenance", says, command, mode.up(old, job.run), undo_last=True, timeout=120),)


def pause_workers(job: Deployment) -> tuple[Step, ...]:
    """Keep the workers of an app from a database that is taken back, whether the app is in maintenance or not."""
    return tuple(job.app.service.pause_workers(job.old)) if job.database_goes_back and job.old else ()


def resume_workers(job: Deployment) -> tuple[Step, ...]:
    """Let the workers of an app work again, once the older code serves the older database."""
    return tuple(job.app.service.resume_workers(job.place)) if job.database_goes_back and job.old else ()


def maintenance_off(job: Deployment) -> tuple[Step, ...]:
    """Come out of maintenance, if this run has put the site there. On the way back it goes into it again if its
    database was taken back, so that nobody writes to that meanwhile."""
    mode = job.app.mode
    if job.maintenance_unit is None or mode is None:
        return ()
    says = "come out of maintenance, if this run put it there"
    undo = mode.down(job.place, job.run, job.by, job.kind) if job.database_goes_back else None
    return (Step("up", says, mode.up(job.place, job.run), undo, timeout=120),)


def proofs(job: Deployment) -> tuple[Gate, ...]:
    """Return the gates of the new release. A rollback has to work whatever was changed beside the code."""
    own = (job.settings_gate,) if job.settings_gate else ()
    return (*gates(job.app, job.place, job.run, strict=job.deploying), *own)


def current_gates(job: Deployment) -> tuple[Gate, ...]:
    """Return the gates of the release that serves now, for the way back."""
    return gates(job.app, job.old, job.run) if job.old else ()


def absence_notes(survey: Survey) -> Iterator[str]:
    """Yield a note for each site that is in maintenance before the run, or may be."""
    for site, facts in survey.facts.items():
        state = facts.maintenance
        if state.permanent:
            yield f"{site.host}: {site.app} is in maintenance ({state}): it stays so"
        elif state.temporary:
            yield f"{site.host}: {site.app} was left in maintenance by run {state.run}: this run takes it out again"
        elif state.unknown:
            yield f"{site.host}: {site.app}: whether it is in maintenance is not known: {state.unknown}"
