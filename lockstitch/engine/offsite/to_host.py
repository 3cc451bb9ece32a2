"""`backup.push` to another host: every file goes through this machine, is compared there, and gets its name last."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from typing import BinaryIO

from lockstitch.databases.backup import MANIFEST
from lockstitch.engine.offsite.manifest import LONGEST_MANIFEST, Manifest, ManifestFile
from lockstitch.engine.offsite.sealed import names, recipients_of, seal, sealed_before
from lockstitch.engine.offsite.source import CHUNK, BackupSource, PushObserver, PushProgress, PushResult
from lockstitch.errors import CheckError, LockstitchError, UsageError
from lockstitch.model.command import Command
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Script, Step
from lockstitch.model.shell import shell_text
from lockstitch.remote import FileError, Remote
from lockstitch.text import oneline

_COMPARE = shell_text(__package__, "compare.sh")
_PREPARE = shell_text(__package__, "prepare.sh")
_FINISH = shell_text(__package__, "finish.sh")
_PREPARE_MANIFEST = 'set -eu; umask 077\ncd -- "$directory/$name"; rm -rf .new; mkdir .new\n'
_RENEW_MANIFEST = shell_text(__package__, "renew.sh")
_REMOVE = 'cd -- "$directory" 2>/dev/null && rm -rf -- ".$name.part"\nexit 0\n'
# An encrypted copy, `file`, with `note` beside it; `sums` is the line of sha256sum for the first.
_COMPARE_SEALED = r"""
cd -- "$directory" 2>/dev/null && printf '%s\n' "$sums" | sha256sum -c - >/dev/null 2>&1 && echo same || echo other
"""
_PREPARE_SEALED = shell_text(__package__, "prepare_sealed.sh")
_FINISH_SEALED = shell_text(__package__, "finish_sealed.sh")
_REMOVE_SEALED = 'cd -- "$directory" 2>/dev/null && rm -f -- ".$file.part" ".$note.part"\nexit 0\n'
_QUICK = 120.0
# What a slow disk reads in a second: comparing may take that long.
_SLOW = 10 << 20
_ROOM = 64 << 10


def push_to_host(source: BackupSource, to: Host, directory: str, observe: PushObserver) -> PushResult:
    """Copy a backup to a directory of another host, through this machine and in constant memory.

    A copy that is there is compared and left as it is. Raises CheckError if it has other files.
    """
    _refuse_same_host(source, to)
    manifest = source.manifest()
    target = _Target(source.remote, to, directory, source.name, manifest)
    state = target.look()
    if state == "other":
        said = f"{to.name}: {target.path} is there already, and is not this backup as it is on {source.host.name}"
        raise CheckError(said, hint="it was not touched; compare the two, and remove the one that is damaged")
    if state == "none":
        _push(source, target, PushProgress(observe, manifest.bytes))
    elif state == "older":
        target.renew_manifest()
    sent = len(manifest.files) if state == "none" else 0
    return PushResult(f"{to.name}: {target.path}", len(manifest.files), manifest.bytes, sent, state == "same")


def push_sealed_to_host(
    source: BackupSource, to: Host, directory: str, recipients: Sequence[str], observe: PushObserver
) -> PushResult:
    """Copy a backup to another host as one file that only the holders of these recipients' keys can read."""
    _refuse_same_host(source, to)
    keys, remote, manifest = recipients_of(recipients), source.remote, source.manifest()
    file, note = names(source.name)
    parts = {each: posixpath.join(directory, f".{each}.part") for each in (file, note)}
    ask = _asking(remote, to, {"directory": directory, "file": file, "note": note}, manifest.bytes)
    before = sealed_before(_small(remote, to, posixpath.join(directory, note)), manifest, source.name, to.name)
    already = before is not None and ask("compare what is there", _COMPARE_SEALED, sums=_sum(before.file)) == "same"
    if not already:
        ask("make room", _PREPARE_SEALED, needed=str((manifest.bytes + manifest.bytes // 1000 + _ROOM) // 1024))
        try:
            with remote.open(to, parts[file], "wb") as copy:
                sealed = seal(source, manifest, keys, copy, PushProgress(observe, manifest.bytes))
            with remote.open(to, parts[note], "wb") as beside:
                beside.write(sealed.note(recipients))
            ask("compare and name it", _FINISH_SEALED, sums=_sum(sealed.file))
        except BaseException:
            with suppress(LockstitchError):
                ask("remove what arrived", _REMOVE_SEALED)
            raise
    return PushResult(f"{to.name}: {posixpath.join(directory, file)}", 1, manifest.bytes, int(not already), already)


def _refuse_same_host(source: BackupSource, to: Host) -> None:
    if to.name == source.host.name:
        raise UsageError(f"{to.name} holds the backup itself", hint="name another host under offsite")


def _sum(file: ManifestFile) -> str:
    return f"{file.sha256}  {file.name}"


def _small(remote: Remote, host: Host, path: str) -> bytes:
    """Read a file that is no longer than a manifest; empty if there is none."""
    try:
        with remote.open(host, path, "rb") as file:
            return file.read(LONGEST_MANIFEST)
    except FileError as error:
        if not error.missing:
            raise
        return b""


def _push(source: BackupSource, target: _Target, progress: PushProgress) -> None:
    target.prepare()
    try:
        for file in target.manifest.files:
            with source.open(file, progress.of(file.name)) as stream, target.open(target.part, file.name) as copy:
                while not stream.whole:
                    copy.write(stream.read(CHUNK))
        target.write_manifest(target.part)
        target.ask("compare and name it", _FINISH)
    except BaseException as error:
        with suppress(LockstitchError):
            target.ask("remove what arrived", _REMOVE)
        if isinstance(error, LockstitchError):
            error.hint = error.hint or f"nothing on {target.host.name} looks like a backup of that name; type it again"
        raise


def _asking(remote: Remote, host: Host, known: Mapping[str, str], size: int) -> Callable[..., str]:
    """Return a function that runs a text on a host with more values; `size` bytes may have to be compared in it."""

    def ask(step: str, text: str, **more: str) -> str:
        command = Command(text, values={**known, **more})
        (result,) = remote.run(host, Script((Step(step, step, command, timeout=_QUICK + size / _SLOW),)))
        if not result.ok:
            said = oneline(result.output.strip()) or f"it ended with {result.code}"
            raise CheckError(f"{host.name}: could not {step}: {said}")
        return result.output.strip()

    return ask


@dataclass(frozen=True)
class _Target:
    """The place that a backup is pushed to."""

    remote: Remote
    host: Host
    directory: str
    name: str
    manifest: Manifest

    @property
    def path(self) -> str:
        return posixpath.join(self.directory, self.name)

    @property
    def part(self) -> str:
        """The name of the copy until it is finished."""
        return f".{self.name}.part"

    def open(self, folder: str, file: str) -> AbstractContextManager[BinaryIO]:
        return self.remote.open(self.host, posixpath.join(self.directory, folder, file), "wb")

    def look(self) -> str:
        """Compare what is there under the backup's name: `none`, `other`, `older` or `same`."""
        return self.ask("compare what is there", _COMPARE)

    def prepare(self) -> None:
        folders = {posixpath.dirname(file.name) for file in self.manifest.files}
        needed = str((self.manifest.bytes + len(self.manifest.raw) + _ROOM) // 1024)
        self.ask("make room", _PREPARE, {"needed": needed, "folders": "\n".join(sorted(folders))})

    def write_manifest(self, folder: str) -> None:
        with self.open(folder, MANIFEST) as file:
            file.write(self.manifest.raw)

    def renew_manifest(self) -> None:
        """Replace a manifest that has got more since, such as a proof."""
        self.ask("make room for the manifest", _PREPARE_MANIFEST)
        self.write_manifest(posixpath.join(self.name, ".new"))
        self.ask("compare and name the manifest", _RENEW_MANIFEST)

    def ask(self, step: str, text: str, more: Mapping[str, str] | None = None) -> str:
        """Run a text there, and return its output. Raises CheckError if it fails."""
        known = {"directory": self.directory, "name": self.name, **self._sums()}
        return _asking(self.remote, self.host, known, self.manifest.bytes)(step, text, **(more or {}))

    def _sums(self) -> dict[str, str]:
        """Return the lines that sha256sum compares there."""
        files = "\n".join(f"{file.sha256}  {file.name}" for file in self.manifest.files)
        return {"sums": files, "manifest": f"{hashlib.sha256(self.manifest.raw).hexdigest()}  {MANIFEST}"}
