"""`deploy`, `plan` and `rollback`: the questions that their plans are made from, and the plans carried out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from lockstitch import plans
from lockstitch.cli.checks import before_deploy, with_notes
from lockstitch.cli.confirmation import asked
from lockstitch.cli.databases import DatabaseSession
from lockstitch.cli.evidence import EvidenceJudge
from lockstitch.cli.gate_watch import gates_before, paused, refuse_unmeasurable
from lockstitch.cli.pending import ask_environment, ask_pending
from lockstitch.cli.run_plan import carry_out
from lockstitch.cli.session import Session, words
from lockstitch.cli.settings_choice import SettingsChoice
from lockstitch.engine.survey import survey
from lockstitch.errors import LockstitchError, UsageError
from lockstitch.facts.site import Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.plan import Plan
from lockstitch.report.text import counted
from lockstitch.text import oneline


def deploy(
    session: Session,
    ref: str,
    only: str,
    *,
    tag_before: str = "",
    force: bool = False,
    discard_changes: bool = False,
    skip_checks: str = "",
    pause: str = "",
    blind_gates: str = "",
    first: Callable[[Plan], Plan] | None = None,
) -> None:
    """Deploy the selected fleet; a dry session shows the plan alone. `first` adds to the plan what comes before."""

    def meant() -> Fleet:
        return paused(session.fleet(only), pause)

    evidence = EvidenceJudge(session, session.fleet(only))

    def make() -> Plan:
        fleet = meant()
        facts = session.survey(fleet, plans.deploy_asks(fleet, plans.valid_ref(ref)))
        facts = plans.agreed(fleet, facts, ref, partial(survey, session.remote))
        # What cannot be asked now is said by the plan, for all hosts at once.
        notes = () if facts.unreachable else before_deploy(session, fleet, skip_checks)
        options = plans.DeployOptions(
            session.run_id,
            session.by,
            session.message,
            force,
            discard_changes,
            plans.valid_ref(tag_before),
            shelves=_backup_jobs(session, fleet),
        )
        idle = plans.idle(fleet, facts, options)
        if not facts.unreachable:
            notes = (*evidence.before_deploy(facts, idle, words(skip_checks)), *notes)
        facts = ask_environment(session.remote, fleet, ask_pending(session.remote, fleet, facts, idle), idle)
        before = gates_before(session, fleet, facts, idle, blind_gates)
        refuse_unmeasurable(session, fleet, facts, idle)
        plan = planned(session, fleet, lambda env: plans.deploy(fleet, facts, replace(options, env=env)))
        plan = with_notes(plans.with_smoke(plans.with_watches(plan, fleet, before), fleet), notes)
        return first(plan) if first and not plan.empty else plan

    refs = {app.name: ref or app.ref for _, app in session.fleet(only).sites()}
    carry_out(session, make, refs=lambda: refs, watched=meant)


def rollback(
    session: Session,
    only: str,
    *,
    tag: str,
    to: str,
    database: str,
    force: bool,
    discard_changes: bool,
    settings: str = "",
) -> None:
    """Take the selected fleet back to a tag, a revision, or each site's last good release."""
    if tag and to:
        raise UsageError("--tag and --to name two places to go back to", hint="give one of them")
    target = f"refs/tags/{plans.valid_ref(tag)}" if tag else plans.valid_ref(to)
    choice, settings_choice = _DatabaseChoice(session, database), SettingsChoice(session, settings)

    def make() -> Plan:
        fleet = session.fleet(only)
        facts = session.survey(fleet, plans.rollback_asks(fleet, target))
        if not target and (asks := plans.between_asks(fleet, facts)):
            facts = plans.joined(facts, survey(session.remote, asks))
        options = plans.RollbackOptions(session.run_id, session.by, target, session.message, force, discard_changes)
        strategy = choice.strategy(fleet, facts, options)
        shelves = _backup_jobs(session, fleet, all_of_them=True) if strategy != "none" else {}
        options = replace(options, database=strategy, shelves=shelves)
        former, notes = settings_choice.former(fleet, plans.rollback(fleet, facts, options))
        options = replace(options, settings=former)
        plan = planned(session, fleet, lambda env: plans.rollback(fleet, facts, replace(options, env=env)))
        return with_notes(plans.with_smoke(plan, fleet), notes)

    carry_out(session, make, refs=lambda: {app: tag or to for app in session.fleet(only).apps if target})


class _DatabaseChoice:
    """The way a rollback treats the database: as typed, or as answered once, however often it is planned."""

    def __init__(self, session: Session, typed: str) -> None:
        self._session, self._answer = session, typed

    def strategy(self, fleet: Fleet, facts: Survey, options: plans.RollbackOptions) -> plans.DatabaseStrategy:
        """Return the strategy; asks the person where migrations lie between the two revisions and none was typed."""
        between = plans.lying_between(facts)
        if self._answer or not between or self._session.dry:
            return plans.way(self._answer or "none")
        for app, choices in self._choices(fleet, facts, options).items():
            files = between[app]
            lie = f"{counted(len(files), 'migration')} between the two revisions: {', '.join(files)}"
            self._session.note(oneline(f"{app}: {lie}"))
            for strategy, outcome in choices.items():
                self._session.note(oneline(f"  {strategy:<8} {outcome}"))
        if not sys.stdin.isatty():
            raise UsageError(
                "it was not said what becomes of the migrations that lie between; nothing was changed",
                hint="give --database none, --database down or --database restore",
            )
        self._answer = asked(lambda: self._session.note("what becomes of the database? type none, down or restore"))
        return plans.way(self._answer)

    def _choices(self, fleet: Fleet, facts: Survey, options: plans.RollbackOptions) -> Mapping[str, Mapping[str, str]]:
        problem = ""
        try:
            options = replace(options, shelves=_backup_jobs(self._session, fleet, all_of_them=True))
        except LockstitchError as error:
            # The other strategies need no backups.
            problem = error.message.splitlines()[0]
        return plans.database_choices(fleet, facts, options, problem, datetime.now(UTC))


def _backup_jobs(session: Session, fleet: Fleet, *, all_of_them: bool = False) -> dict[str, plans.DatabaseJob]:
    """The databases of these apps: those that a deploy may have to dump, or all of them."""
    taking_part = (app for _, app in fleet.sites() if app.database and (all_of_them or plans.takes_part(app)))
    names = dict.fromkeys(str(app.database) for app in taking_part)
    jobs = DatabaseSession(session, ",".join(names)).shelves() if names else []
    return {job.database.name: job for job in jobs}


def planned(session: Session, fleet: Fleet, make: Callable[[plans.Environments], Plan]) -> Plan:
    """The plan; secrets are fetched for it only if it will be carried out, and nothing stands against that."""
    plan = make(plans.environments(fleet, reveal=False))
    return plan if session.dry or plan.empty else make(plans.environments(fleet, reveal=True))
