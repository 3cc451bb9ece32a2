"""EFFECT: the same transfer on many hosts at once. A host that fails does not stop the others."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import Protocol

from lockstitch.engine.fanout import FanoutOptions, results_of
from lockstitch.engine.nofollow import FolderBelow
from lockstitch.engine.transfer.download import Download
from lockstitch.engine.transfer.local_source import LocalSource
from lockstitch.engine.transfer.part_names import PartNames
from lockstitch.engine.transfer.remote_side import TransferHost, TransferLimits, TransferObserver
from lockstitch.engine.transfer.tree import TransferResult
from lockstitch.engine.transfer.upload import Upload
from lockstitch.errors import ExitCode, LockstitchError
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.results import HostResult
from lockstitch.remote import Remote


class Transfer(Protocol):
    """The transfer of one host, after both ends were compared."""

    def planned(self) -> TransferResult: ...

    def carry(self) -> TransferResult: ...


@dataclass(frozen=True)
class UploadRequest:
    """`put`: a source and its path on the hosts; `mode` for its files if they do not keep their own."""

    source: LocalSource
    target: str
    mode: int | None = None
    user: str = ""

    def prepare(self, far: TransferHost, names: PartNames) -> Transfer:
        return Upload(far, self.source, self.target, self.mode, names)


@dataclass(frozen=True)
class DownloadRequest:
    """`get`: a path on the hosts and a folder here, or a folder below it for each host name in `folders`."""

    path: str
    to: Path
    folders: Mapping[str, str] = field(default_factory=dict)
    user: str = ""

    def prepare(self, far: TransferHost, names: PartNames) -> Transfer:
        return Download(far, self.path, FolderBelow(self.to), self.folders.get(far.host.name, ""), names)


def carry(
    remote: Remote,
    hosts: Sequence[Host],
    what: UploadRequest | DownloadRequest,
    names: PartNames,
    way: FanoutOptions,
    observe: TransferObserver = lambda progress: None,
    *,
    dry: bool = False,
) -> tuple[dict[str, HostResult], dict[str, TransferResult]]:
    """Carry it to or from every host; with `dry` only compare. Returns the result of each host, and what was carried.

    An interrupt ends the transfers that run and starts no more; both have a result that says so.
    """
    moved: dict[str, TransferResult] = {}
    stopped = threading.Event()

    def carry_host(host: Host) -> HostResult:
        far = TransferHost(remote, host, what.user, TransferLimits(host.name, way.timeout, stopped), observe)
        try:
            transfer = what.prepare(far, names)
            moved[host.name] = transfer.planned() if dry else transfer.carry()
        except LockstitchError as error:
            return HostResult(error.exit_code, str(error).replace("\nHINT: ", " — "))
        return HostResult(ExitCode.DONE, moved[host.name].text(planned=dry), exit=0)

    tasks = {host.name: partial(carry_host, host) for host in hosts}
    return results_of(remote, tasks, way.at_once, stopped), moved
