"""Who may log in: the authorized_keys of a user on every selected host."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from lockstitch.adhoc import Way, Work, everywhere
from lockstitch.command import Command
from lockstitch.done import Done
from lockstitch.errors import ExitCode, UsageError
from lockstitch.host import Host
from lockstitch.plan import Script, Step
from lockstitch.report import done_text, neutral, table
from lockstitch.upkeep import Key, KeyFile, add, key_file, keys_of, remove, write
from tasks.adhoc import by_hand, end, show
from tasks.asking import answers
from tasks.session import Session

Lines = Callable[[Host, KeyFile], tuple[str, ...] | str]
_UNREADABLE = Done(ExitCode.CHECK_SAID_NO, "its authorized_keys cannot be read")


def list_keys(session: Session, way: Way, user: str) -> None:
    """Every key that may log in as a user, and which of them is ours."""
    done, found = answers(session, "keys.list", key_file(), way, user)
    hosts = {host.name: host for host in session.c.hosts}
    mine = {label: session.remote.logged_in_with(hosts[label]) for label in found}
    done |= {label: _UNREADABLE for label, file in found.items() if file is None}
    keys = [(label, key) for label, file in found.items() if file for key in file.keys]
    if session.json:
        listed = [{"host": h, **_told(key), "logged_in_with": key.blob == mine[h]} for h, key in keys]
        session.answer(lambda: {"keys": listed, "results": {label: one.words for label, one in done.items()}}, str)
    else:
        rows = [(h, k.fingerprint, k.kind, k.comment, k.options, _said(k, mine[h])) for h, k in keys]
        print(table(("HOST", "FINGERPRINT", "KIND", "COMMENT", "OPTIONS", ""), rows))
        if any(one.code is not ExitCode.DONE for one in done.values()):
            print("\n" + done_text(done, all_of_them=False), file=sys.stderr)
    end(list(done.values()))


def add_keys(session: Session, way: Way, user: str, file: str) -> None:
    """Let the keys of a file log in as a user, everywhere."""
    path = Path(file).expanduser()
    try:
        keys = keys_of(path.read_text(), file)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}; nothing was changed") from error
    for key in keys:
        session.note(neutral(f"{key.fingerprint} {key.kind} {key.comment}" + (f" ({key.weak})" if key.weak else "")))
    what = f"keys.add {' '.join(key.fingerprint for key in keys)}"
    _change(session, what, way, user, lambda host, there: add(there, keys))


def remove_key(session: Session, way: Way, user: str, named: str) -> None:
    """Let no key of this fingerprint or comment log in as a user any more; never the one that lets us in."""

    def without(host: Host, there: KeyFile) -> tuple[str, ...] | str:
        lines, gone = remove(there, named)
        if any(key.blob == session.remote.logged_in_with(host) for key in gone):
            return "it is the key that lets us in: it stays. Log in with another one to remove it"
        if gone and not any(True for line in KeyFile("", lines).keys):
            return "it is the only key there: it stays"
        return lines

    _change(session, f"keys.remove {named}", way, user, without)


def _change(session: Session, what: str, way: Way, user: str, make: Lines) -> None:
    """Read, decide and write, on every host; one that refuses leaves the others to go on."""
    hosts = session.c.hosts
    read = everywhere(session.remote, [_work(host, user, key_file().command, "read") for host in hosts], way=way)
    done, work = dict(read), []
    for host in hosts:
        if read[host.name].code is not ExitCode.DONE:
            continue
        (result,) = read[host.name].results
        file = key_file().parse(result.output, result.code)
        lines = make(host, file) if file else _UNREADABLE.words
        if isinstance(lines, str):
            done[host.name] = Done(ExitCode.CHECK_SAID_NO, lines)
        elif file and lines == file.lines:
            done[host.name] = Done(ExitCode.DONE, "it is so already")
        elif file and not session.dry:
            work.append(_work(host, user, write(file, lines), "write"))
        else:
            done[host.name] = Done(ExitCode.DONE, "would be changed")
    if session.dry:
        show(session, done)
    order = [host.name for host in hosts]
    changed = by_hand(session, what, work, way)
    done |= {label: _why(one) for label, one in changed.items()}
    show(session, {label: done[label] for label in order})


def _why(one: Done) -> Done:
    """What the host's script said is why it did not."""
    said = "".join(result.output for result in one.results).strip()
    return Done(one.code, said, one.results, one.exit, one.seconds) if said else one


def _work(host: Host, user: str, command: Command, name: str) -> Work:
    return Work(host.name, host, Script((Step(name, "", command, timeout=60),), user=user or None))


def _told(key: Key) -> dict[str, str]:
    return {
        "fingerprint": key.fingerprint,
        "kind": key.kind,
        "comment": key.comment,
        "options": key.options,
        "weak": key.weak,
    }


def _said(key: Key, mine: bytes) -> str:
    return "logged in with" if key.blob == mine else key.weak
