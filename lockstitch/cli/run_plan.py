"""A plan that is carried out: recorded, shown as it goes, and made again by itself where a site has changed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from lockstitch.cli.confirmation import screen
from lockstitch.cli.display import LineDisplay
from lockstitch.cli.gate_watch import Display, measured_turns, pause_watch
from lockstitch.cli.hooks import PlanHooks, with_hooks
from lockstitch.cli.locks import refuse_under_freeze
from lockstitch.cli.output import aside, untold, unwritten
from lockstitch.cli.session import Session
from lockstitch.cli.signals import too_late
from lockstitch.concurrency import holding_interrupts, uninterrupted
from lockstitch.engine.journal import Journal, journaled
from lockstitch.engine.kept_runs import keep_follow_up, keep_run
from lockstitch.engine.locks import refuse_held
from lockstitch.engine.runner import run
from lockstitch.engine.site_runner import plan_secrets
from lockstitch.engine.wave_smoke import SmokeTester
from lockstitch.errors import CheckError, ExitCode, LockstitchError, SiteChangedError
from lockstitch.facts.follow_ups import FollowUp, line_of, post_mortem
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.host import Host
from lockstitch.model.outcome import Failure, Outcome
from lockstitch.model.plan import Plan
from lockstitch.report.outcome import outcome_json, outcome_text
from lockstitch.report.plan import asked_json, expected, plan_json, plan_text, plan_top

if TYPE_CHECKING:
    from lockstitch.cli.notifications import RunNotices

# How often a plan is made anew.
_AGAIN = 2
# Failures after which a host is not asked for more.
_AWAY = ("connection", "ending")
T = TypeVar("T")


def carry_out(
    session: Session,
    make: Callable[[], Plan],
    *,
    confirm: bool = True,
    refs: Callable[[], dict[str, str]] = dict,
    watched: Callable[[], Fleet] | None = None,
) -> None:
    """Plan, show the plan, ask where it must be asked, carry it out, show how it ended, and end with its code.

    `refs` returns, by app, the branches, tags or commits that were asked for; `watched` the fleet whose metric gates
    judge the pauses.
    """
    make = with_hooks(session, make)
    if session.json:
        session.document.answer = asked_json(session.environment, session.run_id, session.by, session.message)
        session.document.answer["refs"] = refs()
    plan = replace(make(), refs=refs())
    _check_signed(session, plan)
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
    while_same(plan, make, lambda plan: _run(session, replace(plan, refs=refs()), hosts, watched), session.note)


def _check_signed(session: Session, plan: Plan) -> None:
    """Raise CheckError where a plan is not the one that was signed. That holds for the first plan of this command: one
    that takes its release back is no part of it."""
    signed, session.signed_plan = session.signed_plan, ""
    if not signed:
        return
    # Start-up: few runs belong to a runbook.
    from lockstitch.plans.plan_hash import plan_hash

    if (made := plan_hash(plan)) != signed:
        raise CheckError(
            f"this is not the plan that was signed: its hash is {made[:12]}, not {signed[:12]}; nothing was changed",
            hint="fab -H ENV runbook.status says what has changed",
        )


def _ask(session: Session, plan: Plan, hosts: Mapping[str, Host]) -> None:
    """Show the top of a plan, and ask; nobody is asked about a plan that a lock refuses."""
    rows, columns = screen()
    # Below it are the question, and the line that is typed.
    session.note(plan_top(plan, rows - 3, columns))
    refuse_under_freeze(session, plan)
    refuse_held(session.remote, hosts, plan.sites, plan.environment)
    session.confirm_all(lambda: plan_text(plan, commands=session.commands))


def _run(session: Session, plan: Plan, hosts: Mapping[str, Host], watched: Callable[[], Fleet] | None) -> None:
    """Carry a plan out, show how it ended, and end with its code.

    Between what listens to an interrupt it waits: one that comes when all is done must not hide how it ended.
    """
    with holding_interrupts(), ExitStack() as last:
        with session.journal() as journal, display(plan, plain=session.json) as shown:
            record = journaled(journal, plan, shown)
            own, notices = PlanHooks(session, plan, record), _notices(session, plan, journal)
            pause = pause_watch(session, watched(), plan, shown) if watched else None
            turns = measured_turns(session, watched(), plan, shown) if watched else None
            smoke = _smoke(session, plan)
            before = _before(own, notices)
            try:
                outcome = run(plan, session.remote, hosts, record, before, pause, turns, smoke)
                # It is decided: an interrupt ends a hook that runs, and must not keep the outcome from being recorded.
                with uninterrupted():
                    if notices is not None:
                        notices.ending(outcome)
                    outcome = own.after(outcome)
            except BaseException:
                if notices is not None:
                    notices.broken()
                raise
            last.enter_context(too_late())
            follow = _follow_up(outcome)
            # Where the record cannot be written, `record` tells.
            with suppress(LockstitchError):
                if follow:
                    journal.write(**follow.event)
            outcome = record.ended(outcome, outcome_json(outcome))
            outcome = _kept(session, outcome, hosts, follow)
            outcome = notices.ended(outcome) if notices is not None else outcome
        _show(session, outcome)


def _follow_up(outcome: Outcome) -> FollowUp | None:
    """Return the post-mortem of a deploy or rollback that failed, or of a rollback that is done; None for another."""
    plan = outcome.plan
    failed = outcome.code in (ExitCode.REVERTED, ExitCode.NEEDS_A_PERSON) and plan.kind in ("deploy", "rollback")
    if not failed and (plan.kind != "rollback" or outcome.code is not ExitCode.DONE):
        return None
    return post_mortem(plan.run, plan.kind, outcome_json(outcome)["result"], plan.by, datetime.now(UTC))


def _kept(session: Session, outcome: Outcome, hosts: Mapping[str, Host], follow: FollowUp | None) -> Outcome:
    """Have the hosts keep the record of a run that has begun to change them, and its follow-up; the outcome tells which
    of them do not."""
    away = {failure.site.host for failure in outcome.failures if failure.site and failure.what in _AWAY}
    sites = {each.site: hosts[each.site.host] for each in outcome.sites if each.begun and each.site.host not in away}
    if outcome.code is ExitCode.CHECK_SAID_NO or not sites:
        return outcome
    file = session.runs / outcome.plan.run / "events.jsonl"
    said = keep_run(session.remote, file, outcome.plan.run, sites, plan_secrets(outcome.plan))
    said += keep_follow_up(session.remote, line_of(follow.event), sites)[1] if follow else []
    return replace(outcome, notes=(*outcome.notes, *said))


def _notices(session: Session, plan: Plan, journal: Journal) -> RunNotices | None:
    """Return who tells of a run; None where nobody is told."""
    if not any(fleet.inventory.notify.to for fleet in session.c.selection.fleets):
        return None
    # Start-up: many inventories have no channels.
    from lockstitch.cli.notifications import RunNotices

    return RunNotices(session, plan, journal)


def _before(hooks: PlanHooks, notices: RunNotices | None) -> Callable[[], list[Failure]]:
    """Return what is done before the first change: the hooks, and where none of them refuses, the first notice."""

    def before() -> list[Failure]:
        failures = hooks.before()
        if not failures and notices is not None:
            notices.begin()
        return failures

    return before


def _smoke(session: Session, plan: Plan) -> SmokeTester | None:
    """Return what runs the smoke steps of a plan; None where it has none."""
    if not any(wave.smoke for wave in plan.waves):
        return None
    # Start-up: most plans have none.
    from lockstitch.cli.smoke_tester import smoke_tester

    return smoke_tester(session, plan)


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
def display(plan: Plan, *, plain: bool = False) -> Iterator[Display]:
    """A live table on a terminal, else lines on stdout; `plain` asks for lines on stderr."""
    if not plain and sys.stdout.isatty():
        # Start-up: only a terminal needs rich.
        from lockstitch.cli.live_display import LiveDisplay

        with LiveDisplay(plan) as live:
            yield live
    else:
        yield LineDisplay(sys.stderr if plain else sys.stdout, expected(plan))
