"""Pure: the migration of an app's database: its step, the sessions in which it runs, and what a plan says of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lockstitch.databases.engine import Engine
from lockstitch.databases.migrations import MigrationSession, unapplied
from lockstitch.inventory.app import MigrateTimeouts
from lockstitch.model.command import Command, Secret, Value
from lockstitch.model.format import span
from lockstitch.model.plan import Step
from lockstitch.plans.steps import Deployment
from lockstitch.services.release_context import ReleaseContext

# So many migrations of an app are named in a plan.
_SHOWN = 10


def migrate(job: Deployment) -> tuple[Step, ...]:
    """Migrate with the new code, on the first host of the app; it fails where a migration is still pending then."""
    if not job.app.migrate or not job.migrates:
        return ()
    return (job.step("migrate", f"once: {job.app.migrate}", migrating(job, job.place)),)


def migrating(job: Deployment, place: ReleaseContext) -> Command:
    """The app's `migrate` in the code at `place`, proven by what is pending then."""
    command = job.app.service.migrating(place, job.app.migrate or "true")
    return job.app.migrating.proven(job.session.patient(command))


def with_session(job: Deployment, engine: Engine | None) -> Deployment:
    """Return the job whose migrations tell the server of its database whose they are, and have the limits of its app."""
    if engine is None:
        return job
    env: dict[str, Value] = {**engine.naming(f"lockstitch migrate {job.app.name}")}
    limits = job.app.migrate_timeouts
    if limits is None or engine.timeouts is None:
        return replace(job, session=MigrationSession(env))
    for name, text in engine.timeouts(limits.lock or 0, limits.statement or 0).items():
        own = job.env.get(name, "")
        env[name] = Secret(f"{own.reveal()} {text}", own.source) if isinstance(own, Secret) else f"{own} {text}".strip()
    if not limits.lock:
        return replace(job, session=MigrationSession(env))
    return replace(job, session=MigrationSession(env, engine.lock_timeout, limits.tries, limits.lock))


def migration_notes(jobs: Sequence[Deployment]) -> Iterator[str]:
    """Yield notes on the migrations of a deploy, once for each app."""
    for job in {job.app.name: job for job in reversed(jobs) if job.app.migrate}.values():
        limits = f"; {_limits(job.app.migrate_timeouts)}" if job.app.migrate_timeouts else ""
        yield f"{job.app.name}: `{job.app.migrate}` runs once, on {job.site.host}{limits}"
        if text := _pending(job):
            yield f"{job.app.name}: {text}"


def _limits(timeouts: MigrateTimeouts) -> str:
    parts = [f"a statement waits at most {span(timeouts.lock)} for a lock"] if timeouts.lock else []
    parts += [f"a statement takes at most {span(timeouts.statement)}"] if timeouts.statement else []
    parts += [f"after a lock timeout it is tried again, {timeouts.tries} times in all"] if timeouts.lock else []
    return ", ".join(parts)


def known_migrations(job: Deployment) -> tuple[str, ...]:
    """Return the migrations that lie between the two revisions of a site, that wait in the code that serves, and that its
    database lacks; those that nobody can name are not among them."""
    target, pending, server = job.facts.target, job.facts.pending, job.shelf.facts.server if job.shelf else None
    between = target.migrations if target else ()
    files = (target.migration_files if target else ()) or ()
    lacking = unapplied(job.app.migrate, files, server.applied) if files and server and not server.problem else ()
    return tuple(sorted({*between, *(pending.names if pending else ()), *(lacking or ())}))


def _pending(job: Deployment) -> str:
    """Return which migrations wait: by the database's own table, else those that come in. Of a first deploy without
    either, any of the code's may."""
    target = job.facts.target
    if target is None:
        return ""
    files, server = target.migration_files, job.shelf.facts.server if job.shelf else None
    if files and server and not server.problem:
        waiting = unapplied(job.app.migrate, files, server.applied)
        # A table that is not there, where code serves, may have another name: nothing is known by it.
        if waiting is not None and (len(waiting) < len(files) or not job.before):
            return f"pending migrations: {_named(waiting)}" if waiting else "no migration is pending"
    if target.migrations:
        return f"migrations that come in: {_named(target.migrations)}"
    if files and not job.before:
        at = f", which is at {server.head}" if server and server.head else ""
        return f"the database{at} gets those that it lacks of the migrations of this code: {_named(files)}"
    return ""


def _named(files: Sequence[str]) -> str:
    more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
    return f"{', '.join(files[:_SHOWN])}{more}"
