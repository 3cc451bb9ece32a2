"""The end of a runbook's command whose end was not recorded: its own record tells it, or the hosts do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from lockstitch.cli.fanout import commands_file
from lockstitch.cli.runbook_commands import StageCommand, program_words
from lockstitch.cli.session import Session
from lockstitch.engine.journal import records
from lockstitch.engine.runbooks.command import command_output
from lockstitch.engine.runbooks.record import outcome_code
from lockstitch.errors import CheckError, ExitCode
from lockstitch.runbooks.settings import Stage
from lockstitch.runbooks.state import CommandRecord
from lockstitch.text import oneline


def cut_code(
    session: Session, stage: Stage, command: StageCommand, before: CommandRecord, *, again: bool
) -> int | None:
    """Return the exit code of a command that was cut off; None where it is to be run again. Raises CheckError where
    nobody can tell, and it could do something twice, unless it is run `again`."""
    has_record, code = outcome_code(session.runs, before.run)
    source = f"the record of run {before.run}"
    if code is None and has_record and _is_done_on_hosts(session, stage, before.run):
        code, source = 0, "every host"
    if code is None and not has_record:
        code, source = _by_hand_code(session, before.run), "the journal of this machine"
    if code is not None:
        session.note(oneline(f"{stage.name}: `{before.line}` had ended with {code}, as {source} says"))
    elif command.is_change and not command.is_planned and not again:
        raise CheckError(
            f"{stage.name} was cut off while `{before.line}` ran, and nothing says whether it has ended",
            hint="look at the hosts; then fab -H ENV runbook.resume --again runs it once more, and "
            f"fab -H ENV runbook.skip {stage.name} does not",
        )
    else:
        session.note(oneline(f"{stage.name} was cut off while `{before.line}` ran: it is run again"))
    return code


def _is_done_on_hosts(session: Session, stage: Stage, run: str) -> bool:
    """Tell whether the journal of every host that took part says that the run is done. What cannot be asked is not."""
    environment = stage.settings.environment or str(session.environment)
    words = program_words(session, environment, ["history", run, "--json"])
    with suppress(ValueError, AttributeError, TypeError):
        document = json.loads(command_output(words, session.c.root))
        entries: list[Mapping[str, Any]] = document["run"]["entries"] if document.get("exit_code") == 0 else []
        return bool(entries) and all(entry.get("result") == "done" for entry in entries)
    return False


def _by_hand_code(session: Session, run: str) -> int | None:
    """Return how a command that makes no record of its own has ended, by the journal of this machine."""
    with suppress(FileNotFoundError, LookupError, AttributeError, ValueError):
        for line in records(commands_file(session))[0]:
            if isinstance(line, dict) and line.get("run") == run:
                # A word stands where no code of the command is known.
                known = [code for code in line["codes"].values() if isinstance(code, int)]
                whole = known and len(known) == len(line["codes"])
                return int(line["exit"]) if whole else int(ExitCode.CHECK_SAID_NO)
    return None
