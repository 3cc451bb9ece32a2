"""`put` and `get`: look, carry, show the progress and the results."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, cast

from lockstitch.cli.fanout import end, record
from lockstitch.cli.output import SafeStream, aside, tell
from lockstitch.cli.session import Session
from lockstitch.engine.journal import now
from lockstitch.engine.transfer import (
    DownloadRequest,
    LocalSource,
    PartNames,
    TransferProgress,
    TransferResult,
    UploadRequest,
    carry,
)
from lockstitch.errors import UsageError
from lockstitch.model.command import words
from lockstitch.model.format import sized
from lockstitch.model.results import HostResult
from lockstitch.report.fanout import results_json, results_text
from lockstitch.text import neutral

EVERY = 5.0
# Bars of more hosts than that would run off the terminal: those that come later have lines of their own in the summary.
_MOST_BARS = 20


@contextmanager
def transfer_progress(*, quiet: bool) -> Iterator[Callable[[TransferProgress], None]]:
    """Show each transfer on stderr as it goes on; the context is its observer."""
    if quiet:
        yield lambda progress: None
    elif sys.stderr.isatty():
        with _bars() as observe:
            yield observe
    else:
        yield TransferLines()


@contextmanager
def _bars() -> Iterator[Callable[[TransferProgress], None]]:
    # Start-up: only at a terminal.
    from rich import progress as rich
    from rich.console import Console
    from rich.text import Text

    columns = (
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(),
        rich.DownloadColumn(),
        rich.TransferSpeedColumn(),
        rich.TimeRemainingColumn(),
    )
    bars: dict[str, rich.TaskID] = {}
    lock = threading.Lock()
    with rich.Progress(
        *columns, console=Console(file=cast(TextIO, SafeStream(sys.stderr)), highlight=False), transient=True
    ) as shown:

        def observe(progress: TransferProgress) -> None:
            with lock:
                if progress.host not in bars and len(bars) < _MOST_BARS:
                    name = Text(neutral(progress.host)).plain
                    bars[progress.host] = shown.add_task(name, total=progress.of, completed=progress.transferred)
            if progress.host in bars:
                shown.update(bars[progress.host], completed=progress.transferred)

        yield observe


class TransferLines:
    """A line for each host every few seconds."""

    def __init__(self, every: float = EVERY, clock: Callable[[], float] = time.monotonic) -> None:
        self._every, self._clock, self._began = every, clock, clock()
        self._said: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, progress: TransferProgress) -> None:
        now = self._clock()
        with self._lock:
            if now - self._said.get(progress.host, self._began) < self._every:
                return
            self._said[progress.host] = now
        far = f"{100 * progress.transferred // max(progress.of, 1)} % of {sized(progress.of)}"
        aside(neutral(f"{progress.host}: {far}"))


_MODE = re.compile(r"0?[0-7]{3}")


def put_everywhere(session: Session, local: str, remote: str, mode: str) -> None:
    """Send it to every host, and end with 7 where it failed, 3 where a host is away."""
    if mode and not _MODE.fullmatch(mode):
        raise UsageError(f"{mode} is no mode of a file; nothing was sent", hint="three digits from 0 to 7, such as 640")
    if not local or not remote:
        raise UsageError("put takes what is sent and where to; nothing was sent", hint="fab -H ENV put LOCAL REMOTE")
    what = UploadRequest(
        LocalSource(str(Path(local[:2]).expanduser()) + local[2:] if local.startswith("~/") else local),
        remote,
        int(mode, 8) if mode else None,
        session.user,
    )
    if not session.dry:
        session.confirm_all()
    _everywhere(session, _typed("put", local, remote, mode=mode, user=session.user), what)


def get_everywhere(session: Session, remote: str, to: str) -> None:
    """Fetch it from every host, from several into a folder each."""
    if not remote:
        raise UsageError("get takes what is fetched; nothing was fetched", hint="fab -H ENV get REMOTE --to DIR")
    folder, hosts = Path(to or ".").expanduser(), [host.name for host in session.c.hosts]
    if odd := [name for name in hosts if "/" in name or name in (".", "..")]:
        raise UsageError(f"{odd[0]} cannot be the name of a folder; nothing was fetched")
    folders = {name: name for name in hosts} if len(hosts) > 1 else {}
    what = DownloadRequest(remote, folder, folders, session.user)
    _everywhere(session, _typed("get", remote, to=to, user=session.user), what)


def _everywhere(session: Session, typed: str, what: UploadRequest | DownloadRequest) -> None:
    hosts, began, start = session.c.hosts, now(), time.monotonic()
    results: dict[str, HostResult] = {}
    moved: dict[str, TransferResult] = {}
    names = PartNames(session.runs.parent / "transfers")
    if session.dry:
        with names:
            _show(session, *carry(session.remote, hosts, what, names, session.limits, dry=True))
    try:
        with names, transfer_progress(quiet=session.json) as shown:
            results, moved = carry(session.remote, hosts, what, names, session.limits, shown)
    finally:
        ended = {host.name: results.get(host.name) for host in hosts}
        record(session, typed, ended, began, time.monotonic() - start)
    _show(session, results, moved)


def _show(session: Session, results: dict[str, HostResult], moved: dict[str, TransferResult]) -> None:
    if session.json:
        session.answer(lambda: _json(results, moved), str)
    else:
        (tell if session.dry else aside)(results_text(results))
    end(list(results.values()))


def _json(results: dict[str, HostResult], moved: dict[str, TransferResult]) -> dict[str, Any]:
    answer = results_json(results)
    for host, transfer in moved.items():
        answer["hosts"][host] |= {
            "to": transfer.to,
            "files": transfer.files,
            "bytes": transfer.size,
            "unchanged": transfer.unchanged,
            "resumed": transfer.resumed,
        }
    return answer


def _typed(task: str, *paths: str, **options: str) -> str:
    """As it was typed, for the journal."""
    return words(task, *paths, *(part for name, value in options.items() if value for part in (f"--{name}", value)))
