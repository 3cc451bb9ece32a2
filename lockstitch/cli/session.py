"""What the tasks on a fleet share: one connection to it, one journal, one display, one way to say yes."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lockstitch import plans
from lockstitch.cli import FleetContext, remote_for
from lockstitch.cli.output import aside, tell
from lockstitch.cli.pending import ask_pending, with_pending
from lockstitch.cli.run_plan import carried_out, while_same
from lockstitch.concurrency import MOST
from lockstitch.engine.journal import Journal
from lockstitch.engine.survey import survey
from lockstitch.errors import ExitCode, UsageError
from lockstitch.facts.queries import SiteQuery
from lockstitch.facts.site import Survey
from lockstitch.inventory import Fleet, environments
from lockstitch.inventory.validation import did_you_mean
from lockstitch.model.plan import Plan
from lockstitch.report import (
    counted,
    history_json,
    history_text,
    json_text,
    neutral,
    oneline,
    plan_json,
    plan_text,
    status_json,
    status_text,
    unforged,
)


def who() -> str:
    """The person, or the CI job, and the machine: what locks and journals name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def new_run() -> str:
    """A run's id: its UTC time, so that ids sort, and four random characters, so that two are never the same."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


class Session:
    """One task's work on one selection. Use it as a context manager: it closes every connection."""

    def __init__(self, c: FleetContext, *, json: bool = False, commands: bool = False, dry: bool = False) -> None:
        self.c, self.json, self.commands, self.dry = c, json, commands, dry or c.dry
        self.remote = remote_for(c)
        self.run_id, self.by = new_run(), who()
        # What was answered of the database, should the same have to be planned once more.
        self._answered = ""
        # Why the journal of this machine lacks what was done by hand; empty: it has it.
        self.unrecorded = ""

    def __enter__(self) -> Session:
        if self.c.defaulted and not self.json:
            self.note(f"no -H given: the default environment, {self.fleet('').inventory.name}")
        if unread := self.remote.network.client.unread:
            says = "is not read: there is no `ssh` on this machine that can be asked what it means"
            tell(f"{', '.join(self.remote.network.client.files)}: {', '.join(unread)} {says}", sys.stderr)
        return self

    def __exit__(self, *exc: object) -> None:
        self.remote.close()

    def fleet(self, only: str) -> Fleet:
        """The one environment that is selected, narrowed to some apps."""
        selection = self.c.selection
        if selection.plain:
            known = environments(self.c.settings.hosts)
            raise UsageError(
                f"there is no environment {selection.plain[0]}{did_you_mean(selection.plain[0], known)}",
                hint="an environment is a file in hosts/; plain hosts have no apps: `run` and `facts` take them",
            )
        if len(selection.fleets) != 1:
            names = ", ".join(fleet.inventory.name for fleet in selection.fleets)
            raise UsageError(f"one environment at a time, not {names or 'none'}", hint="fab -H ENV …")
        fleet: Fleet = selection.fleets[0]
        return fleet.only(words(only)) if only else fleet

    def survey(self, fleet: Fleet, asks: Sequence[SiteQuery], *, most: int = MOST, seconds: float = 0) -> Survey:
        self.note(f"asking {counted(len(fleet.hosts), 'host')} of {fleet.inventory.name}")
        return survey(self.remote, asks, most=most, seconds=seconds)

    def plan_deploy(
        self, ref: str, only: str, message: str, *, tag_before: str, force: bool, discard: bool, skip: str = ""
    ) -> Plan:
        from lockstitch.cli.checks import before_deploy, with_notes

        fleet = self.fleet(only)
        found = self.survey(fleet, plans.deploy_asks(fleet, plans.valid_ref(ref)))
        if asks := plans.each_asks(fleet, found, ref):
            found = plans.joined(found, survey(self.remote, asks))
        # What cannot be asked now is said by the plan, for all hosts at once.
        notes = () if found.unreachable else before_deploy(self, fleet, skip)
        tag = plans.valid_ref(tag_before)
        wanted = plans.DeployOptions(self.run_id, self.by, message, force, discard, tag, shelves=self._shelves(fleet))
        found = ask_pending(self.remote, fleet, found, plans.idle(fleet, found, wanted))
        return with_notes(self._planned(fleet, lambda env: plans.deploy(fleet, found, replace(wanted, env=env))), notes)

    def _shelves(self, fleet: Fleet, *, all_of_them: bool = False) -> dict[str, plans.DatabaseJob]:
        """The databases of these apps: those that a deploy may have to dump, or all of them."""
        from lockstitch.cli.databases import DatabaseSession

        taking_part = (app for _, app in fleet.sites() if app.database and (all_of_them or plans.takes_part(app)))
        names = dict.fromkeys(str(app.database) for app in taking_part)
        return (
            {shelf.database.name: shelf for shelf in DatabaseSession(self, ",".join(names)).shelves()} if names else {}
        )

    def rollback_wanted(self, tag: str, to: str) -> str:
        """The tag or revision to go back to; empty for each site's last good release."""
        if tag and to:
            raise UsageError("--tag and --to name two places to go back to", hint="give one of them")
        return f"refs/tags/{plans.valid_ref(tag)}" if tag else plans.valid_ref(to)

    def plan_rollback(self, wanted: str, database: str, only: str, message: str, *, force: bool, discard: bool) -> Plan:
        fleet = self.fleet(only)
        found = self.survey(fleet, plans.rollback_asks(fleet, wanted))
        if not wanted and (asks := plans.between_asks(fleet, found)):
            found = plans.joined(found, survey(self.remote, asks))
        way = self._way(fleet, found, database)
        shelves = self._shelves(fleet, all_of_them=True) if way != "none" else {}
        back = plans.RollbackOptions(
            self.run_id, self.by, wanted, message, force, discard, database=way, shelves=shelves
        )
        return self._planned(fleet, lambda env: plans.rollback(fleet, found, replace(back, env=env)))

    def _way(self, fleet: Fleet, found: Survey, typed: str) -> plans.DatabaseStrategy:
        """What becomes of the database. Where migrations lie between, nobody decides that but the person."""
        between = plans.lying_between(found)
        typed = typed or self._answered
        if typed or not between or self.dry:
            return plans.way(typed or "none")
        for app, files in between.items():
            lie = f"{counted(len(files), 'migration')} between the two revisions: {', '.join(files)}"
            self.note(oneline(f"{app}: {lie}"))
        if not sys.stdin.isatty():
            raise UsageError(
                "it was not said what becomes of the migrations that lie between; nothing was changed",
                hint="give --database none, --database down or --database restore",
            )
        self.note("what becomes of the database? type none, down or restore")
        self._answered = sys.stdin.readline().strip()
        return plans.way(self._answered)

    def _planned(self, fleet: Fleet, make: Callable[[plans.Environments], Plan]) -> Plan:
        """The plan; secrets are fetched for it only if it will be carried out, and nothing stands against that."""
        plan = make(plans.environments(fleet, reveal=False))
        return plan if self.dry or plan.empty else make(plans.environments(fleet, reveal=True))

    def show_plan(self, plan: Plan) -> None:
        self.answer(lambda: plan_json(plan), lambda: plan_text(plan, commands=self.commands))

    def carry_out(self, make: Callable[[], Plan], *, yes: bool) -> None:
        """Plan, show the plan, ask where it must be asked, carry it out, show how it ended, and end with its code."""
        plan = make()
        if self.dry or plan.empty:
            self.show_plan(plan)
            return
        self.note(plan_text(plan, commands=self.commands))
        fleets = self.c.selection.fleets
        for fleet in fleets:
            self.confirm(fleet, yes=yes)
        databases = [database for fleet in fleets for database in fleet.inventory.databases.values()]
        hosts = {host.name: host for host in (*self.c.hosts, *(database.host for database in databases))}
        while_same(plan, make, lambda plan: carried_out(self, plan, hosts), self.note)

    def show_status(self, only: str) -> None:
        fleet = self.fleet(only)
        asks, lacking = with_pending(fleet)
        found = lacking(self.survey(fleet, asks))
        serving = plans.serving(fleet, found)
        self.answer(lambda: status_json(found, serving), lambda: status_text(found, serving))
        if found.unreachable:
            sys.exit(int(ExitCode.UNREACHABLE))
        if not all(verdict.passed for verdict in serving.values()):
            sys.exit(int(ExitCode.CHECK_SAID_NO))

    def show_history(self, only: str, limit: int) -> None:
        fleet = self.fleet(only)
        found = self.survey(fleet, plans.usual_asks(fleet))
        self.answer(lambda: history_json(found, limit), lambda: history_text(found, limit))
        if found.unreachable:
            raise next(iter(found.unreachable.values()))
        plans.raise_unreadable(found, "")

    def confirm(self, fleet: Fleet, *, yes: bool) -> None:
        """Where the environment is protected its name must be typed; without a terminal it takes `--yes`."""
        name = fleet.inventory.name
        if yes or not fleet.inventory.protect:
            return
        if not sys.stdin.isatty():
            raise UsageError(
                f"{name} is protected and there is no terminal to confirm on; nothing was changed",
                hint="give --yes where no one can answer",
            )
        self.note(f"{name} is protected: type its name to go on")
        if sys.stdin.readline().strip() != name:
            raise UsageError("not confirmed; nothing was changed")

    def confirm_all(self, *, yes: bool) -> None:
        """Confirm every environment that is selected; plain hosts are nobody's."""
        for fleet in self.c.selection.fleets:
            self.confirm(fleet, yes=yes)

    def journal(self) -> Journal:
        return Journal(self.runs, self.run_id)

    @property
    def runs(self) -> Path:
        """The folder of the runs' records, one for each run."""
        place = Path(str(self.c.config.get("lockstitch", {}).get("runs", ".lockstitch/runs"))).expanduser()
        return self.c.root / place

    def answer(self, data: Callable[[], Any], text: Callable[[], str]) -> None:
        """Print the answer: JSON where it was asked for."""
        tell(self.text(data, text))

    def text(self, data: Callable[[], Any], text: Callable[[], str]) -> str:
        """The answer as it was asked for."""
        if not self.json:
            return text()
        told = data()
        return json_text({**told, "unrecorded": self.unrecorded} if self.unrecorded else told, 2)

    def note(self, text: str) -> None:
        """Say something on the way; it never mixes with JSON on stdout."""
        (aside if self.json else tell)(unforged(neutral(text)))


def words(text: str) -> tuple[str, ...]:
    """The words of an option that takes several with commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())
