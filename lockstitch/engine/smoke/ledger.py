"""EFFECT: the ledgers of smoke runs on this machine: a file for each run, held by it while it goes on."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any

from lockstitch.engine.journal import now
from lockstitch.errors import CheckError
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.smoke.ledger import LedgerEntry, LedgerFacts, read_ledger

SUFFIX = ".jsonl"


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        said = f"the ledger {path} cannot be used: {(error.strerror or str(error)).lower()}"
        raise CheckError(said, hint="see to that file, then type it again") from error


class Ledger:
    """The ledger of one run. Every line is on the disk before `write` returns. A context manager: at its end the file
    goes where nothing is open, and every line could be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: FileIO | None = None

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._file is None:
            return
        with suppress(OSError):
            facts = read_ledger(self.path.read_bytes())
            if not facts.open and not facts.damaged:
                self.path.unlink()
        self._file.close()

    def hold(self) -> bool:
        """Open it and hold it; tell whether nobody else does. Raises CheckError."""
        with _disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab", buffering=0)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                return False
            self._file = file
            _sync(self.path.parent)
        return True

    def read(self) -> LedgerFacts:
        """Read it. Raises CheckError."""
        with _disk_errors(self.path):
            return read_ledger(self.path.read_bytes())

    def begin(self, entry: LedgerEntry) -> None:
        """Write down that something is about to be made."""
        fields = {key: getattr(entry, key) for key in ("environment", "app", "step", "run", "url", "host", "values")}
        clean = entry.clean.model_dump(by_alias=True, exclude_unset=True)
        self._write("begin", entry.entry, **fields, clean=clean)

    def saved(self, entry: str, values: Mapping[str, Any]) -> None:
        """Write down what is known of it now that it was made."""
        self._write("saved", entry, values=values)

    def closed(self, entry: str, why: str) -> None:
        """Write down that it is gone, or never was."""
        self._write("closed", entry, why=why)

    def _write(self, event: str, entry: str, **fields: Any) -> None:
        if self._file is None and not self.hold():
            raise CheckError(f"the ledger {self.path} is held by another run")
        assert self._file is not None
        line = json.dumps({"event": event, "at": now(), "entry": entry, **fields}, ensure_ascii=False) + "\n"
        with _disk_errors(self.path):
            size = os.fstat(self._file.fileno()).st_size
            # What a power loss has cut off is a line of its own.
            whole = not size or _last_byte(self.path, size) == b"\n"
            unwritten = memoryview((b"" if whole else b"\n") + line.encode("utf-8", "surrogatepass"))
            while unwritten:
                unwritten = unwritten[self._file.write(unwritten) or 0 :]
            os.fsync(self._file.fileno())


def _last_byte(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return os.pread(file.fileno(), 1, size - 1)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class StoredLedger:
    """A ledger that is on this machine, and what is in it; `busy` while its run goes on. `unusable` says why it can be
    neither read nor written."""

    ledger: Ledger
    facts: LedgerFacts
    busy: bool = False
    unusable: str = ""


def stored(folder: Path) -> Iterator[StoredLedger]:
    """Yield every ledger of a folder, the oldest first, held until the next one is asked for. Raises CheckError."""
    with _disk_errors(folder):
        paths = sorted(folder.glob(f"*{SUFFIX}")) if folder.exists() else []
    for path in paths:
        with Ledger(path) as ledger:
            try:
                held = ledger.hold()
                each = StoredLedger(ledger, ledger.read(), busy=not held)
            except CheckError as error:
                each = StoredLedger(ledger, LedgerFacts(), unusable=error.message)
            # The run that held it may have ended in between, and have taken it away.
            if path.exists():
                yield each
