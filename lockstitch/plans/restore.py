"""Pure: the plan of `backup.restore`: a backup is restored beside the database that serves and compared there. Only
then it takes its place."""

from __future__ import annotations

from lockstitch.errors import CheckError, UsageError
from lockstitch.model.gate import Gate
from lockstitch.model.plan import Plan, SitePlan, Step, Wave
from lockstitch.plans import database_steps as steps
from lockstitch.plans.backup import database_plan, refuse_unready, room_notes
from lockstitch.plans.database_steps import DatabaseJob
from lockstitch.text import listed


def restore(environment: str, shelf: DatabaseJob, name: str, into: str = "") -> Plan:
    """Make the plan that restores a backup in place of the database that serves, or into another database of that
    server."""
    refuse_unready([shelf])
    refuse_restore(shelf, swapping=not into)
    serving = shelf.engine.database(shelf.url)
    if into == serving:
        raise UsageError(f"{into} is the database that serves: nothing is restored over it", hint="leave --into out")
    waves = [beside(shelf, name, into)]
    summary = [f"{name} is restored as {into}"]
    if into:
        step = steps.rename(shelf, shelf.beside("restoring"), into)
        waves.append(Wave(f"name it {into}", (SitePlan(shelf.site, (step,)),), preflight=True))
    else:
        waves.append(swap(shelf))
        summary = [
            f"{serving} is {name} now; what it was before is kept as {kept(shelf)}, with all that was written to it"
        ]
    notes = [*room_notes(shelf, name)]
    notes += [f"beside it on this server, by earlier runs: {other}" for other in shelf.facts.server.others]
    endings = [
        (shelf, [steps.record(shelf, "restore", name=name, into=into or serving, kept="" if into else kept(shelf))])
    ]
    return database_plan("restore", environment, [shelf], waves, endings, notes, summary=summary, then="database.check")


def beside(shelf: DatabaseJob, name: str, into: str = "", *, refusing: bool = True) -> Wave:
    """Restore into a separate database that nothing uses. It is removed on failure."""
    target = shelf.beside("restoring")
    did: tuple[Step, ...] = (
        steps.check(shelf, name),
        steps.create(shelf, target, shelf.prefix("restoring"), into),
        steps.restore(shelf, name, target),
        steps.analyze(shelf, target),
    )
    return Wave(
        f"restore {name} beside", (SitePlan(shelf.site, did, (steps.rows(shelf, name, target),)),), preflight=refusing
    )


def swap(shelf: DatabaseJob) -> Wave:
    """Put the restored database in the place of the one that serves."""
    step = steps.swap(shelf, shelf.beside("restoring"), kept(shelf), shelf.beside("undone"))
    gates: tuple[Gate, ...] = (steps.swapped(shelf, kept(shelf)),)
    return Wave(
        f"swap {shelf.database.name}",
        (SitePlan(shelf.site, (step,), gates, (steps.serving(shelf, kept(shelf)),)),),
        visible=True,
    )


def kept(shelf: DatabaseJob) -> str:
    """Return the name under which the replaced database is kept. It contains the time."""
    return shelf.beside("before")


def refuse_restore(shelf: DatabaseJob, *, swapping: bool) -> None:
    """Raise CheckError where the login lacks rights that a restore needs."""
    facts = shelf.facts.server
    if facts.problem:
        raise CheckError(listed([f"{shelf.site}: {facts.problem}", "nothing was begun"]))
    rights = ("create", "own") if swapping else ("create",)
    lacks = [word for word in rights if word not in facts.able]
    if lacks:
        says = " and ".join(shelf.engine.rights[word] for word in lacks)
        hint = "; ".join(facts.remedy[word] for word in lacks if word in facts.remedy)
        raise CheckError(f"{shelf.site}: the login of its url {says}\nnothing was begun", hint=hint)
