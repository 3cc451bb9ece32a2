"""EFFECT: `get`: copies a file or a folder from one host to this machine."""

from __future__ import annotations

import posixpath
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import BinaryIO

from lockstitch.concurrency import in_background
from lockstitch.engine.nofollow import FolderBelow
from lockstitch.engine.transfer import host_scripts
from lockstitch.engine.transfer.local_source import pieces
from lockstitch.engine.transfer.local_target import (
    PartWriter,
    file_state,
    has_size,
    link_in_place,
    make_folder,
    obstacle,
    set_modes,
)
from lockstitch.engine.transfer.part_names import PartNames
from lockstitch.engine.transfer.remote_side import STAGE, TransferHost
from lockstitch.engine.transfer.tree import BIG_FILE, EntryKind, TransferResult, TreeEntry
from lockstitch.engine.transfer.upload import plain
from lockstitch.errors import ConnectError
from lockstitch.model.format import sized
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.remote import FileError


@dataclass(frozen=True)
class FileDownload:
    """One file to fetch: its path there, its place here, its checksum, and the part it is until it is whole. The
    checksum of a big one is empty until it is fetched."""

    entry: TreeEntry
    path: str
    place: str
    sum: str
    part: str
    start: int = 0


class Download:
    """The download of one path from one host. The constructor compares both ends, `carry` copies."""

    def __init__(self, far: TransferHost, path: str, below: FolderBelow, folder: str, names: PartNames) -> None:
        self._far, self._names, self._path = far, names, plain(path)
        tree = far.list_tree(self._path)
        if tree is None:
            raise far.refused(f"there is no {path}, or {far.user or 'the login user'} may not see it")
        if path.endswith("/") and not tree.is_folder:
            raise far.refused(f"{path} is a file, and no folder")
        self._tree, self._below, self._folder = tree, below, folder
        name = posixpath.basename(self._path.rstrip("/"))
        # `folder/.` stands for what is in it, as for `cp`.
        self._at = folder if name in ("", ".", "..") else posixpath.join(folder, name)
        self._refuse_what_stands_in_the_way()
        self._files, self._unchanged = self._differing()

    def planned(self) -> TransferResult:
        """Describe what `carry` would do."""
        size = sum(download.entry.size - download.start for download in self._files)
        resumed = sum(download.start > 0 for download in self._files)
        return TransferResult(
            "fetch", str(self._below.shown(self._at)), len(self._files), size, self._unchanged, resumed
        )

    def carry(self) -> TransferResult:
        """Fetch the files that differ. Each is put in place once it has arrived whole."""
        far, tree, below = self._far, self._tree, self._below
        made = [self._folder] if make_folder(below, self._folder, 0o777) else []
        for folder in tree.folders:
            made += [self._place(folder)] if make_folder(below, self._place(folder), folder.mode | 0o700) else []
        self._room()
        whole = sum(download.entry.size for download in self._files)
        received = sum(download.start for download in self._files)
        for download in self._files:
            far.check()
            self._fetch(download, received, whole)
            received += download.entry.size - download.start
        for link in tree.links:
            part = self._names.part(far.host.name, str(below.shown(self._place(link))))
            link_in_place(below, self._place(link), link.link, part)
        folders = [(self._place(folder), folder.mode) for folder in reversed(tree.folders)]
        set_modes(below, ((place, mode) for place, mode in folders if place != self._at or place in made))
        return self.planned()

    def _place(self, entry: TreeEntry) -> str:
        return entry.under(self._at)

    def _refuse_what_stands_in_the_way(self) -> None:
        places: list[tuple[str, EntryKind]] = [(self._place(entry), entry.kind) for entry in self._tree.entries]
        for place, kind in [(self._folder, "folder"), *places]:
            if said := obstacle(self._below, place, kind):
                raise self._far.refused(said)

    def _differing(self) -> tuple[list[FileDownload], int]:
        sums = self._sums()
        fetching: list[FileDownload] = []
        for entry in self._tree.files:
            checksum, place = sums[entry.path], self._place(entry)
            state = (entry.mode, entry.size, checksum)
            if checksum and file_state(self._below, place, entry.size, self._far.check) == state:
                continue
            content = entry.stamp if self._is_big else checksum
            part = self._names.part(self._far.host.name, str(self._below.shown(place).absolute()), content)
            part = posixpath.join(posixpath.dirname(place), part)
            path = entry.under(self._path)
            start = self._kept(path, part, entry.size)
            fetching.append(FileDownload(entry, path, place, checksum, part, start))
        return fetching, len(self._tree.files) - len(fetching)

    def _sums(self) -> dict[str, str]:
        if self._tree.is_folder:
            return self._far.sums(self._path, self._tree)
        (entry,) = self._tree.entries
        if self._is_big and not has_size(self._below, self._place(entry), entry.size):
            return {"": ""}
        # Of exactly as much as will be fetched: a log may be longer by now.
        return {"": self._beginning(self._path, entry.size)}

    @property
    def _is_big(self) -> bool:
        return not self._tree.is_folder and self._tree.entries[0].size >= BIG_FILE

    def _kept(self, path: str, part: str, size: int) -> int:
        """Return how many bytes of a part here are the beginning of the file there."""
        there = file_state(self._below, part, None, self._far.check)
        if there is None or not 0 < there[1] <= size:
            return 0
        return there[1] if self._beginning(path, there[1]) == there[2] else 0

    def _beginning(self, path: str, size: int) -> str:
        checksum: str = self._far.answers(1, host_scripts.BEGINNING, ls_path=path, ls_size=str(size))[0]
        return checksum

    def _room(self) -> None:
        size = sum(download.entry.size - download.start for download in self._files)
        folder = self._below.shown(self._folder)
        free = shutil.disk_usage(folder).free
        if size > free:
            said = f"{folder} has {sized(free)} free and {sized(size)} are needed; nothing was fetched"
            raise self._far.refused(said, hint="see here with: df -h")

    def _fetch(self, download: FileDownload, received: int, whole: int) -> None:
        far = self._far
        checksum = self._sum_of(download)
        with PartWriter(self._below, download.part, download.start, far.check) as arriving:
            try:
                for size in self._read(download, arriving, download.entry.size):
                    received += size
                    far.tell(received, whole)
                if arriving.sum != checksum() or (not download.sum and self._was_changed(download)):
                    self._again(download, arriving)
            except FileError:
                arriving.drop()
                raise
            arriving.put_in_place(posixpath.basename(download.place), download.entry.mode)

    def _sum_of(self, download: FileDownload) -> Callable[[], str]:
        """Have the checksum made on the host, unless it is known; the answer waits for it."""
        if download.sum:
            return lambda: download.sum
        # Its answers do not mix with those to what is asked meanwhile.
        far, size = copy(self._far), str(download.entry.size)
        asking = in_background(lambda: far.answers(1, host_scripts.BEGINNING, ls_path=download.path, ls_size=size)[0])

        def answer() -> str:
            try:
                return asking.result()
            except ConnectError:
                # A host may allow one session at a time, and the file is no longer open.
                return self._beginning(download.path, download.entry.size)

        return answer

    def _was_changed(self, download: FileDownload) -> bool:
        tree = self._far.list_tree(download.path)
        return tree is None or tree.entries[0].stamp != download.entry.stamp

    def _read(self, download: FileDownload, arriving: PartWriter, end: int) -> Iterator[int]:
        """Fetch the missing bytes up to `end`. Yields the size of each piece."""
        with self._open(download, arriving.size, end) as file:
            for data in pieces(file, end - arriving.size, self._far.check):
                arriving.write(data)
                yield len(data)

    def _again(self, download: FileDownload, arriving: PartWriter) -> None:
        """Fetch what a file has got since it was compared. Raises FileError if it was changed in another way."""
        ((size, checksum),) = [
            answer.split() for answer in self._far.answers(1, host_scripts.NOW, ls_path=download.path)
        ]
        if self._beginning(download.path, arriving.size) == arriving.sum:
            for _ in self._read(download, arriving, int(size)):
                pass
        if (arriving.size, arriving.sum) != (int(size), checksum):
            place = self._below.shown(download.place)
            raise self._far.refused(f"{download.path} was changed while it was fetched; {place} is as it was")

    @contextmanager
    def _open(self, download: FileDownload, start: int, end: int) -> Iterator[BinaryIO]:
        far = self._far
        if not far.user:
            with far.open(download.path, "rb", start) as file:
                yield file
            return
        copy = posixpath.join(STAGE, posixpath.basename(download.part))
        try:
            self._copy(download.path, copy, end)
            with far.open(copy, "rb", start) as file:
                yield file
        finally:
            far.clean([copy])

    def _copy(self, path: str, copy: str, size: int) -> None:
        """Copy another user's file to where the login user may read it."""
        far = self._far
        far.ask(host_scripts.STAGE, as_user=False, ls_stage=STAGE)
        if (free := far.free(STAGE, as_user=False)) < size:
            said = f"{STAGE} has {sized(free)} free, and {path} is copied there first"
            raise far.refused(said, hint=f"it is {sized(size)}; see there with: df -h")
        far.ask(host_scripts.COPY, as_user=False, ls_user=far.user, ls_path=path, ls_copy=copy, ls_size=str(size))
