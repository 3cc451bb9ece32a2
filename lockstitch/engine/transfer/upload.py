"""EFFECT: `put`: copies a file or a folder of this machine to one host."""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace

from lockstitch.engine.transfer import host_scripts
from lockstitch.engine.transfer.local_source import FileStamp, LocalSource
from lockstitch.engine.transfer.part_names import PartNames
from lockstitch.engine.transfer.remote_side import STAGE, TransferHost
from lockstitch.engine.transfer.tree import BIG_FILE, TransferResult, TreeEntry, batches
from lockstitch.errors import UsageError
from lockstitch.model.command import words
from lockstitch.model.format import sized
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.remote import FileError

_HINT_FULL = "see there with: df -h"


@dataclass(frozen=True)
class FileUpload:
    """One file to send: its path there, the part it is until it is whole, and how many bytes of that are there
    already. The checksum of a big one is empty until it is sent; its `stamp` tells whether it was changed meanwhile."""

    entry: TreeEntry
    path: str
    part: str
    sum: str
    mode: int
    stamp: FileStamp | None = None
    start: int = 0


class Upload:
    """The upload of one source to one host. The constructor compares both ends, `carry` copies."""

    def __init__(self, far: TransferHost, source: LocalSource, target: str, mode: int | None, names: PartNames) -> None:
        self._far, self._source, self._mode, self._names = far, source, mode, names
        self._at = self._where(plain(target))
        self._folders = self._missing()
        self._files, self._unchanged = self._differing()

    def planned(self) -> TransferResult:
        """Describe what `carry` would do."""
        size = sum(file.entry.size - file.start for file in self._files)
        resumed = sum(file.start > 0 for file in self._files)
        return TransferResult("send", self._at, len(self._files), size, self._unchanged, resumed)

    def carry(self) -> TransferResult:
        """Send the files that differ. Each is put in place once it has arrived whole."""
        self._room()
        far, source = self._far, self._source
        if self._folders:
            self._apply(host_scripts.MAKE, ((path, f"{mode | 0o700:o}") for path, mode in self._folders))
        whole = sum(file.entry.size for file in self._files)
        sent = sum(file.start for file in self._files)
        for batch in batches(self._files, lambda file: file.entry.size):
            try:
                for file in batch:
                    far.check()
                    sent = self._send(file, sent, whole)
            except FileError:
                # It does not fit or is refused there: a part would only be in the way. One that is cut off stays.
                far.clean(file.part for file in batch)
                raise
            self._install([self._with_sum(file) for file in batch])
        self._links()
        if source.tree.is_folder:
            made = dict(self._folders)
            folders = [(folder.under(self._at), folder.mode) for folder in reversed(source.tree.folders)]
            modes = [(path, f"{mode:o}") for path, mode in folders if path != self._at or path in made]
            self._apply(host_scripts.MODES, modes)
        return self.planned()

    def _where(self, target: str) -> str:
        """Return the path that the source gets: as with `scp`, inside a folder that exists, or itself in place of
        anything else."""
        source, far = self._source, self._far
        answer = far.ask(host_scripts.TARGET, ls_target=target, ls_name=source.name) or ["itself other"]
        how, kind, *real = answer[0].split()
        at = posixpath.join(target, source.name) if how == "inside" else target
        if how == "itself" and kind != "folder" and target.endswith("/") and not source.tree.is_folder:
            raise far.refused(f"there is no folder {target}", hint="without the last / it is the name of the file")
        if kind == "link":
            # A link that stands where a file goes leads to the file that is meant.
            at = base64.b64decode(real[0]).decode("utf-8", "surrogateescape") if real else at
        if kind == "other" or ((kind == "folder") != source.tree.is_folder and kind not in ("none", "link")):
            raise far.refused(f"{at} is {_KINDS[kind]} there, and not {_KINDS[source.tree.entries[0].kind]}")
        if kind == "link" and source.tree.is_folder:
            raise far.refused(f"{at} is a link there that leads to no folder")
        return at.rstrip("/") or "/"

    def _missing(self) -> list[tuple[str, int]]:
        """Return the folders to make, with their modes. Raises FileError if one that exists is no folder, or a link."""
        far, tree = self._far, self._source.tree
        above = posixpath.dirname(self._at) or "."
        asked = [above, *(folder.under(self._at) for folder in tree.folders)]
        answers: list[list[str]] = []
        for some in batches(asked, len):
            answers += [answer.split() for answer in far.answers(len(some), host_scripts.FOLDERS, many=some)]
        kinds = {path: kind for path, (kind, _) in zip(asked, answers, strict=True)}
        self._open = {path: is_open == "yes" for path, (_, is_open) in zip(asked, answers, strict=True)}
        if kinds[above] not in ("folder", "link"):
            said = f"there is no folder {above}, or {self._who()} may not enter it"
            raise far.refused(said, hint="make it with: fab … run -- mkdir -p DIR")
        for path in asked[1:]:
            if kinds[path] == "other" or (kinds[path] == "link" and path != self._at):
                raise far.refused(f"{path} is not a folder there, or a link to one: it is not followed")
        return [
            (folder.under(self._at), folder.mode) for folder in tree.folders if kinds[folder.under(self._at)] == "none"
        ]

    def _differing(self) -> tuple[list[FileUpload], int]:
        far, source = self._far, self._source
        sending: list[FileUpload] = []
        for batch in batches(source.tree.files, lambda entry: 0):
            asked = [(entry.under(self._at), str(entry.size)) for entry in batch]
            answers = far.answers(len(batch), host_scripts.FILES, many=(word for pair in asked for word in pair))
            for entry, (path, _), answer in zip(batch, asked, answers, strict=True):
                kind, *rest = answer.split()
                if kind in ("folder", "other"):
                    raise far.refused(f"{path} is {_KINDS[kind]} there, and not a file")
                mode, size = entry.mode if self._mode is None else self._mode, str(entry.size)
                stamp = source.stamp(entry) if entry.size >= BIG_FILE else None
                # Of another size it is another file, whatever its checksum.
                checksum = source.sum(entry, far.check) if stamp is None or rest[1:2] == [size] else ""
                if rest != [f"{mode:o}", size, checksum]:
                    content = checksum if stamp is None else f"{stamp.size} {stamp.modified}"
                    sending.append(FileUpload(entry, path, self._part(path, content), checksum, mode, stamp))
        return self._with_progress(sending), len(source.tree.files) - len(sending)

    def _with_progress(self, sending: list[FileUpload]) -> list[FileUpload]:
        """Return the files with the number of bytes that are there already. A part with other content begins again."""
        made: list[FileUpload] = []
        for batch in batches(sending, lambda file: 0):
            answers = self._far.answers(
                len(batch), host_scripts.PARTS, as_user=False, many=[file.part for file in batch]
            )
            for file, answer in zip(batch, answers, strict=True):
                size, *checksum = answer.split()
                start = int(size)
                same = 0 < start <= file.entry.size and checksum == [
                    self._source.prefix(file.entry, start, self._far.check)
                ]
                made.append(replace(file, start=start if same else 0))
        return made

    def _part(self, path: str, content: str) -> str:
        name = self._names.part(self._far.host.name, path, content)
        return posixpath.join(STAGE if self._far.user else posixpath.dirname(path), name)

    def _room(self) -> None:
        """Raise FileError before anything is sent if it would not fit, or if a folder cannot be written to."""
        far = self._far
        new = {path for path, _ in self._folders}
        above = posixpath.dirname(self._at) or "."
        needed = {posixpath.dirname(path) or "." for path in (*(file.path for file in self._files), *new)} - new
        for path in sorted(needed):
            if not self._open.get(path, True):
                said = f"{path} cannot be written in by {self._who()}: it is denied, or its file system is read-only"
                raise far.refused(said, hint="see there with: ls -ld, and: findmnt -T")
        size = sum(file.entry.size - (0 if far.user else file.start) for file in self._files)
        base = above if self._at in new or not self._source.tree.is_folder else self._at
        if size:
            self._fits(size, base, far.free(base))
        if self._files and far.user:
            far.ask(host_scripts.STAGE, as_user=False, ls_stage=STAGE)
            most = max(
                sum(file.entry.size - file.start for file in some)
                for some in batches(self._files, lambda x: x.entry.size)
            )
            self._fits(most, STAGE, far.free(STAGE, as_user=False))

    def _fits(self, size: int, folder: str, free: int) -> None:
        if size > free:
            said = f"{folder} has {sized(free)} free and {sized(size)} are needed; nothing was sent"
            raise self._far.refused(said, hint=_HINT_FULL)

    def _send(self, file: FileUpload, sent: int, whole: int) -> int:
        if file.start == file.entry.size and file.start:
            return sent
        far = self._far
        summing = nullcontext() if file.sum else self._source.summing(file.entry, far.check)
        with summing, far.open(file.part, "wb", file.start) as stream:
            for data in self._source.read(file.entry, file.start, file.entry.size, far.check):
                stream.write(data)
                sent += len(data)
                far.tell(sent, whole)
        return sent

    def _with_sum(self, file: FileUpload) -> FileUpload:
        """Return a file that was sent with its checksum. Raises FileError if the file was changed meanwhile."""
        far, source, entry = self._far, self._source, file.entry
        checksum = file.sum or source.sum(entry, far.check)
        if file.sum or file.stamp is None or (now := source.stamp(entry)) == file.stamp:
            return replace(file, sum=checksum)
        # A log may have grown, and a mode may be another.
        harmless = now.size > file.stamp.size or now.modified == file.stamp.modified
        same = harmless and now.file == file.stamp.file
        if not same or source.prefix(entry, entry.size, far.check) != checksum:
            far.clean([file.part])
            raise far.refused(f"{source.place(entry)} was changed while it was sent; {file.path} is as it was")
        return replace(file, sum=checksum)

    def _install(self, batch: list[FileUpload]) -> None:
        far = self._far
        answers = self._install_as_owner(batch) if far.user else self._install_as_login_user(batch)
        for file, answer in zip(batch, answers, strict=False):
            if answer != "ok":
                raise far.refused(self._why(file, answer))
        if len(answers) < len(batch):
            raise far.refused(f"{batch[len(answers)].path} could not be put in place")

    def _install_as_login_user(self, batch: list[FileUpload]) -> list[str]:
        listed = ((file.part, file.path, file.sum, f"{file.mode:o}") for file in batch)
        modes = {f"{file.mode:o}" for file in batch}
        return self._far.ask(
            host_scripts.INSTALL,
            many=(word for each in listed for word in each),
            ls_parts=words(*(file.part for file in batch)),
            ls_sums="\n".join(file.sum for file in batch),
            ls_mode=modes.pop() if len(modes) == 1 else "",
            ls_size=str(batch[0].entry.size) if len(batch) == 1 else "",
        )

    def _install_as_owner(self, batch: list[FileUpload]) -> list[str]:
        far = self._far
        listed = ((file.part, file.path, file.sum, f"{file.mode:o}", _beside(file.path, file.part)) for file in batch)
        many = (word for each in listed for word in each)
        return far.ask(
            host_scripts.INSTALL_AS, as_user=False, many=many, ls_user=far.user, ls_as=host_scripts.INSTALL_PART
        )

    def _why(self, file: FileUpload, answer: str) -> str:
        if answer == "gone":
            return f"the part of {file.path} has vanished: does somebody clean up there?"
        if answer == "refused":
            return f"{file.path} could not be put in place: {self._far.why() or 'it was not said why'}"
        place = self._source.place(file.entry)
        if self._source.prefix(file.entry, file.entry.size + 1, self._far.check) != file.sum:
            return f"{place} was changed while it was sent; {file.path} is as it was"
        return f"{file.path} did not arrive as it was sent, and is as it was"

    def _links(self) -> None:
        far = self._far
        for batch in batches(self._source.tree.links, lambda entry: 0):
            listed = [(link.under(self._at), link.link) for link in batch]
            named = ((path, link, _beside(path, self._names.part(far.host.name, path))) for path, link in listed)
            answers = far.answers(len(batch), host_scripts.LINKS, many=(word for each in named for word in each))
            for (path, _), answer in zip(listed, answers, strict=True):
                if answer not in ("ok", "same"):
                    raise far.refused(
                        f"the link {path} could not be put in place: {far.why() or 'it is a folder there'}"
                    )

    def _apply(self, text: str, pairs: Iterable[tuple[str, str]]) -> None:
        for some in batches(pairs, lambda pair: 0):
            self._far.ask(text, many=(word for pair in some for word in pair))

    def _who(self) -> str:
        return self._far.user or "the login user"


_KINDS = {"file": "a file", "folder": "a folder", "other": "a special file", "link": "a link"}


def plain(path: str) -> str:
    """Return a path of a host that no program takes for an option. Relative ones and `~/` begin at the user's home."""
    path = "." if path == "~" else path.removeprefix("~/") if path.startswith("~/") else path
    if not path:
        raise UsageError("there is no path on the host; nothing was done")
    return path if path.startswith(("/", "./")) or path == "." else f"./{path}"


def _beside(path: str, part: str) -> str:
    return posixpath.join(posixpath.dirname(path), posixpath.basename(part))
