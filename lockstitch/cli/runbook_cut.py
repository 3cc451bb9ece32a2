"""Facts about a runbook's commands from their own records, or the hosts: how one has ended that was cut off, whether it
has left a change, and whether a watch has taken it back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from lockstitch.cli.fanout import commands_file
from lockstitch.cli.runbook_commands import StageCommand, program_words
from lockstitch.cli.session import Session
from lockstitch.engine.journal import records
from lockstitch.engine.runbooks.command import command_output
from lockstitch.engine.runbooks.record import command_events
from lockstitch.errors import CheckError, ExitCode
from lockstitch.runbooks.settings import Stage
from lockstitch.runbooks.state import UNCHANGED, CommandRecord
from lockstitch.text import oneline

# Whatever else such a command ends with, it may have changed some hosts.
_NOT_BEGUN = frozenset({ExitCode.USAGE, ExitCode.LOCKED})


def cut_code(
    session: Session, stage: Stage, command: StageCommand, before: CommandRecord, *, again: bool
) -> int | None:
    """Return the exit code of a command that was cut off; None where it is to be run again. Raises CheckError where
    nobody can tell, and it could do something twice, unless it is run `again`."""
    code = _ended_code(session, stage, before)
    if code is None and command.is_change and not command.is_planned and not again:
        raise CheckError(
            f"{stage.name} was cut off while `{before.line}` ran, and nothing says whether it has ended",
            hint="look at the hosts; then fab -H ENV runbook.resume --again runs it once more, and "
            f"fab -H ENV runbook.skip {stage.name} does not",
        )
    if code is None:
        session.note(oneline(f"{stage.name} was cut off while `{before.line}` ran: it is run again"))
    return code


def code_before_undo(
    session: Session, stage: Stage, command: StageCommand, before: CommandRecord, *, again: bool
) -> int | None:
    """Return the exit code of a command that was cut off, and is to be undone; None where it cannot be known, but is
    undone all the same (`again`). Raises CheckError where it is not: what changed nothing must not be undone."""
    code = _ended_code(session, stage, before)
    if code is None and (not command.is_change or _is_unbegun(session, command, before.run)):
        code = int(ExitCode.INTERRUPTED)
    if (code is None or (code and before.is_retry)) and not again:
        raise unknown_change(stage, before)
    return code


def unknown_change(stage: Stage, command: CommandRecord) -> CheckError:
    """Return the error for a command that was cut off or has failed in part, also if it was run again since and has
    failed: what is left of it is not known."""
    return CheckError(
        f"{stage.name} was cut off or failed while `{command.line}` ran, and nothing says what it has changed",
        hint="fab -H ENV runbook.resume carries it to its end; else look at the hosts: "
        "fab -H ENV runbook.undo --again undoes it too",
    )


def may_have_changed(session: Session, command: StageCommand, run: str, code: int) -> bool:
    """Tell whether a command may have left a change on the hosts: by the record of its run, else by its exit code."""
    if not command.is_change or (code == ExitCode.DONE and _is_unbegun(session, command, run)):
        # It only looked, or had nothing to do.
        return False
    if code not in UNCHANGED:
        return True
    events = command_events(session.runs, run)
    if events is None:
        return not command.is_planned and code not in _NOT_BEGUN
    if (outcome := _outcome(events)) is None:
        return code == ExitCode.INTERRUPTED
    # Completed work of a restart or a reboot stays; of other plans, `left` is what a person has to see to.
    stays = any(each.get("result") != "not begun" for each in outcome.get("results") or ())
    return stays or bool(outcome.get("left"))


def taken_back(session: Session, run: str) -> str:
    """Return why a watch has taken back what a run has released; empty where none has."""
    events = command_events(session.runs, run) or ()
    ends = [event for event in events if (event.get("event"), event.get("state")) == ("watch", "back")]
    return str(ends[-1].get("reason") or "its watch has failed") if ends else ""


def _ended_code(session: Session, stage: Stage, before: CommandRecord) -> int | None:
    """Return how a command has ended, as its record, the hosts or the journal of this machine say."""
    events = command_events(session.runs, before.run)
    outcome = _outcome(events or ())
    code, source = (outcome or {}).get("exit_code"), f"the record of run {before.run}"
    if events is None:
        code, source = _by_hand_code(session, before.run), "the journal of this machine"
    elif not isinstance(code, int):
        code, source = 0 if _is_done_on_hosts(session, stage, before.run, events) else None, "every host"
    if code is not None:
        session.note(oneline(f"{stage.name}: `{before.line}` had ended with {code}, as {source} says"))
    return code


def _outcome(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((event for event in reversed(events) if event.get("event") == "outcome"), None)


def _is_unbegun(session: Session, command: StageCommand, run: str) -> bool:
    return command.is_planned and command_events(session.runs, run) is None


def _is_done_on_hosts(session: Session, stage: Stage, run: str, events: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether the journal of every host that took part says that the run is done. What cannot be asked is not."""
    environment = stage.settings.environment or str(session.environment)
    words = program_words(session, environment, ["history", run, "--json"])
    with suppress(ValueError, AttributeError, TypeError, KeyError):
        planned = {str(change["site"]) for event in events for change in event.get("changes") or () if "site" in change}
        document = json.loads(command_output(words, session.c.root))
        entries: list[Mapping[str, Any]] = document["run"]["entries"] if document.get("exit_code") == 0 else []
        # A host where it was cut off has no entry of it.
        ended = {f"{entry['app']}@{entry['host']}" for entry in entries}
        return bool(entries) and planned <= ended and all(entry.get("result") == "done" for entry in entries)
    return False


def _by_hand_code(session: Session, run: str) -> int | None:
    """Return how a command that makes no record of its own has ended, by the journal of this machine."""
    path = commands_file(session)
    try:
        lines, _ = records(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CheckError(f"the journal of this machine cannot be read: {error.strerror}: {path}") from error
    with suppress(LookupError, AttributeError, ValueError):
        for line in lines:
            if isinstance(line, dict) and line.get("run") == run:
                # A word stands where no code of the command is known.
                known = [code for code in line["codes"].values() if isinstance(code, int)]
                whole = known and len(known) == len(line["codes"])
                return int(line["exit"]) if whole else int(ExitCode.CHECK_SAID_NO)
    return None
