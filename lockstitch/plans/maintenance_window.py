"""Pure: an app goes into maintenance before it is changed, and comes out of it if this run put it there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lockstitch.errors import CheckError
from lockstitch.facts.site import Facts, Survey
from lockstitch.model.gate import Gate
from lockstitch.model.plan import Condition, Site, SitePlan, Step, Wave
from lockstitch.plans.gates import gates
from lockstitch.plans.steps import Deployment


@dataclass(frozen=True)
class MaintenanceWaves:
    """The waves that put an app down, and the unit of each site that its switch continues."""

    waves: tuple[Wave, ...] = ()
    units: dict[Site, SitePlan] = field(default_factory=dict)


def goes_down(job: Deployment, *, deploying: bool, taking_back: bool = False) -> bool:
    """Whether a site goes into maintenance for this run, as far as that is known before it."""
    found, mode = job.facts.maintenance, job.app.mode
    if mode is None or not job.facts.deployed or found.meant:
        return False
    if found.left or mode.when == "always":
        return True
    return mode.when == "migrations" and (taking_back or (deploying and bool(job.app.migrate)))


def refuse_unknown(found: Mapping[Site, Facts]) -> None:
    """Raise CheckError where an app must go into maintenance, or out of it, and nobody can see whether it is in it."""
    lines = [f"{site}: {f.maintenance.unknown}" for site, f in found.items() if f.maintenance.unknown]
    if lines:
        driver = "set the driver to `file` and deploy that, or type it yourself: fab -H ENV artisan -- down"
        hint = driver if any("driver" in line for line in lines) else "see to that path on its host, then type it again"
        raise CheckError("\n".join([*lines, "nothing was changed"]), hint=hint)


def absence(
    jobs: Sequence[Deployment],
    *,
    deploying: bool,
    taking_back: bool = False,
    pending: Condition | None = None,
    code: dict[Site, SitePlan] | None = None,
) -> MaintenanceWaves:
    """Put one app down on all its hosts at once. Where it goes down for migrations only, `pending` decides.

    `code` are the units that have moved checkouts already, which these continue. When a database is taken back, the
    app's workers are kept from it as well.
    """
    going = [job for job in jobs if goes_down(job, deploying=deploying, taking_back=taking_back)]
    units = {job.site: _down(job, (code or {}).get(job.site), _paused(job) if taking_back else ()) for job in going}
    waiting = [job for job in going if pending and not job.facts.maintenance.left and waits_for_migrations(job)]
    at_once = [job for job in going if job not in waiting]
    made = []
    if at_once:
        made.append(_wave(at_once, units, None))
    if waiting:
        made.append(_wave(waiting, units, pending))
    # What somebody has put down already may still have a worker at a job.
    still = [SitePlan(j.site, did) for j in jobs if taking_back and j.facts.maintenance.meant and (did := _paused(j))]
    if still:
        made.append(Wave(f"pause the workers of {still[0].site.app}", tuple(still)))
    return MaintenanceWaves(tuple(made), units)


def waits_for_migrations(job: Deployment) -> bool:
    """Whether its app goes into maintenance only where migrations are pending."""
    return job.app.mode is not None and job.app.mode.when == "migrations"


def _wave(jobs: Sequence[Deployment], units: dict[Site, SitePlan], only_if: Condition | None) -> Wave:
    only = ", if migrations are pending" if only_if else ""
    name = f"put {jobs[0].app.name} into maintenance{only}"
    return Wave(name, tuple(units[job.site] for job in jobs), visible=True, only_if=only_if)


def _paused(job: Deployment) -> tuple[Step, ...]:
    return tuple(job.app.service.pause_workers(job.old)) if job.old else ()


def _down(job: Deployment, code: SitePlan | None, paused: tuple[Step, ...]) -> SitePlan:
    mode, old = job.app.mode, job.old
    assert mode is not None and old is not None
    left = job.facts.maintenance
    says = f"take over the maintenance that run {left.run} left" if left.left else "go into maintenance"
    command = mode.down(old, job.run, job.by, job.kind, taken=left.run if left.left else "")
    step = Step("maintenance", says, command, mode.up(old, job.run), undo_last=True, timeout=120)
    return SitePlan(job.site, (step, *paused), rollback_gates=back(job), continues=code)


def up(job: Deployment, down: SitePlan | None, *, taking_back: bool = False) -> tuple[Step, ...]:
    """Come out of maintenance, if this run has put the site there. Where a database was taken back and must return,
    nobody may write to it meanwhile."""
    mode = job.app.mode
    if down is None or mode is None:
        return ()
    says = "come out of maintenance, if this run put it there"
    undo = mode.down(job.place, job.run, job.by, job.kind) if taking_back else None
    return (Step("up", says, mode.up(job.place, job.run), undo, timeout=120),)


def proofs(job: Deployment) -> tuple[Gate, ...]:
    """The gates of the release that is to serve."""
    return gates(job.app, job.place, job.run)


def back(job: Deployment) -> tuple[Gate, ...]:
    """The gates of the release that serves now, for the way back."""
    return gates(job.app, job.old, job.run) if job.old else ()


def absence_notes(survey: Survey) -> Iterator[str]:
    """Who is in maintenance before anything is changed."""
    for site, facts in survey.facts.items():
        found = facts.maintenance
        if found.meant:
            yield f"{site.host}: {site.app} is in maintenance ({found}): it stays so"
        elif found.left:
            yield f"{site.host}: {site.app} was left in maintenance by run {found.run}: this run takes it out again"
        elif found.unknown:
            yield f"{site.host}: {site.app}: whether it is in maintenance is not known: {found.unknown}"
