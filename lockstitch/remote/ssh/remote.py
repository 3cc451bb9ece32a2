"""The Remote over SSH: one connection a host, kept open, and one round trip a script."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from fabric import Config

from lockstitch.concurrency import in_background, listening
from lockstitch.errors import ConnectError, HostLostError, LockstitchError
from lockstitch.model.command import any_shell
from lockstitch.model.host import Host
from lockstitch.model.plan import Script
from lockstitch.model.results import Observer, Result, nobody
from lockstitch.remote import FileMode, InterruptedRunError
from lockstitch.remote.script import ScriptOutput, render
from lockstitch.remote.ssh.cancellation import CancelScope
from lockstitch.remote.ssh.channels import SPARES, ChannelPool, sftp_session
from lockstitch.remote.ssh.files import opened
from lockstitch.remote.ssh.forward import forwarded
from lockstitch.remote.ssh.interactive import interact
from lockstitch.remote.ssh.network import Network
from lockstitch.remote.ssh.script_run import ScriptRun
from lockstitch.remote.ssh.shell import BROKEN, NotSentError

NOT_BEGUN = "interrupted before it began"
# Linux takes no longer argument than 128 KiB.
LONGEST_ARGUMENT = 100_000
T = TypeVar("T")


class SshRemote:
    """Carries scripts to hosts over SSH.

    `config` is Fabric's, with what the command line said (-i, -t, -S, the prompts); `connect_kwargs` go over it.
    `spares` is how many shells wait on each connection for the next script; 0 where each host will be given just one.
    `typed` is how a host is called on the command line (`prod:web1`), for hints; `root` is the project's folder, from
    which files in an inventory are named.
    """

    def __init__(
        self,
        config: Config | None = None,
        connect_kwargs: Mapping[str, Any] | None = None,
        typed: Mapping[str, str] | None = None,
        root: Path | str = "",
    ) -> None:
        self.network = Network(config, connect_kwargs, typed, root)
        self._lines: dict[Host, ChannelPool] = {}
        # Errors of those that nobody had asked for yet.
        self._failed: dict[Host, LockstitchError] = {}
        self._doors: dict[Host, threading.Lock] = {}
        self._carries: set[ScriptRun] = set()
        self._lock = threading.Lock()
        self.spares = SPARES

    def connect(self, hosts: Iterable[Host]) -> dict[str, LockstitchError]:
        """Open one connection to each host at once; returns the errors by host name."""
        try:
            with listening() as ear:
                opening = {host: in_background(partial(self._line, host)) for host in dict.fromkeys(hosts)}
                ear.wait(opening.values())
        except BaseException:
            self.network.interrupt()
            raise
        errors: dict[str, LockstitchError] = {}
        for host, line in opening.items():
            error = line.exception()
            if isinstance(error, LockstitchError):
                errors[host.name] = error
            elif error is not None:
                raise error
        return errors

    def connect_ahead(self, hosts: Iterable[Host]) -> None:
        """Begin to connect to hosts that will be asked soon, and return at once. Whoever asks a host first waits for
        it, or is told why it cannot be reached."""
        for host in dict.fromkeys(hosts):
            in_background(partial(self._line, host, ahead=True))

    def run(self, host: Host, script: Script, observe: Observer = nobody) -> tuple[Result, ...]:
        """Carry out a script on a host, connecting to it first where that is not done or was lost."""
        if not script.steps:
            return ()
        round_ = self.network.round
        return self._begun(host, round_, lambda: self._carry(host, script, observe, round_))

    @contextmanager
    def open(self, host: Host, path: str, mode: FileMode, start: int = 0) -> Iterator[BinaryIO]:
        """A file of a host as a stream, over SFTP; `lockstitch.remote` says what is promised of it."""
        round_ = self.network.round
        with ExitStack() as stack:
            yield self._begun(host, round_, lambda: stack.enter_context(self._file(host, path, mode, start, round_)))

    def logged_in_with(self, host: Host) -> bytes:
        """The public key that a host has let us in with, as authorized_keys has it in base64; empty: a password."""
        return self._line(host).connection.logged_in_with

    def forward(self, host: Host, address: str, port: int, seconds: float) -> socket.socket:
        """Return a connection to a server as the host reaches it. Raises HostError."""
        return forwarded(self._line(host).connection, address, port, seconds)

    def interact(self, host: Host, command_line: str) -> int:
        """Join this terminal to a command on a host; its exit code."""
        return interact(self._line(host).connection, command_line)

    def interrupt(self) -> None:
        """End whatever is running on any host, and give up whatever is being opened."""
        self.network.interrupt()
        with self._lock:
            carries = list(self._carries)
        for carry in carries:
            carry.interrupt()

    def close(self) -> None:
        """Close every connection, gateways last."""
        self.network.interrupt()
        with self._lock:
            lines, self._lines = list(self._lines.values()), {}
        with listening() as ear:
            ear.wait([in_background(line.close) for line in lines])
        self.network.close()

    def __enter__(self) -> SshRemote:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _begun(self, host: Host, round_: CancelScope, do: Callable[[], T]) -> T:
        """Return what `do` returns, on a line that is alive."""
        try:
            try:
                return do()
            except NotSentError:
                # A line or a shell that died while it waited: nothing was done, so it may be asked for again.
                return do()
        except NotSentError as error:
            raise ConnectError(host.name, f"the host does not start a shell: {error}") from error
        except ConnectError as error:
            if round_.stopped.is_set():
                raise InterruptedRunError(host.name, NOT_BEGUN) from error
            raise

    def _file(
        self, host: Host, path: str, mode: FileMode, start: int, round_: CancelScope
    ) -> AbstractContextManager[BinaryIO]:
        line = self._line(host)
        return opened(sftp_session(line), line, round_, path, mode, start)

    def _carry(self, host: Host, script: Script, observe: Observer, round_: CancelScope) -> tuple[Result, ...]:
        line = self._line(host)
        nonce = secrets.token_hex(16)
        text = render(script, nonce)
        try:
            early = render(script, nonce, line.patience) if _may_be_seen(script, text) else None
            shell = line.take(script.user, early, more=not script.final)
        except BROKEN as error:
            if line.frozen:
                raise HostLostError(host.name, line.died_of) from error
            raise NotSentError(str(error) or "the connection dropped") from error
        carry = ScriptRun(host.name, line, shell, script, ScriptOutput(host.name, script, nonce, observe))
        try:
            with self._lock:
                if round_.stopped.is_set():
                    raise InterruptedRunError(host.name, NOT_BEGUN)
                self._carries.add(carry)
            return carry.run(text)
        finally:
            with self._lock:
                self._carries.discard(carry)
            line.give_back(shell)

    def _line(self, host: Host, *, ahead: bool = False) -> ChannelPool:
        """The open connection to a host; of several who ask, one opens it."""
        with self._lock:
            door = self._doors.setdefault(host, threading.Lock())
        with door:
            line = self._lines.get(host)
            if line is not None and line.alive:
                return line
            if line is not None:
                line.close()
            if (failure := self._failed.pop(host, None)) is not None:
                raise failure
            round_ = self.network.round
            try:
                connection = self.network.connection(host)
                connection.open()
            except LockstitchError as error:
                if ahead and not round_.stopped.is_set():
                    self._failed[host] = error
                raise
            self._lines[host] = line = ChannelPool(connection, self.spares)
            line.warm(None)
            return line


def _may_be_seen(script: Script, text: str) -> bool:
    """Tell whether a script may be a command line, which the host's other users see: a question without secrets."""
    if script.unseen or script.user is not None or script.journal is not None:
        return False
    return len(any_shell(text)) < LONGEST_ARGUMENT and not any(step.command.secrets() for step in script.steps)
