"""EFFECT: the notices that wait on this machine: a file a run, which is there until all its channels were told.

The file of a run that goes on has the notice that is true if the process is killed now. It is written before anything
is sent, and locked by that process: whoever finds it unlocked sends what is in it. It has names of channels, and no URL,
token or other secret.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lockstitch.model.format import time_of
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.notice import Notice

# The runs whose notices wait at most; older ones are dropped.
MOST_RUNS = 100


@dataclass(frozen=True)
class WaitingNotice:
    """The notice of a run, and the channels that are yet to be told it. `threads` has the words by which channels that
    were told something of the run change their message, and `informed` are those that were told its beginning.
    `is_watched` marks a run whose watch is to tell its end; `tried` is when it was last sent in vain, in UTC."""

    notice: Notice
    channels: tuple[str, ...]
    threads: Mapping[str, str]
    informed: tuple[str, ...] = ()
    is_watched: bool = False
    tried: str = ""


class WaitingFile:
    """The file of one run, locked by this process."""

    def __init__(self, folder: Path, run: str) -> None:
        """Lock it. Raises BlockingIOError where another process has it, OSError where it cannot be written."""
        self.run, self.path, self._lock = run, folder / f"{run}.json", folder / f"{run}.lock"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had it may have removed it since it was opened: then another process may lock a new one.
            if not _is_same(self._lock, self._descriptor):
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        except BaseException:
            os.close(self._descriptor)
            raise

    def read(self) -> WaitingNotice | None:
        """Return what waits; None for nothing. Raises OSError or ValueError where it cannot be read."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            waiting = _waiting(json.loads(text))
        except (TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"it is no record of a notice: {error}") from error
        if waiting.notice.run != self.run or time_of(waiting.notice.at) is None:
            raise ValueError("it is no record of a notice of this run")
        return waiting

    def write(self, waiting: WaitingNotice) -> None:
        """Replace what waits, on the disk before this returns; where no channel waits, the file goes. Raises OSError."""
        if not waiting.channels:
            self.remove()
            return
        temporary = self.path.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(waiting), file)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, self.path)

    def remove(self) -> None:
        """Remove what waits."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Free it. The lock's file goes with what waits."""
        if not self.path.exists():
            with suppress(OSError):
                self._lock.unlink()
        os.close(self._descriptor)


class NoticeQueue:
    """The files of all runs of a project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, run: str, patience: float = 0.0) -> WaitingFile:
        """Return the file of a run, locked within so many seconds. Raises BlockingIOError, OSError."""
        until = time.monotonic() + patience
        while True:
            try:
                return WaitingFile(self.folder, run)
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise
                time.sleep(0.05)

    def runs(self) -> list[str]:
        """Return the runs that have a file, the newest first. Raises OSError where the folder cannot be read."""
        try:
            return sorted((path.stem for path in self.folder.iterdir() if path.suffix == ".json"), reverse=True)
        except FileNotFoundError:
            return []

    def may_have(self, run: str = "") -> bool:
        """Tell whether a run has a file, or any run where none is named; also where that cannot be read."""
        try:
            known = self.runs()
        except OSError:
            return True
        return run in known if run else bool(known)

    def abandoned(self, but: Sequence[str], unread: Callable[[OSError, Path], None]) -> Iterator[WaitingFile]:
        """Yield the files of other runs that no process has, the newest first. Who takes one closes it. `unread` is
        told what cannot be had."""
        try:
            runs = self.runs()
        except OSError as error:
            return unread(error, self.folder)
        for number, run in enumerate(runs):
            if run in but:
                continue
            try:
                file = WaitingFile(self.folder, run)
            except BlockingIOError:
                continue
            except OSError as error:
                unread(error, self.folder / f"{run}.json")
                continue
            if number >= MOST_RUNS:
                with suppress(OSError):
                    file.remove()
                file.close()
                continue
            yield file


def age_of(at: str) -> float:
    """Return how many seconds ago a time is; below 0 where it is to come, or no time."""
    known = time_of(at)
    return datetime.now(UTC).timestamp() - known.timestamp() if known is not None else -1.0


def _is_same(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _waiting(document: Any) -> WaitingNotice:
    notice = document["notice"]
    pairs = {name: tuple((str(a), str(b)) for a, b in notice[name]) for name in ("facts", "revisions")}
    known = Notice(**{**notice, **pairs})
    if not all(isinstance(value, str) for name, value in vars(known).items() if name not in pairs):
        raise ValueError("it is no record of a notice")
    threads = {str(name): str(word) for name, word in document["threads"].items()}
    channels, informed = (tuple(map(str, document[name])) for name in ("channels", "informed"))
    tried = str(document.get("tried") or "")
    return WaitingNotice(known, channels, threads, informed, bool(document["is_watched"]), tried)
