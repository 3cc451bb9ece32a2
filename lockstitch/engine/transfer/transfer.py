"""EFFECT: the same transfer for many hosts at once; every host finishes, whatever becomes of the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from lockstitch.concurrency import at_once
from lockstitch.engine.fanout import NOT_BEGUN, Way
from lockstitch.engine.nofollow import Below
from lockstitch.engine.transfer.download import Get
from lockstitch.engine.transfer.local_source import Source
from lockstitch.engine.transfer.part_names import Names
from lockstitch.engine.transfer.remote_side import Far, Patience, Told
from lockstitch.engine.transfer.result import Moved
from lockstitch.engine.transfer.upload import Put
from lockstitch.errors import ExitCode, LockstitchError
from lockstitch.model.host import Host
from lockstitch.model.results import Done
from lockstitch.remote import Remote


class Carrying(Protocol):
    """One host's transfer, which has looked at both ends."""

    def planned(self) -> Moved: ...

    def carry(self) -> Moved: ...


@dataclass(frozen=True)
class Send:
    """`put`: a source to a path; `mode` for its files, where they do not keep their own."""

    source: Source
    target: str
    mode: int | None = None
    user: str = ""

    def looked(self, far: Far, names: Names) -> Carrying:
        return Put(far, self.source, self.target, self.mode, names)


@dataclass(frozen=True)
class Fetch:
    """`get`: a path to a folder, or to the folders below it that `folders` has by the names of hosts."""

    path: str
    to: Path
    folders: Mapping[str, str] = field(default_factory=dict)
    user: str = ""

    def looked(self, far: Far, names: Names) -> Carrying:
        return Get(far, self.path, Below(self.to), self.folders.get(far.host.name, ""), names)


def carry(
    remote: Remote,
    hosts: Sequence[Host],
    what: Send | Fetch,
    names: Names,
    way: Way,
    told: Told = lambda progress: None,
    *,
    dry: bool = False,
) -> tuple[dict[str, Done], dict[str, Moved]]:
    """Carry it to or from every host, or only look what there is to do; how each ended, and what was carried.

    An interrupt ends what goes on, and what has not begun does not begin; both are told in what is returned.
    """
    done: dict[str, Done] = {}
    moved: dict[str, Moved] = {}
    stopped = threading.Event()

    def stop() -> None:
        stopped.set()
        remote.interrupt()

    def one(host: Host) -> None:
        began = time.monotonic()
        far = Far(remote, host, what.user, Patience(host.name, way.timeout, stopped), told)

        def do() -> Moved:
            looked = what.looked(far, names)
            return looked.planned() if dry else looked.carry()

        ended = _ended(do, host.name, moved, dry=dry)
        done[host.name] = replace(ended, seconds=time.monotonic() - began)

    try:
        at_once(one, hosts, stop, most=way.at_once)
    except KeyboardInterrupt:
        stop()
    return {host.name: done.get(host.name, Done(ExitCode.INTERRUPTED, NOT_BEGUN)) for host in hosts}, moved


def _ended(do: Callable[[], Moved], host: str, moved: dict[str, Moved], *, dry: bool) -> Done:
    try:
        moved[host] = do()
    except LockstitchError as error:
        return Done(error.exit_code, str(error).replace("\nHINT: ", " — "))
    return Done(ExitCode.DONE, moved[host].text(planned=dry), exit=0)
