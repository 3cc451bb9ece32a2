"""Pure: databases in a deploy: they are dumped before they are migrated, and the newest migration is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lockstitch.databases.migrations import Pending
from lockstitch.facts import queries
from lockstitch.inventory.model import App
from lockstitch.model.gate import Gate, Verdict, failed, inconclusive, passed
from lockstitch.model.plan import Condition, Step, Wave
from lockstitch.model.release import short
from lockstitch.plans import database_steps as steps
from lockstitch.plans.database_steps import BackupLabel, DatabaseJob
from lockstitch.plans.ending import Ending, unlock_ending
from lockstitch.plans.steps import Deployment

DatabaseJobs = Mapping[str, DatabaseJob]


def takes_part(app: App) -> bool:
    """Tell whether a deploy of this app may have to dump its database."""
    return bool(app.database) and (
        app.backup == "before_deploy" or (app.backup == "before_migrate" and bool(app.migrate))
    )


def dump(job: Deployment) -> tuple[Step, ...]:
    """Dump the database of the app before the new code changes it."""
    if job.shelf is None:
        return ()
    name = steps.new_name(job.shelf, f"before-{job.app.name}-{short(job.revision)}")
    label = BackupLabel(f"before {short(job.revision)}", job.app.name, job.before or "")
    return (steps.dump(job.shelf, name, label),)


def newest_migration(job: Deployment) -> tuple[Step, ...]:
    """Note the newest migration of the database."""
    return (steps.head(job.shelf, job.app.name),) if job.shelf and job.app.migrate else ()


def pending(job: Deployment) -> Condition | None:
    """Return the question to the new code whether migrations are pending; None if its tool cannot be asked."""
    probe = queries.pending(job.app, job.place, patience=110)
    return Condition(job.site, Gate("pending", probe, _judge, timeout=120.0, tries=1)) if probe else None


def _judge(answer: Pending | None) -> Verdict:
    if answer is None or answer.problem:
        return inconclusive(
            answer.problem if answer else "the release is not there",
            "correct `pending` in the inventory, or give `backup: before_deploy`",
        )
    return passed(f"pending: {', '.join(answer.names[:5])}") if answer.names else failed("no migration is pending")


def unlock_endings(waves: Sequence[Wave], shelves: DatabaseJobs) -> list[Ending]:
    """Return the endings that free the locks of the databases in these waves."""
    sites = {unit.site for wave in waves for unit in wave.site_plans}
    return [unlock_ending(s.site, s.run) for s in shelves.values() if s.site in sites]
