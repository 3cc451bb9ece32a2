"""A host that is sent to and fetched from, and what is then where."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from lockstitch.engine.fanout import FanoutOptions
from lockstitch.engine.transfer import DownloadRequest, LocalSource, PartNames, TransferResult, UploadRequest, carry
from lockstitch.model.host import Address, Host
from lockstitch.model.results import HostResult
from lockstitch.remote import Remote
from tests.local import LocalRemote

HOST = Host("api1", Address("api1"))
# What a thing is: its mode, and what is in it or what it leads to.
Thing = tuple[str, int, bytes]


@dataclass
class Place:
    """The host api1, whose home is the folder `home` of this machine."""

    remote: Remote
    names: PartNames
    home: Path

    @classmethod
    def of_folders(cls, root: Path, names: PartNames) -> Place:
        remote = LocalRemote(root)
        return cls(remote, names, remote.home("api1"))

    @property
    def local(self) -> LocalRemote:
        assert isinstance(self.remote, LocalRemote)
        return self.remote

    def put(
        self, what: Path | str, to: Path | str, mode: int | None = None
    ) -> tuple[HostResult, TransferResult | None]:
        done, moved = carry(
            self.remote, [HOST], UploadRequest(LocalSource(str(what)), str(to), mode), self.names, FanoutOptions()
        )
        return done["api1"], moved.get("api1")

    def get(self, what: Path | str, to: Path) -> tuple[HostResult, TransferResult | None]:
        fetch = DownloadRequest(str(what), to)
        done, moved = carry(self.remote, [HOST], fetch, self.names, FanoutOptions())
        return done["api1"], moved.get("api1")


def things(root: Path) -> dict[bytes, Thing]:
    """All that is below a folder, by its path in bytes."""
    found: dict[bytes, Thing] = {b"": thing(os.fsencode(root))}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            found[os.path.relpath(path, os.fsencode(root))] = thing(path)
    return found


def thing(path: bytes) -> Thing:
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode):
        return "link", 0, os.readlink(path)
    if stat.S_ISDIR(found.st_mode):
        return "folder", stat.S_IMODE(found.st_mode), b""
    with open(path, "rb") as file:
        return "file", stat.S_IMODE(found.st_mode), file.read()


def parts(*folders: Path) -> list[Path]:
    """The parts that lie about in these folders."""
    return [part for folder in folders for part in folder.rglob(".lockstitch-*")]
