"""Pure: the plan of `database.analyze`."""

from __future__ import annotations

from collections.abc import Sequence

from lockstitch.errors import CheckError
from lockstitch.model.plan import Plan, Unit, Wave
from lockstitch.plans.backup import database_plan, refuse_unreadable
from lockstitch.plans.database_steps import Shelf, record
from lockstitch.text import listed


def analyze(environment: str, shelves: Sequence[Shelf]) -> Plan:
    """The plan that brings the planner's statistics of these databases up to date. Raises CheckError for what stands
    against it: that no dump could be made does not."""
    refuse_unreadable(shelves)
    problems = [f"{s.site}: {s.facts.server.problem}" for s in shelves if not s.facts.server.server]
    problems += [
        f"{s.site}: {s.facts.unwritable} cannot be written by the user who logs in: its lock and journal are there"
        for s in shelves
        if s.facts.unwritable
    ]
    if problems:
        raise CheckError(listed([*problems, "nothing was begun"]))
    names = {shelf.site: shelf.engine.database(shelf.url) for shelf in shelves}
    units = [
        Unit(s.site, (s.step("analyze", f"analyze {names[s.site]}", s.command(s.engine.maintain)),)) for s in shelves
    ]
    done = [(shelf, [record(shelf, "analyze")]) for shelf in shelves]
    told = [f"{name} is analyzed" for name in names.values()]
    waves = [Wave("analyze", tuple(units), preflight=True)]
    return database_plan("analyze", environment, shelves, waves, done, [], told=told, then="database.check")
