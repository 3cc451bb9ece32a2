"""What `put` and `get` do: look, carry, show how far it is and how it ended."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from lockstitch.cli.fanout import end, record
from lockstitch.cli.output import aside, tell
from lockstitch.cli.session import Session
from lockstitch.cli.transfer_progress import transfer_progress
from lockstitch.engine.fanout import Way
from lockstitch.engine.journal import now
from lockstitch.engine.transfer import Fetch, Moved, Names, Send, Source, carry
from lockstitch.errors import UsageError
from lockstitch.model.command import words
from lockstitch.model.results import Done
from lockstitch.report import done_json, done_text

_MODE = re.compile(r"0?[0-7]{3}")


def put_everywhere(
    session: Session, local: str, remote: str, way: Way, *, mode: str = "", user: str = "", yes: bool = False
) -> None:
    """Send it to every host, and end with 7 where it failed, 3 where a host is away."""
    if mode and not _MODE.fullmatch(mode):
        raise UsageError(f"{mode} is no mode of a file; nothing was sent", hint="three digits from 0 to 7, such as 640")
    if not local or not remote:
        raise UsageError("put takes what is sent and where to; nothing was sent", hint="fab -H ENV put LOCAL REMOTE")
    what = Send(
        Source(str(Path(local[:2]).expanduser()) + local[2:] if local.startswith("~/") else local),
        remote,
        int(mode, 8) if mode else None,
        user,
    )
    if not session.dry:
        for fleet in session.c.selection.fleets:
            session.confirm(fleet, yes=yes)
    _everywhere(session, _typed("put", local, remote, mode=mode, user=user), what, way)


def get_everywhere(session: Session, remote: str, to: str, way: Way, *, user: str = "") -> None:
    """Fetch it from every host, from several into a folder each."""
    if not remote:
        raise UsageError("get takes what is fetched; nothing was fetched", hint="fab -H ENV get REMOTE --to DIR")
    folder, hosts = Path(to or ".").expanduser(), [host.name for host in session.c.hosts]
    if odd := [name for name in hosts if "/" in name or name in (".", "..")]:
        raise UsageError(f"{odd[0]} cannot be the name of a folder; nothing was fetched")
    folders = {name: name for name in hosts} if len(hosts) > 1 else {}
    _everywhere(session, _typed("get", remote, to=to, user=user), Fetch(remote, folder, folders, user), way)


def _everywhere(session: Session, typed: str, what: Send | Fetch, way: Way) -> None:
    hosts, began, start = session.c.hosts, now(), time.monotonic()
    done: dict[str, Done] = {}
    moved: dict[str, Moved] = {}
    names = Names(session.runs.parent / "transfers")
    if session.dry:
        with names:
            _show(session, *carry(session.remote, hosts, what, names, way, dry=True))
    try:
        with names, transfer_progress(quiet=session.json) as shown:
            done, moved = carry(session.remote, hosts, what, names, way, shown)
    finally:
        ended = {host.name: done.get(host.name) for host in hosts}
        record(session, typed, ended, began, time.monotonic() - start)
    _show(session, done, moved)


def _show(session: Session, done: dict[str, Done], moved: dict[str, Moved]) -> None:
    if session.json:
        session.answer(lambda: _json(done, moved), str)
    else:
        (tell if session.dry else aside)(done_text(done))
    end(list(done.values()))


def _json(done: dict[str, Done], moved: dict[str, Moved]) -> dict[str, Any]:
    told = done_json(done)
    for host, one in moved.items():
        told["hosts"][host] |= {
            "to": one.to,
            "files": one.files,
            "bytes": one.size,
            "unchanged": one.unchanged,
            "resumed": one.resumed,
        }
    return told


def _typed(task: str, *paths: str, **options: str) -> str:
    """As it was typed, for the journal."""
    return words(task, *paths, *(part for name, value in options.items() if value for part in (f"--{name}", value)))
