"""A desk at which runbooks are run in this process: their commands are played, and everything else is real."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lockstitch.cli import runbook_cut, runbook_plans, runbook_stages, runbooks
from lockstitch.engine.journal import Journal
from lockstitch.engine.runbooks.record import RunbookRecord, runbook_runs
from lockstitch.errors import LockstitchError
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.selection import select
from lockstitch.runbooks.state import RunbookRun
from tasks import namespace

A, B = "a" * 40, "b" * 40
INVENTORY = {
    "groups": {"all": {"hosts": ["web1.example.com"], "apps": ["api"]}},
    "apps": {
        "api": {
            "repository": "git@example.com:acme/api.git",
            "path": "/app/api",
            "service": {"kind": "systemd", "unit": "api"},
        }
    },
}


class Killed(BaseException):
    """The end of a process that nobody hears of."""


class Desk:
    """A project with the environments `prod` and `staging`. `ran` are the commands that were carried out, `said` is what
    was printed, `codes` are the exit codes of commands by their first words."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.runs = folder, folder / ".lockstitch" / "runs"
        self.ran: list[str] = []
        self.said: list[str] = []
        self.codes: dict[str, int] = {}
        self.revisions = {"prod": A, "staging": A}
        # First words of commands that have nothing to do.
        self.idle: tuple[str, ...] = ()
        self.has_record = True
        # May raise Killed, after each line of a record, and before and after each command.
        self.at_event: Callable[[str], None] = lambda what: None
        # Ids of runs within one second would be in no order.
        self._ids = (f"20261129T{number:06}Z-0000" for number in count())
        (folder / "hosts").mkdir()
        (folder / "runbooks").mkdir()
        for name in ("prod", "staging"):
            (folder / "hosts" / f"{name}.yml").write_text(json.dumps(INVENTORY))
        patch.setattr(runbook_stages, "run_command", self._run)
        patch.setattr(runbook_plans, "command_output", self._planned)
        patch.setattr(runbook_cut, "command_output", lambda words, root: "")
        add = RunbookRecord.add

        def counted(record: RunbookRecord, event: str, **fields: Any) -> None:
            add(record, event, **fields)
            self.at_event(f"after {event}")

        patch.setattr(RunbookRecord, "add", counted)

    def write(self, text: str, name: str = "release") -> None:
        """Write a runbook."""
        (self.folder / "runbooks" / f"{name}.yml").write_text(text)

    def session(self, *, environment: str = "prod", by: str = "ada@desk", **options: Any) -> Any:
        """The arguments of a task."""
        selection = select(InventoryFolder(self.folder / "hosts"), environment)
        context = SimpleNamespace(
            root=self.folder, typed=("--hosts", environment), collection=namespace, selection=selection
        )
        session = SimpleNamespace(
            c=context,
            by=by,
            environment=environment,
            runs=self.runs,
            run_id=next(self._ids),
            json=False,
            yes=False,
            dry=False,
            fleet=lambda only: selection.fleets[0],
            note=self.said.append,
            answer=lambda data, text: self.said.append(text()),
        )
        return SimpleNamespace(**{**vars(session), **options})

    def begin(
        self,
        *given: str,
        ref: str = "v1",
        outside: str = "",
        name: str = "release",
        no_wait: bool = False,
        **options: Any,
    ) -> int:
        """Begin a runbook. Returns the exit code."""
        session = self.session(**options)
        return self._ended(lambda: runbooks.begin(session, name, ref, given, outside, no_wait=no_wait))

    def resume(self, *, again: bool = False, outside: str = "", no_wait: bool = False, **options: Any) -> int:
        """Go on with the newest run. Returns the exit code."""
        session, choices = self.session(**options), {"again": again, "no_wait": no_wait}
        return self._ended(lambda: runbooks.resume(session, "", outside_window=outside, **choices))

    def undo(self, run: str = "", **options: Any) -> int:
        """Undo a run, else the newest one. Returns the exit code."""
        return self._ended(lambda: runbooks.undo(self.session(**options), run, again=False))

    def skip(self, stage: str, reason: str) -> int:
        """Skip a stage of the newest run. Returns the exit code."""
        return self._ended(lambda: runbooks.skip(self.session(), stage, "", reason))

    def confirm(self, stage: str, note: str = "") -> int:
        """Confirm a stage of the newest run. Returns the exit code."""
        return self._ended(lambda: runbooks.confirm(self.session(by="bob@desk"), stage, "", note))

    def state(self) -> RunbookRun:
        """The state of the newest run."""
        return RunbookRecord(self.runs, runbook_runs(self.runs)[0]).read()

    def states(self) -> dict[str, str]:
        """The state of each stage that has begun."""
        return {name: record.state for name, record in self.state().stages.items()}

    @property
    def all_said(self) -> str:
        return "\n".join(self.said)

    def _ended(self, do: Callable[[], None]) -> int:
        try:
            do()
        except SystemExit as error:
            return int(error.code or 0)
        except LockstitchError as error:
            self.said.append(str(error))
            return int(error.exit_code)
        return 0

    def _run(self, words: Sequence[str], root: Path, env: Mapping[str, str], lock: int | None, output: Any) -> int:
        """Play a command. One that makes a plan writes the record of its run, as `deploy` does."""
        line = " ".join(words[words.index("-H") + 1 :])
        code = next((code for start, code in self.codes.items() if line.startswith(start)), 0)
        self.at_event("before the command")
        self.ran.append(line)
        if self.has_record and not line.startswith(self.idle or "-"):
            with Journal(self.runs, env["LOCKSTITCH_RUN"]) as journal:
                journal.write("run", run=env["LOCKSTITCH_RUN"])
                journal.write("outcome", exit_code=code)
        self.at_event("after the command")
        return code

    def _planned(self, words: Sequence[str], root: Path) -> str:
        environment = words[words.index("-H") + 1]
        changes = [{"app": "api", "to": self.revisions[environment]}]
        return json.dumps({"exit_code": 0, "changes": changes})
