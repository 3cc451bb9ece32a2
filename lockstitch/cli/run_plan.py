"""A plan that is carried out: recorded, shown as it goes, and made again by itself where a site has changed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TypeVar

from lockstitch.cli.confirmation import screen
from lockstitch.cli.display import LineDisplay
from lockstitch.cli.hooks import PlanHooks, with_hooks
from lockstitch.cli.locks import refuse_under_freeze
from lockstitch.cli.output import aside, untold, unwritten
from lockstitch.cli.session import Session
from lockstitch.cli.signals import too_late
from lockstitch.engine.journal import journaled
from lockstitch.engine.locks import refuse_held
from lockstitch.engine.runner import run
from lockstitch.errors import ExitCode, SiteChangedError
from lockstitch.model.host import Host
from lockstitch.model.outcome import Outcome, RunEvent
from lockstitch.model.plan import Plan
from lockstitch.report.outcome import outcome_json, outcome_text
from lockstitch.report.plan import asked_json, expected, plan_json, plan_text, plan_top

# How often a plan is made anew.
_AGAIN = 2
T = TypeVar("T")


def carry_out(
    session: Session,
    make: Callable[[], Plan],
    *,
    confirm: bool = True,
    refs: Callable[[], dict[str, str]] = dict,
) -> None:
    """Plan, show the plan, ask where it must be asked, carry it out, show how it ended, and end with its code.

    `refs` returns, by app, the branches, tags or commits that were asked for.
    """
    make = with_hooks(session, make)
    if session.json:
        session.document.answer = asked_json(session.environment, session.run_id, session.by, session.message)
        session.document.answer["refs"] = refs()
    plan = replace(make(), refs=refs())
    if session.dry or plan.empty:
        session.show_plan(plan)
        return
    if session.json:
        session.document.answer |= {**plan_json(plan), "result": "refused"}
    databases = [database for fleet in session.c.selection.fleets for database in fleet.inventory.databases.values()]
    keeping = (host for database in databases for host in database.hosts)
    hosts = {host.name: host for host in (*session.c.hosts, *keeping)}
    if confirm and session.asks():
        _ask(session, plan, hosts)
    else:
        session.note(plan_text(plan, commands=session.commands))
        refuse_under_freeze(session, plan)
        if confirm:
            session.confirm_all()
    while_same(plan, make, lambda plan: _run(session, replace(plan, refs=refs()), hosts), session.note)


def _ask(session: Session, plan: Plan, hosts: Mapping[str, Host]) -> None:
    """Show the top of a plan, and ask; nobody is asked about a plan that a lock refuses."""
    rows, columns = screen()
    # Below it are the question, and the line that is typed.
    session.note(plan_top(plan, rows - 3, columns))
    refuse_under_freeze(session, plan)
    refuse_held(session.remote, hosts, plan.sites, plan.environment)
    session.confirm_all(lambda: plan_text(plan, commands=session.commands))


def _run(session: Session, plan: Plan, hosts: Mapping[str, Host]) -> None:
    """Carry a plan out, show how it ended, and end with its code."""
    with ExitStack() as last:
        with session.journal() as journal, display(plan, plain=session.json) as shown:
            record = journaled(journal, plan, shown)
            own = PlanHooks(session, plan, record)
            outcome = own.after(run(plan, session.remote, hosts, record, own.before))
            last.enter_context(too_late())
            outcome = record.ended(outcome, outcome_json(outcome))
        _show(session, outcome)


def _show(session: Session, outcome: Outcome) -> None:
    """On stderr where stdout cannot be written."""
    if session.json:
        session.answer(lambda: outcome_json(outcome), str)
        session.document.fallback = lambda: outcome_text(outcome)
        first = next(iter(outcome.failures), None)
        session.document.end(int(outcome.code), first.reason if first else "", first.hint if first else "")
    elif (error := untold(outcome_text(outcome), sys.stdout)) is not None:
        aside(outcome_text(outcome))
        aside(f"this is not on stdout, which cannot be written: {unwritten(error)}")
    if outcome.code is not ExitCode.DONE:
        sys.exit(int(outcome.code))


def while_same(plan: Plan, make: Callable[[], Plan], do: Callable[[Plan], T], note: Callable[[str], None]) -> T:
    """Carry out a plan with `do` and return its result. Where a site was changed after it was looked at, it is looked
    at again: what a run that was cut off has left may have been ended only then. A plan with the same steps is carried
    out, any other is refused with SiteChangedError."""
    for _ in range(_AGAIN):
        try:
            return do(plan)
        except SiteChangedError as changed:
            note(f"{changed.message}; asking again")
            again = make()
            if _steps(again) != _steps(plan):
                raise
            plan = again
    return do(plan)


def _steps(plan: Plan) -> str:
    return plan_text(
        replace(plan, notes=(), changes=tuple(replace(c, coming=(), going=()) for c in plan.changes)), commands=True
    )


@contextmanager
def display(plan: Plan, *, plain: bool = False) -> Iterator[Callable[[RunEvent], None]]:
    """A live table on a terminal, else lines on stdout; `plain` asks for lines on stderr."""
    if not plain and sys.stdout.isatty():
        # Start-up: only a terminal needs rich.
        from lockstitch.cli.live_display import LiveDisplay

        with LiveDisplay(plan) as live:
            yield live.show
    else:
        yield LineDisplay(sys.stderr if plain else sys.stdout, expected(plan))
