"""What every command on many hosts shares: how it is carried out, its line in the journal, and how all of it ended."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lockstitch.cli.known import known_secrets
from lockstitch.cli.output import aside
from lockstitch.cli.session import Session
from lockstitch.engine.fanout import Way, Work, everywhere
from lockstitch.engine.journal import note, now, records
from lockstitch.engine.redact import kept
from lockstitch.errors import CheckError, ExitCode, UsageError
from lockstitch.model.results import Done, Observer, nobody, worst
from lockstitch.report import by_hand_text, done_json, done_text, quoted

# More lines than that tell less than those that failed.
_ALL = 20


def way(*, serial: bool = False, parallel: int = 0, timeout: float = 0, until_ok: int = 1) -> Way:
    """How it was typed that it is to be carried out."""
    if serial and parallel > 1:
        raise UsageError("--serial is one host at a time, --parallel is several", hint="give one of them")
    if parallel < 0 or timeout < 0 or until_ok < 1:
        raise UsageError("--parallel, --timeout and --until-ok are numbers above 0; nothing was done")
    return Way(1 if serial else parallel or Way.at_once, until_ok, timeout=timeout)


def whose(*, sudo: bool, user: str) -> str:
    """Who does it on the hosts; empty for the login user."""
    if sudo and user not in ("", "root"):
        raise UsageError("--sudo is root, --user another", hint="give one of them")
    return "root" if sudo else user


def by_hand(
    session: Session, what: str, work: Sequence[Work], how: Way | None = None, observe: Observer = nobody
) -> dict[str, Done]:
    """Carry out work on many hosts; it is a line in the journal of this machine, also when it is cut off."""
    began, start = now(), time.monotonic()
    session.remote.one_script_each()
    done: dict[str, Done] = {}
    try:
        done = everywhere(session.remote, work, observe, how, _at_once_said(session, len(work)))
        return done
    finally:
        ended = {one.label: done.get(one.label) for one in work}
        record(session, what, ended, began, time.monotonic() - start)


def _at_once_said(session: Session, of: int) -> Callable[[str, Done], None]:
    """What went wrong on one host is said while the others go on, which may take long."""

    def say(label: str, one: Done) -> None:
        if one.code not in (ExitCode.DONE, ExitCode.INTERRUPTED) and of > 1 and not session.json:
            aside(quoted(f"{label:<12} ! {one.words}"))

    return say


def record(session: Session, what: str, ended: Mapping[str, Done | None], began: str, seconds: float) -> None:
    """Who, when, what, where, and with which codes: a line of the file that `history --by-hand` shows."""
    codes = {label: one.exit if one and one.exit is not None else _word(one) for label, one in ended.items()}
    told = {
        "run": session.run_id,
        "by": session.by,
        "where": sorted({fleet.inventory.name for fleet in session.c.selection.fleets}),
        "what": kept(what, known_secrets(session.c.selection)),
        "began": began,
        "seconds": round(seconds, 3),
        "codes": codes,
        "exit": int(worst([one for one in ended.values() if one])),
    }
    try:
        note(commands_file(session), **told)
    except OSError as error:
        session.unrecorded = f"{commands_file(session)}: {(error.strerror or str(error)).lower()}"
        aside(f"this is in no journal: {session.unrecorded}")


def commands_file(session: Session) -> Path:
    return session.runs.parent / "commands.jsonl"


def show_by_hand(session: Session, limit: int) -> None:
    """What was done by hand on the selected hosts from this machine, the newest first; no host is asked."""
    names = {host.name for host in session.c.hosts}
    file = commands_file(session)
    try:
        every, damaged = records(file)
    except FileNotFoundError:
        every, damaged = [], 0
    except OSError as error:
        raise CheckError(f"{file} is unreadable: {error.strerror}", hint="see to that file of this machine") from error
    if damaged:
        session.note(f"{damaged} lines of {file} are no records, and are left out")
    mine = [line for line in every if any({label, label.rpartition("@")[2]} & names for label in _labels(line))]
    newest = mine[::-1][:limit]
    session.answer(lambda: newest, lambda: by_hand_text(newest))


def _labels(line: Any) -> Iterable[str]:
    """Whom a line is about; nobody, where something else has written it."""
    ours = isinstance(line, dict) and {"codes", "began", "by", "seconds", "what"} <= line.keys()
    return line["codes"] if ours else ()


def _word(one: Done | None) -> str:
    return one.code.name.lower() if one else "not told"


def show(session: Session, done: Mapping[str, Done], lost: str = "") -> None:
    """How each ended, and the exit code of all; `lost` is why not all that hosts printed could be written here."""
    if session.json:
        session.answer(lambda: done_json(done), str)
    else:
        aside(done_text(done, all_of_them=len(done) <= _ALL))
    if lost:
        aside(f"not all that the hosts printed could be written here: {lost}")
    end([*done.values(), *([Done(ExitCode.CHECK_SAID_NO, lost)] if lost else [])])


def end(done: Sequence[Done]) -> None:
    """End with the exit code of all."""
    sys.exit(int(worst(done)))
