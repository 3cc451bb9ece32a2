"""An SFTP session on the open line of a host: requests that are sent ahead, and their answers in any order.

Paramiko's own files plan all requests of a file before its first byte, and do not look at the last answers to a write.
"""

from __future__ import annotations

from typing import Any

from paramiko import Channel, Message, SFTPClient
from paramiko.sftp import CMD_STATUS, SFTP_OK

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
        """True where nothing more can be asked."""
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
        """Take an answer from paramiko."""
        if number in self._forgotten:
            self._forgotten.discard(number)
        else:
            self._answers[number] = kind, message
