"""The authorized_keys of a user on every selected host: shown, added to and taken from."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from lockstitch.cli.facts import answers
from lockstitch.cli.fanout import end, record, show
from lockstitch.cli.output import aside, tell
from lockstitch.cli.session import Session
from lockstitch.engine.ask import Query, Reply, ask
from lockstitch.engine.fanout import NOT_BEGUN, HostScript, run_on_hosts
from lockstitch.engine.journal import now
from lockstitch.errors import ExitCode, LockstitchError, UsageError
from lockstitch.facts.authorized_keys import AuthorizedKey, KeyFile, add, key_file, keys_of, remove, write
from lockstitch.model.command import Command, words
from lockstitch.model.host import Host
from lockstitch.model.plan import Script, Step
from lockstitch.model.results import HostResult
from lockstitch.report.fanout import results_text
from lockstitch.report.text import table
from lockstitch.text import oneline

KeyFileChange = Callable[[Host, KeyFile], tuple[str, ...] | str]
_UNREADABLE = HostResult(ExitCode.CHECK_SAID_NO, "its authorized_keys cannot be read")
_GARBLED = HostResult(ExitCode.CHECK_SAID_NO, "its authorized_keys holds bytes that are no UTF-8: it stays as it is")


def list_keys(session: Session) -> None:
    """Every key that may log in as a user, and which of them is ours."""
    results, files = answers(session, _typed(session, "keys.list"), key_file())
    hosts = {host.name: host for host in session.c.hosts}
    mine = {label: session.remote.logged_in_with(hosts[label]) for label in files}
    results |= {label: _UNREADABLE for label, file in files.items() if file is None}
    keys = [(label, key) for label, file in files.items() if file for key in file.keys]
    if session.json:
        listed = [{"host": h, **_told(key), "logged_in_with": key.blob == mine[h]} for h, key in keys]
        session.answer(
            lambda: {"keys": listed, "results": {label: result.words for label, result in results.items()}}, str
        )
    else:
        rows = [(h, k.fingerprint, k.kind, k.comment, k.options, _said(k, mine[h])) for h, k in keys]
        tell(table(("HOST", "FINGERPRINT", "KIND", "COMMENT", "OPTIONS", ""), rows))
        if any(result.code is not ExitCode.DONE for result in results.values()):
            aside("\n" + results_text({label: _why(result) for label, result in results.items()}, all_of_them=False))
    end(list(results.values()))


def add_keys(session: Session, file: str) -> None:
    """Let the keys of a file log in as a user, everywhere."""
    path = Path(file).expanduser()
    try:
        keys = keys_of(path.read_text(), file)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}; nothing was changed") from error
    for key in keys:
        session.note(oneline(f"{key.fingerprint} {key.kind} {key.comment}" + (f" ({key.weak})" if key.weak else "")))
    what = _typed(session, "keys.add", *(key.fingerprint for key in keys))
    _change(session, what, lambda host, there: add(there, keys), "it is there already")


def remove_key(session: Session, named: str) -> None:
    """Let no key of this fingerprint or comment log in as a user any more; never the one that lets us in."""
    if not named.strip():
        raise UsageError("no key is named; nothing was changed", hint="keys.list shows fingerprints and comments")

    def without(host: Host, there: KeyFile) -> tuple[str, ...] | str:
        lines, gone = remove(there, named)
        if len({key.public for key in gone}) > 1:
            return "several keys have this comment: name one by its fingerprint"
        if any(key.blob == session.remote.logged_in_with(host) for key in gone):
            return "it is the key that lets us in: it stays. Log in with another one to remove it"
        if gone and not KeyFile("", lines).keys:
            return "it is the only key there: it stays"
        return lines

    _change(session, _typed(session, "keys.remove", named), without, "there is no such key")


def _change(session: Session, what: str, make: KeyFileChange, so: str) -> None:
    """Read, decide and write, on every host; one that refuses leaves the others to go on. `so` is said where nothing
    is to be changed."""
    if not session.dry:
        session.confirm_all()
    hosts, began, start = session.c.hosts, now(), time.monotonic()
    results = {host.name: HostResult(ExitCode.INTERRUPTED, NOT_BEGUN) for host in hosts}
    try:
        stopped = threading.Event()
        queries = [Query(host.name, host, (key_file(),), user=session.user or None) for host in hosts]
        replies = ask(session.remote, queries, session.limits, stopped)
        decided = {host.name: _decided(session, host, replies[host.name], make, so) for host in hosts}
        results |= {name: outcome for name, outcome in decided.items() if isinstance(outcome, HostResult)}
        work = [_work(h, session.user, outcome) for h in hosts if isinstance(outcome := decided[h.name], Command)]
        if not stopped.is_set():
            results |= {
                label: _why(outcome)
                for label, outcome in run_on_hosts(session.remote, work, way=session.limits).items()
            }
    finally:
        if not session.dry:
            record(session, what, results, began, time.monotonic() - start)
    show(session, results)


def _decided(session: Session, host: Host, read: Reply, make: KeyFileChange, so: str) -> HostResult | Command:
    """Return the command that writes a host's file, or the result where nothing is written."""
    if read.result.code is not ExitCode.DONE:
        return _why(read.result)
    (file,) = read.facts
    if file is None:
        return _UNREADABLE
    try:
        lines = make(host, file)
    except LockstitchError as error:
        return HostResult(error.exit_code, error.message)
    if isinstance(lines, str):
        return HostResult(ExitCode.CHECK_SAID_NO, lines)
    if lines == file.lines:
        return HostResult(ExitCode.DONE, so, exit=0)
    if file.garbled:
        return _GARBLED
    return HostResult(ExitCode.DONE, "would be changed", exit=0) if session.dry else write(file, lines)


def _typed(session: Session, task: str, *named: str) -> str:
    """As it was typed, for the journal."""
    return words(task, *named, *(("--user", session.user) if session.user else ()))


def _why(ended: HostResult) -> HostResult:
    """Give a result that failed the output of its script as the reason."""
    said = "".join(result.output for result in ended.results).strip() if ended.code is not ExitCode.DONE else ""
    return HostResult(ended.code, said, ended.results, ended.exit, ended.seconds) if said else ended


def _work(host: Host, user: str, command: Command) -> HostScript:
    return HostScript(host.name, host, Script((Step("write", "", command, timeout=60),), user=user or None))


def _told(key: AuthorizedKey) -> dict[str, str]:
    return {
        "fingerprint": key.fingerprint,
        "kind": key.kind,
        "comment": key.comment,
        "options": key.options,
        "weak": key.weak,
    }


def _said(key: AuthorizedKey, mine: bytes) -> str:
    return "logged in with" if key.blob == mine else key.weak
