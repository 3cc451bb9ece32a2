"""An SFTP session on the open line of a host: requests that are sent ahead, and their answers in any order.

Paramiko's own files plan all requests of a file before its first byte, and do not look at the last answers to a write.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

from paramiko import Channel, Message, SFTPClient, SFTPError
from paramiko.sftp import CMD_STATUS, SFTP_OK

from lockstitch.errors import ConnectError, HostLostError
from lockstitch.remote.ssh.cancellation import in_background
from lockstitch.remote.ssh.channels import ChannelPool
from lockstitch.remote.ssh.shell import BROKEN, NotSentError, RefusedError, session

# For one answer: a disk may be slow, but not for ever.
PATIENCE = 60.0


class SaidNoError(Exception):
    """The host refuses a request."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class SftpSession:
    """The requests on one SFTP session, whose answers may come in any order."""

    def __init__(self, channel: Channel) -> None:
        channel.settimeout(PATIENCE)
        self._channel = channel
        self._sftp: Any = SFTPClient(channel)
        self._answers: dict[int, tuple[int, Message]] = {}
        self._forgotten: set[int] = set()
        self.used = False

    @property
    def ended(self) -> bool:
        """Nothing more can be asked."""
        return bool(self._channel.closed or self._channel.eof_received)

    def send(self, kind: int, *what: object) -> int:
        """Send a request; its number asks for the answer."""
        number: int = self._sftp._async_request(self, kind, *what)
        return number

    def answer(self, number: int) -> Message:
        while number not in self._answers:
            self._sftp._read_response()
        kind, message = self._answers.pop(number)
        if kind == CMD_STATUS and (code := message.get_int()) != SFTP_OK:
            raise SaidNoError(code, message.get_text())
        return message

    def forget(self, number: int) -> None:
        """Nobody will ask for this answer."""
        if self._answers.pop(number, None) is None:
            self._forgotten.add(number)

    def close(self) -> None:
        """End the session; an answer that is waited for is a broken connection then."""
        self._sftp.close()

    def _async_response(self, kind: int, message: Message, number: int) -> None:
        """How paramiko hands an answer over."""
        if number in self._forgotten:
            self._forgotten.discard(number)
        else:
            self._answers[number] = kind, message


def begin(line: ChannelPool) -> SftpSession:
    """An SFTP session. Raises NotSentError where the line turns out to be dead."""
    while (parked := line.parked()) is not None:
        if not parked.ended:
            return parked
        parked.close()
    patience = line.connection.hop.limits.channel_timeout
    name, until = line.connection.hop.name, monotonic() + patience
    while True:
        try:
            return in_background(lambda: _begin(line, patience)).result(patience)
        except RefusedError as error:
            line.make_room(until, error)
        except TimeoutError as error:
            raise ConnectError(name, f"the host did not start SFTP within {patience:g} s") from error
        except SFTPError as error:
            said = "what it says is not SFTP"
            raise ConnectError(name, said, hint="does ~/.bashrc print something there without a terminal?") from error
        except BROKEN as error:
            line.wait_until_known_dead()
            if line.frozen:
                raise HostLostError(name, line.died_of) from error
            if not line.alive:
                raise NotSentError(str(error) or "the connection dropped") from error
            hint = "its sshd_config needs a line such as: Subsystem sftp internal-sftp"
            raise ConnectError(name, "the host starts no SFTP, which files are carried by", hint=hint) from error


def _begin(line: ChannelPool, patience: float) -> SftpSession:
    transport = line.connection.transport
    if transport is None:
        raise EOFError("the connection is not open")
    channel = session(transport, patience)
    try:
        channel.invoke_subsystem("sftp")
        return SftpSession(channel)
    except BaseException:
        channel.close()
        raise
