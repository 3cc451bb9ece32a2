"""EFFECT: files that were signed with a stage, kept beside the record of their run, and compared with what was signed."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from lockstitch.engine.runbooks.record import command_events
from lockstitch.errors import CheckError, UsageError
from lockstitch.model.format import sized
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.runbooks.statement import SignedFile, read_statement

MOST_BYTES = 10 * 1024 * 1024
_FOLDER = "attachments"
_LONGEST_NAME = 80
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True)
class Attachment:
    """A file to be signed: its name, and its content as it was read once."""

    name: str
    content: bytes

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of its content."""
        return hashlib.sha256(self.content).hexdigest()


def read_attachment(path: str) -> Attachment:
    """Return a file to be signed. Raises UsageError where it cannot be read, or is too large to be kept."""
    try:
        content = _content(Path(path).expanduser())
    except OSError as error:
        raise UsageError(f"--file {path} cannot be read: {_said(error)}") from error
    if content is None:
        raise UsageError(
            f"--file {path} is larger than {sized(MOST_BYTES)}, and would not be kept; nothing was signed",
            hint="store it where it can be found, and sign a file with its place and its SHA-256",
        )
    return Attachment(os.path.basename(path), content)


def keep_attachment(run: Path, attachment: Attachment) -> None:
    """Keep a file in the folder of a run, whole or not at all; nobody else reads it. Raises CheckError where that
    fails."""
    path = _place(run, attachment.name, attachment.digest)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(attachment.content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise CheckError(f"{attachment.name} cannot be kept, and was not signed: {_said(error)}: {path}") from error


def signed_files(runs: Path, run: str) -> tuple[SignedFile, ...]:
    """Return the files that were signed in a run that this machine has a record of, each compared with what was signed.
    Raises CheckError where the record cannot be read."""
    return tuple(_signed(runs / run, command_events(runs, run) or ()))


def _signed(folder: Path, events: Iterable[Mapping[str, Any]]) -> Iterator[SignedFile]:
    for event in events:
        if event.get("event") != "signed":
            continue
        stage, signer = str(event.get("stage") or ""), str(event.get("signer") or "")
        try:
            statement = read_statement(str(event.get("text")))
        except ValueError as error:
            yield SignedFile(stage, signer, problem=f"what was signed cannot be read: {error}")
            continue
        if statement.file_hash:
            name, digest = statement.file, statement.file_hash
            yield SignedFile(stage, signer, name, digest, *_kept(_place(folder, name, digest), digest))


def _kept(path: Path, digest: str) -> tuple[bytes, str]:
    """Return the content of a file that was kept, or why there is none."""
    try:
        content = _content(path)
    except FileNotFoundError:
        return b"", "it was not kept here"
    except OSError as error:
        return b"", f"it cannot be read: {_said(error)}: {path}"
    if content is None or hashlib.sha256(content).hexdigest() != digest:
        return b"", f"it is not what was signed any more: {path}"
    return content, ""


def _place(run: Path, name: str, digest: str) -> Path:
    # A statement is what its signer wrote: neither the name nor the hash leads elsewhere.
    return run / _FOLDER / f"{_safe(digest)[:64]}-{_safe(name)[-_LONGEST_NAME:]}"


def _safe(text: str) -> str:
    return _UNSAFE.sub("_", text)


def _content(path: Path) -> bytes | None:
    """Return the content of a regular file; None where it is too large. Raises OSError."""
    # A FIFO that nobody writes to would be waited for.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(0, "it is not a regular file")
        content = file.read(MOST_BYTES + 1)
    return content if len(content) <= MOST_BYTES else None


def _said(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
