"""An SFTP session on the open line of a host: requests that are sent ahead, and their answers in any order.

Paramiko's own files plan all requests of a file before its first byte, and do not look at the last answers to a write.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Mapping
from typing import Any

from paramiko import Channel, Message, SFTPClient
from paramiko.sftp import CMD_EXTENDED, CMD_STATUS, CMD_VERSION, CMD_WRITE, SFTP_OK

# For one answer: a disk may be slow, but not for ever.
PATIENCE = 60.0
# What every server takes in one request. OpenSSH tells of more: each request that is saved spares an answer.
CHUNK = 32 * 1024
LARGEST = 255 * 1024
# What a channel leaves of a packet for its own words, and how much is taken from it at once.
_OF_A_PACKET = 64
_AHEAD = 128 * 1024
_LIMITS = "limits@openssh.com"


class SaidNoError(Exception):
    """The host refuses a request."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class _Client(SFTPClient):
    """Keeps what the server says it can do, and copies less of what comes and goes."""

    _lock: threading.Lock
    _expecting: dict[int, SftpSession]
    extensions: Mapping[bytes, bytes] = {}
    _heard, _at = b"", 0

    def write(self, owner: SftpSession, handle: bytes, at: int, data: memoryview) -> int:
        """Send a request to write, in packets that are as large as the server takes them; return its number."""
        with self._lock:
            number: int = self.request_number
            self._expecting[number] = owner
            self.request_number += 1
        named = struct.pack(">II", number, len(handle)) + handle + struct.pack(">QI", at, len(data))
        first = struct.pack(">IB", 1 + len(named) + len(data), CMD_WRITE) + named
        begin = max(0, self.sock.out_max_packet_size - _OF_A_PACKET - len(first))
        self._write_all(first + data[:begin])
        self._write_all(data[begin:])
        return number

    def _write_all(self, out: bytes | memoryview) -> None:
        rest = memoryview(out)
        while rest:
            sent = self.sock.send(rest)  # type: ignore[arg-type]
            if sent <= 0:
                raise EOFError
            rest = rest[sent:]

    def _read_packet(self) -> tuple[int, bytes]:
        kind, data = super()._read_packet()  # type: ignore[misc]
        if kind == CMD_VERSION:
            self.extensions = _pairs(Message(data[4:]))
        return kind, data

    def _read_all(self, size: int) -> bytes:
        # Much at a time: each time that paramiko gives away a part it moves all that stays.
        if self._at + size > len(self._heard):
            heard = [self._heard[self._at :]]
            missing = size - len(heard[0])
            while missing > 0:
                heard.append(self.sock.recv(max(missing, _AHEAD)))
                if not heard[-1]:
                    raise EOFError
                missing -= len(heard[-1])
            self._heard, self._at = b"".join(heard), 0
        self._at += size
        return self._heard[self._at - size : self._at]


def _pairs(message: Message) -> dict[bytes, bytes]:
    pairs: dict[bytes, bytes] = {}
    while message.get_remainder():
        name = message.get_binary()
        pairs[name] = message.get_binary()
    return pairs


class SftpSession:
    """The requests on one SFTP session, whose answers may come in any order."""

    def __init__(self, channel: Channel) -> None:
        channel.settimeout(PATIENCE)
        self._channel = channel
        self._sftp: Any = _Client(channel)
        self._answers: dict[int, tuple[int, Message]] = {}
        self._forgotten: set[int] = set()
        self.used = False
        asks = self._sftp.extensions.get(_LIMITS.encode()) == b"1"
        self._limits = self.send(CMD_EXTENDED, _LIMITS) if asks else None
        self._write_size = CHUNK

    @property
    def ended(self) -> bool:
        """True where nothing more can be asked."""
        return bool(self._channel.closed or self._channel.eof_received)

    def write_size(self) -> int:
        """Return how many bytes one request to write may have."""
        if self._limits is not None:
            number, self._limits = self._limits, None
            try:
                answer = self.answer(number)
            except SaidNoError:
                return self._write_size
            _packet, _read, write = (answer.get_int64() for _ in range(3))
            # 0 is no limit that the server would tell.
            self._write_size = min(LARGEST, max(write, CHUNK))
        return self._write_size

    def send(self, kind: int, *what: object) -> int:
        """Send a request; its number asks for the answer."""
        number: int = self._sftp._async_request(self, kind, *what)
        return number

    def write(self, handle: bytes, at: int, data: memoryview) -> int:
        """Send a request to write."""
        number: int = self._sftp.write(self, handle, at, data)
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
