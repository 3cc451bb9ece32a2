"""Pure: the part that databases take in a deploy: dumped before they are migrated, and what is recorded of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lockstitch.command import Command
from lockstitch.gate import Gate, Verdict, failed, inconclusive, passed
from lockstitch.inventory import App
from lockstitch.lock_steps import release_step
from lockstitch.plan import OnlyIf, Unit, Wave
from lockstitch.plans import shelf as steps
from lockstitch.plans.shelf import Made, Shelf
from lockstitch.plans.steps import Job
from lockstitch.probe import Probe
from lockstitch.release import short

Shelves = Mapping[str, Shelf]

# What a tool says beside its answer is not part of it, unless it fails: then it says why.
_PENDING = r"""
said=$(mktemp); trap 'rm -f "$said"' EXIT
answer=$(eval "$line" 2>"$said") || { code=$?; cat "$said"; printf '%s\n' "$answer"; exit $code; }
[ -z "$answer" ] || printf '%s\n' "$answer"
"""


def takes_part(app: App) -> bool:
    """Whether a deploy of this app may have to dump its database."""
    return bool(app.database) and (
        app.backup == "before_deploy" or (app.backup == "before_migrate" and bool(app.migrate))
    )


def dump_wave(job: Job, shelves: Shelves, *, pending: OnlyIf | None = None) -> Wave:
    """Dump the app's database before the code that is to come changes it."""
    shelf = shelves[job.app.database or ""]
    name = steps.new_name(shelf, f"before-{job.app.name}-{short(job.revision)}")
    made = Made(f"before {short(job.revision)}", job.app.name, job.before or "")
    only = f", if {job.app.name} has migrations pending" if pending else ""
    unit = Unit(shelf.site, (steps.dump(shelf, name, made),))
    return Wave(f"back up {shelf.database.name}{only}", (unit,), only_if=pending)


def head_wave(job: Job, shelves: Shelves, pending: OnlyIf | None) -> Wave:
    """Note the newest migration there is now."""
    shelf = shelves[job.app.database or ""]
    name = f"look at {shelf.database.name}" + (", if it was migrated" if pending else "")
    return Wave(name, (Unit(shelf.site, (steps.head(shelf, job.app.name),)),), only_if=pending)


def pending(job: Job) -> OnlyIf | None:
    """The question whether anything is to be migrated, put to the new code; None where nobody knows how to ask."""
    line = job.app.migrating.pending
    if not line:
        return None
    place = job.place
    command = Command(_PENDING, values={"line": line}, env=place.env, cwd=place.directory)
    return OnlyIf(
        job.site, Gate("pending", Probe("pending", command, _judge), lambda said: said, timeout=120.0, tries=1)
    )


def _judge(text: str, code: int) -> Verdict:
    lines = [line for line in text.splitlines() if line.strip()]
    if code:
        return inconclusive(
            f"the command that lists pending migrations ended with exit code {code}: {' / '.join(lines[-3:])}",
            "correct `pending` in the inventory, or give `backup: before_deploy`",
        )
    return passed(f"pending: {', '.join(lines[:5])}") if lines else failed("no migration is pending")


def locked(waves: Sequence[Wave], shelves: Shelves) -> tuple[Unit, ...]:
    """What frees the databases that these waves work on, however the run ends."""
    sites = {unit.site for wave in waves for unit in wave.units}
    return tuple(Unit(s.site, (release_step(s.site, s.run),)) for s in shelves.values() if s.site in sites)
