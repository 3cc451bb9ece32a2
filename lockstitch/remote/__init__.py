"""The Remote protocol: what the engine asks of whatever carries scripts to hosts."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

from lockstitch.errors import ExitCode, HostError, HostLostError, LockstitchError
from lockstitch.model.results import Observer, Result, nobody

if TYPE_CHECKING:
    from lockstitch.model.host import Host
    from lockstitch.model.plan import Script


class InterruptedRunError(HostLostError):
    """Raised where a run on a host was ended by an interruption here."""

    exit_code = ExitCode.INTERRUPTED


class FileError(HostError):
    """A file of a host cannot be read or written; `missing` where there is none."""

    exit_code = ExitCode.CHECK_SAID_NO

    def __init__(self, host: str, message: str, *, hint: str = "", missing: bool = False) -> None:
        super().__init__(host, message, hint=hint)
        self.missing = missing


FileMode = Literal["rb", "wb"]


class Remote(Protocol):
    """Carries scripts to hosts, and files to and from them. Safe to call from several threads for different hosts and
    for the same one."""

    def connect(self, hosts: Iterable[Host]) -> dict[str, LockstitchError]:
        """Open one connection to each host at once; returns the errors by host name (empty: all are there)."""

    def run(self, host: Host, script: Script, observe: Observer = nobody) -> tuple[Result, ...]:
        """Carry out a script; a Result for each step that began, in order. The last one may have failed.

        Raises HostLostError when the connection drops or freezes, StepTimeoutError when a step takes too long (the
        command on the host has then been ended).
        """

    def open(self, host: Host, path: str, mode: FileMode, start: int = 0) -> AbstractContextManager[BinaryIO]:
        """A file of a host, read or written as a stream in constant memory, in order and by one thread at a time.

        A relative path starts at the login user's home. It goes on from `start`: of a file that is written, what is
        before it stays, and what is behind it goes. A file that is written is its owner's alone (0600), and is whole
        when the context ends without an error; on an error a part of it may be there. Raises FileError where it is
        missing, denied or does not fit, HostLostError when the connection drops or freezes.
        """

    def interrupt(self) -> None:
        """End whatever is running on any host, now; runs and files under way return or raise within seconds."""

    def close(self) -> None:
        """Close every connection."""
