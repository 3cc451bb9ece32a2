"""The session of a task on a fleet: one connection to it, one journal, one output, one way to confirm."""

from __future__ import annotations

import getpass
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockstitch.cli.completion import remember
from lockstitch.cli.confirmation import STEPS, asked
from lockstitch.cli.context import FleetContext, runs_folder
from lockstitch.cli.output import aside, tell
from lockstitch.concurrency import MOST
from lockstitch.engine.fanout import FanoutOptions
from lockstitch.engine.journal import Journal
from lockstitch.errors import UsageError
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.load import environments
from lockstitch.inventory.validation import did_you_mean
from lockstitch.report.text import counted
from lockstitch.text import neutral, unforged

# An id that `new_run` makes, and where a runbook says which one its command has.
_RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")
RUN_VARIABLE = "LOCKSTITCH_RUN"
# The hash of the only plan that a command may carry out, where a person has signed it.
PLAN_VARIABLE = "LOCKSTITCH_PLAN"

if TYPE_CHECKING:
    from lockstitch.engine.notice_queue import WaitingFile
    from lockstitch.facts.queries import SiteQuery
    from lockstitch.facts.site import Survey
    from lockstitch.model.plan import Plan
    from lockstitch.remote.routed import RoutedRemote
    from lockstitch.remote.ssh import SshRemote


def who() -> str:
    """The person, or the CI job, and the machine: what locks and journals name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def new_run() -> str:
    """A run's id: its UTC time, so that ids sort. The last four characters are the part of the second, in 65,536ths:
    two runs of one second sort as well, and hardly ever share an id."""
    seconds, rest = divmod(time.time_ns(), 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%SZ}-{(rest << 16) // 10**9:04x}"


def given_run() -> str:
    """Return the id that the run of this command is to have, which a runbook gives to each command; empty where it is
    none. It is for one run: what is started from here makes its own."""
    given = os.environ.pop(RUN_VARIABLE, "")
    return given if _RUN.fullmatch(given) else ""


def whose(*, sudo: bool, user: str) -> str:
    """The user that --sudo and --user mean on the hosts; empty for the login user."""
    if sudo and user not in ("", "root"):
        raise UsageError("--sudo is root, --user another", hint="give one of them")
    return "root" if sudo else user


def fanout_options(*, serial: bool = False, parallel: int = 0, timeout: float = 0, until_ok: int = 1) -> FanoutOptions:
    """Return the limits that --serial, --parallel, --timeout and --until-ok mean."""
    if serial and parallel > 1:
        raise UsageError("--serial is one host at a time, --parallel is several", hint="give one of them")
    if parallel < 0 or timeout < 0 or until_ok < 1:
        raise UsageError("--parallel, --timeout and --until-ok are numbers above 0; nothing was done")
    return FanoutOptions(1 if serial else parallel or FanoutOptions.at_once, until_ok, timeout=timeout)


class Session:
    """One task's work on one selection. Use it as a context manager: it closes every connection."""

    def __init__(
        self,
        c: FleetContext,
        remote: RoutedRemote[SshRemote],
        *,
        json: bool = False,
        commands: bool = False,
        dry: bool = False,
        message: str = "",
        yes: bool = False,
        sudo: bool = False,
        user: str = "",
        **limits: Any,
    ) -> None:
        self.c, self.json, self.commands, self.dry = c, json, commands, dry or c.dry
        self.document = c.document
        self.document.asked = json
        self.message, self.yes = message, yes
        self.user, self.limits = whose(sudo=sudo, user=user), fanout_options(**limits)
        self.remote = remote
        self.run_id, self.by = given_run() or new_run(), who()
        self.signed_plan = os.environ.pop(PLAN_VARIABLE, "")
        # The answer is a document that is redirected: notes go to stderr.
        self.notes_aside = False
        # Why the journal of this machine lacks what was done by hand; empty: it has it.
        self.unrecorded = ""
        # The notice of a run that its watch, which follows here, is to tell.
        self.held_notice: WaitingFile | None = None

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

    @property
    def environment(self) -> str | None:
        """The environment that is selected; None where it is not one."""
        names = [fleet.inventory.name for fleet in self.c.selection.fleets]
        return names[0] if len(names) == 1 else None

    def survey(self, fleet: Fleet, asks: Sequence[SiteQuery], *, most: int = MOST, seconds: float = 0) -> Survey:
        """Ask the sites of a fleet, and return their answers."""
        # Start-up: `run` surveys nothing.
        from lockstitch.engine.survey import survey

        self.note(f"asking {counted(len(fleet.hosts), 'host')} of {fleet.inventory.name}")
        answers = survey(self.remote, asks, most=most, seconds=seconds)
        remember(self.runs.parent, fleet.inventory.name, answers)
        return answers

    def show_plan(self, plan: Plan) -> None:
        """Print a plan as it was asked for."""
        # Start-up: as above.
        from lockstitch.report.plan import plan_json, plan_text

        self.answer(lambda: plan_json(plan), lambda: plan_text(plan, commands=self.commands))

    def asks(self) -> bool:
        """Tell whether somebody is asked before a change: an environment is protected, and there is a terminal."""
        protected = any(fleet.inventory.protect for fleet in self.c.selection.fleets)
        return protected and not self.yes and sys.stdin.isatty()

    def confirm(self, fleet: Fleet, steps: Callable[[], str] | None = None) -> None:
        """Have the name of a protected environment typed, unless `--yes` was given. Raises UsageError for a no. `steps`
        returns what is shown to who types that word instead."""
        name = fleet.inventory.name
        if self.yes or not fleet.inventory.protect:
            return
        if not sys.stdin.isatty():
            raise UsageError(
                f"{name} is protected and there is no terminal to confirm on; nothing was changed",
                hint="give --yes where no one can answer",
            )
        more = f"; `{STEPS}` shows each step" if steps else ""
        question = f"{name} is protected: type its name to go on{more}"
        while (line := asked(lambda: self.note(question))) != name:
            if steps is None or line != STEPS:
                raise UsageError("not confirmed; nothing was changed")
            self.note(steps())

    def confirm_all(self, steps: Callable[[], str] | None = None) -> None:
        """Confirm every environment that is selected; plain hosts are nobody's."""
        for fleet in self.c.selection.fleets:
            self.confirm(fleet, steps)

    def journal(self) -> Journal:
        return Journal(self.runs, self.run_id)

    @property
    def runs(self) -> Path:
        """The folder of the runs' records, one for each run."""
        return runs_folder(self.c.config, self.c.root)

    def answer(self, data: Callable[[], Mapping[str, Any]], text: Callable[[], str]) -> None:
        """Print the answer. As JSON it is printed when the task has ended, with its exit code."""
        if not self.json:
            tell(text())
            return
        self.document.answer = {**data(), **({"unrecorded": self.unrecorded} if self.unrecorded else {})}

    def note(self, text: str) -> None:
        """Say something on the way; it never mixes with JSON on stdout."""
        (aside if self.json or self.notes_aside else tell)(unforged(neutral(text)))


def file_named(option: str, text: str) -> Path:
    """Return the file or the folder that an option names. Raises UsageError for `-`, which is no name of a file."""
    if text == "-":
        raise UsageError(f"{option} - would be stdout, and {option} takes a file or a folder; nothing was done")
    return Path(text).expanduser()


def words(text: str) -> tuple[str, ...]:
    """The words of an option that takes several with commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())
