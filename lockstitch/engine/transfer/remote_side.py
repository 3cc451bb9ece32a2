"""EFFECT: the host's side of a transfer. It is asked until its time is up or an interrupt comes."""

from __future__ import annotations

import base64
import binascii
import posixpath
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from typing import BinaryIO

from lockstitch.engine.fanout import DAY
from lockstitch.engine.transfer import host_scripts
from lockstitch.engine.transfer.tree import FileTree, TreeEntry, misplaced
from lockstitch.errors import LockstitchError, StepTimeoutError
from lockstitch.model.command import Command, words
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Script, Step
from lockstitch.model.results import Event, StepOutput
from lockstitch.remote import FileError, FileMode, InterruptedRunError, Remote

_HOME = "home of it: "
_ANSWER = "= "
_KINDS = {"f": "file", "d": "folder", "l": "link"}
_MOST_SAID = 3
# Where the login user keeps, on a host, what is on its way to or from another user.
STAGE = ".cache/lockstitch"
CLEANING = 10.0


@dataclass(frozen=True)
class TransferProgress:
    """The progress of one host, in bytes."""

    host: str
    transferred: int
    of: int


TransferObserver = Callable[[TransferProgress], None]


class TransferLimits:
    """The time limit of one host, and whether an interrupt came. `check` raises for both."""

    def __init__(self, host: str, seconds: float, stopped: threading.Event) -> None:
        self._host, self._seconds, self._stopped = host, seconds or DAY, stopped
        self._until = time.monotonic() + self._seconds

    def check(self) -> None:
        if self._stopped.is_set():
            raise InterruptedRunError(self._host, "interrupted")
        if self.remaining() <= 0:
            raise StepTimeoutError(self._host, f"it took longer than {self._seconds:g} s and was ended")

    def remaining(self) -> float:
        return self._until - time.monotonic()


class TransferHost:
    """One host. Scripts run as the owner of the files, or as the login user with `as_user=False`."""

    def __init__(
        self, remote: Remote, host: Host, user: str, patience: TransferLimits, observe: TransferObserver
    ) -> None:
        self.host, self.user, self.check = host, user, patience.check
        self._remote, self._patience, self._observe = remote, patience, observe
        self.complaints: list[str] = []
        self._home = ""

    def tell(self, transferred: int, of: int) -> None:
        """Pass the progress on."""
        self._observe(TransferProgress(self.host.name, transferred, of))

    def open(self, path: str, mode: FileMode, start: int = 0) -> AbstractContextManager[BinaryIO]:
        # A profile may leave the SFTP server elsewhere than a script: relative is to where scripts of that user begin.
        return self._remote.open(self.host, posixpath.join(self._home, path), mode, start)

    def refused(self, message: str, *, hint: str = "") -> FileError:
        return FileError(self.host.name, message, hint=hint)

    def ask(self, text: str, *, as_user: bool = True, many: Iterable[str] = (), **values: str) -> list[str]:
        """Run a text on the host. Returns the lines of its answer, without their mark. Raises FileError if it fails."""
        lines, ok = self._run(text, as_user, {"ls_list": words(*many), **values})
        self.complaints = [line for line in lines if not line.startswith(_ANSWER)]
        if not ok:
            raise self.refused(self.why() or "it said no, and not why")
        return [line.removeprefix(_ANSWER) for line in lines if line.startswith(_ANSWER)]

    def clean(self, paths: Iterable[str]) -> None:
        """Remove files of the login user as far as possible, also after an interrupt."""
        step = Step("clean", "", Command(host_scripts.DROP, values={"ls_list": words(*paths)}), timeout=CLEANING)
        with suppress(LockstitchError):
            self._remote.run(self.host, Script((step,)))

    def why(self) -> str:
        """Return the complaints of programs in the last answer."""
        return "; ".join(self.complaints[-_MOST_SAID:])

    def answers(
        self, expected: int, text: str, *, as_user: bool = True, many: Iterable[str] = (), **values: str
    ) -> list[str]:
        """Run a text like `ask`, and raise FileError unless it answers with `expected` lines."""
        lines = self.ask(text, as_user=as_user, many=many, **values)
        if len(lines) != expected:
            raise self.refused(self.why() or f"it gave {len(lines)} answers to {expected} questions")
        return lines

    def free(self, folder: str, *, as_user: bool = True) -> int:
        """Return the number of bytes that are free at a folder."""
        (kib,) = self.answers(1, host_scripts.FREE, as_user=as_user, ls_folder=folder)
        return int(kib) * 1024

    def list_tree(self, path: str) -> FileTree | None:
        """List the entries at a path; None if there is nothing."""
        answers, listing = self._run_base64(host_scripts.LIST, path)
        kind, *rest = answers[0].split() if answers else ["none"]
        if kind == "none":
            return None
        if kind == "other":
            raise self.refused(f"{path} is a special file and cannot be fetched")
        if kind == "file":
            return FileTree((TreeEntry("", "file", int(rest[0], 8) & 0o777, int(rest[1]), stamp=rest[2]),))
        return self._tree(path, listing.split(b"\0")[:-1])

    def sums(self, path: str, tree: FileTree) -> dict[str, str]:
        """Return the checksum of every file of a tree, by its path."""
        checksums: dict[str, str] = {}
        for line in self._run_base64(host_scripts.SUMS, path)[1].split(b"\0")[:-1]:
            place = line[66:].decode("utf-8", "surrogateescape")
            checksums[place[len(path) :].lstrip("/")] = line[:64].decode("ascii", "replace")
        if missing := [entry.under(path) for entry in tree.files if entry.path not in checksums]:
            raise self.refused(f"{missing[0]} cannot be read", hint="--sudo or --user NAME reads files of others")
        return checksums

    def _run(self, text: str, as_user: bool, values: dict[str, str]) -> tuple[list[str], bool]:
        self.check()
        lines: list[str] = []

        def hear(event: Event) -> None:
            if not isinstance(event, StepOutput):
                return
            if not event.line.startswith(_HOME):
                lines.append(event.line)
            elif not (as_user and self.user):
                self._home = event.line.removeprefix(_HOME)

        command = Command(f'printf "{_HOME}%s\\n" "$PWD"\n{text}', values=values)
        step = Step("files", "", command, timeout=max(1.0, self._patience.remaining()))
        script = Script((step,), user=self.user or None if as_user else None)
        results = self._remote.run(self.host, script, hear)
        return lines, all(result.ok for result in results)

    def _run_base64(self, text: str, path: str) -> tuple[list[str], bytes]:
        """Return the lines of an answer, and the bytes that follow as base64."""
        lines, ok = self._run(text, as_user=True, values={"ls_path": path})
        answers = [line.removeprefix(_ANSWER) for line in lines if line.startswith(_ANSWER)]
        coded = [line for line in lines if not line.startswith(_ANSWER)]
        try:
            return answers, base64.b64decode("".join(coded) if ok else "!", validate=True)
        except binascii.Error as error:
            said = "; ".join(coded[-_MOST_SAID:]) or "what it says of its files cannot be read"
            raise self.refused(said, hint="--sudo or --user NAME reads files of others") from error

    def _tree(self, path: str, fields: list[bytes]) -> FileTree:
        texts = [field.decode("utf-8", "surrogateescape") for field in fields]
        records = list(zip(texts[::3], texts[1::3], texts[2::3], strict=True))
        if not records or records.pop()[0] != "end 0":
            self.ask(host_scripts.WHY, ls_path=path)
        entries = []
        for what, place, link in records:
            kind, mode, size = what.split(" ")
            if place.rpartition("/")[2].startswith(".lockstitch-") and place.endswith(".part"):
                continue  # what an interrupted `put` has left there
            if kind not in _KINDS:
                raise self.refused(f"{path}/{place} is a special file and cannot be fetched")
            entries.append(TreeEntry(place, _KINDS[kind], int(mode, 8) & 0o777, int(size) * (kind == "f"), link))  # type: ignore[arg-type]
        # By folder, so that each stands before what is in it.
        tree = FileTree(tuple(sorted(entries, key=lambda entry: entry.path.split("/") if entry.path else [])))
        if not tree.entries or tree.entries[0] != TreeEntry("", "folder", tree.entries[0].mode):
            raise self.refused(f"it does not say what is in {path}")
        if (bad := misplaced(tree.entries)) is not None:
            raise self.refused(f"what it says is in {path} is not within it: {bad}")
        return tree
