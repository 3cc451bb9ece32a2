"""`put` and `get`: look, carry, show the progress and the results."""

from __future__ import annotations

import posixpath
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO, cast

from lockstitch.cli.fanout import end, record
from lockstitch.cli.output import SafeStream, aside, tell
from lockstitch.cli.session import Session, file_named
from lockstitch.engine.fanout import HostScript, run_on_hosts
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
from lockstitch.errors import ExitCode, UsageError
from lockstitch.model.command import Command, words
from lockstitch.model.format import sized
from lockstitch.model.host import Host
from lockstitch.model.plan import Script, Step
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


def put_everywhere(session: Session, local: str, remote: str, mode: str, shared: str = "") -> None:
    """Send it to every host, and end with 7 where it failed, 3 where a host is away. With `shared`, the name of an app,
    it goes among the files that the releases of that app share."""
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
    work = _among_shared(session, shared, what) if shared else [(what, list(session.c.hosts))]
    if not session.dry:
        session.confirm_all()
    typed = _typed("put", local, remote, mode=mode, shared=shared, user=session.user)
    _everywhere(session, typed, work, make_folder=bool(shared))


def _among_shared(session: Session, name: str, what: UploadRequest) -> list[tuple[UploadRequest, list[Host]]]:
    """Return the uploads to the shared files of an app, and the hosts of each: paths and users may differ by host."""
    uploads: dict[tuple[str, str], list[Host]] = {}
    path = posixpath.normpath(what.target)
    for fleet in session.c.selection.fleets:
        for host, app in fleet.only([name]).sites():
            names = [shared.rstrip("/") for shared in app.shared]
            if not any(path == shared or path.startswith(f"{shared}/") for shared in names):
                said = f"{name} shares {', '.join(names) or 'nothing'}, and not {path}; nothing was sent"
                raise UsageError(said, hint=f"write it under `shared:` of {name} first, with layout: releases")
            at = posixpath.join(app.layout_paths.shared, path)
            uploads.setdefault((at, session.user or app.user or ""), []).append(host)
    return [(replace(what, target=at, user=user), hosts) for (at, user), hosts in uploads.items()]


def get_everywhere(session: Session, remote: str, to: str) -> None:
    """Fetch it from every host, from several into a folder each."""
    if not remote:
        raise UsageError("get takes what is fetched; nothing was fetched", hint="fab -H ENV get REMOTE --to DIR")
    folder, hosts = file_named("--to", to or "."), [host.name for host in session.c.hosts]
    if odd := [name for name in hosts if "/" in name or name in (".", "..")]:
        raise UsageError(f"{odd[0]} cannot be the name of a folder; nothing was fetched")
    folders = {name: name for name in hosts} if len(hosts) > 1 else {}
    what = DownloadRequest(remote, folder, folders, session.user)
    _everywhere(session, _typed("get", remote, to=to, user=session.user), [(what, list(session.c.hosts))])


def _everywhere(
    session: Session,
    typed: str,
    work: Sequence[tuple[UploadRequest | DownloadRequest, list[Host]]],
    *,
    make_folder: bool = False,
) -> None:
    hosts, began, start = [host for _, some in work for host in some], now(), time.monotonic()
    results: dict[str, HostResult] = {}
    moved: dict[str, TransferResult] = {}
    names = PartNames(session.runs.parent / "transfers")
    if session.dry:
        with names:
            for what, some in work:
                _add(results, moved, carry(session.remote, some, what, names, session.limits, dry=True))
        _show(session, results, moved)
    try:
        with names, transfer_progress(quiet=session.json) as shown:
            for what, some in work:
                there = _folder_made(session, what, some, results) if make_folder else some
                _add(results, moved, carry(session.remote, there, what, names, session.limits, shown))
    finally:
        ended = {host.name: results.get(host.name) for host in hosts}
        record(session, typed, ended, began, time.monotonic() - start)
    _show(session, results, moved)


def _add(
    results: dict[str, HostResult],
    moved: dict[str, TransferResult],
    more: tuple[Mapping[str, HostResult], Mapping[str, TransferResult]],
) -> None:
    results.update(more[0])
    moved.update(more[1])


def _folder_made(
    session: Session, what: UploadRequest | DownloadRequest, hosts: Sequence[Host], results: dict[str, HostResult]
) -> list[Host]:
    """Make the folder that receives an upload. Returns the hosts that have it; the others have their result."""
    assert isinstance(what, UploadRequest)
    command = Command('mkdir -p -- "$folder"', values={"folder": posixpath.dirname(what.target)})
    script = Script((Step("folder", "make its folder", command, timeout=60),), user=what.user or None)
    made = run_on_hosts(session.remote, [HostScript(host.name, host, script) for host in hosts])
    for name, result in made.items():
        if result.code is not ExitCode.DONE:
            said = " ".join(line.strip() for each in result.results for line in each.output.splitlines())
            results[name] = replace(result, words=said or result.words)
    return [host for host in hosts if host.name not in results]


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
