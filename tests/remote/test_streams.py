"""Data of a socket and a channel is given on as it came, whatever the pieces."""

from __future__ import annotations

import random
import socket
import threading
from typing import Any

import pytest
from paramiko import Channel, Message
from paramiko.buffered_pipe import BufferedPipe, PipeTimeout
from paramiko.sftp import CMD_EXTENDED_REPLY, CMD_STATUS, CMD_WRITE, SFTP_OP_UNSUPPORTED, int64

from lockstitch.remote.ssh.sftp import CHUNK, LARGEST, SftpSession
from lockstitch.remote.ssh.streams import PiecesPipe, ReadAheadSocket


def test_a_socket_is_read_ahead_and_its_timeout_stays() -> None:
    here, there = socket.socketpair()
    with here, there:
        here.settimeout(0.01)
        reading = ReadAheadSocket(here)
        there.sendall(bytes(range(100)))
        assert reading.recv(16) == bytes(range(16))
        assert reading.recv(1000) == bytes(range(16, 100)), "what is there, and no wait for more"
        with pytest.raises(TimeoutError):
            reading.recv(1)
        there.close()
        assert reading.recv(1) == b""


@pytest.mark.parametrize("seed", range(5))
def test_a_pipe_gives_what_paramikos_gives(seed: int) -> None:
    chance, ours = random.Random(seed), PiecesPipe()
    theirs: Any = BufferedPipe()
    events = threading.Event(), threading.Event()
    ours.set_event(events[0])
    theirs.set_event(events[1])
    for _ in range(300):
        if chance.random() < 0.5:
            data = chance.randbytes(chance.choice((0, 1, 5, 300)))
            ours.feed(data)
            theirs.feed(data)
        elif len(theirs):
            size = chance.choice((1, 7, 1000))
            assert ours.read(size, 0.0) == theirs.read(size, 0.0)
        else:
            with pytest.raises(PipeTimeout):
                ours.read(1, chance.choice((0.0, 0.001)))
        assert len(ours) == len(theirs) and ours.read_ready() == theirs.read_ready()
        if theirs.read_ready():
            assert events[0].is_set() and events[1].is_set()
    assert ours.empty() == theirs.empty() and not ours.read_ready()
    ours.feed(b"last")
    ours.close()
    assert (ours.read(9), ours.read(9)) == (b"last", b"")


def test_a_pipe_wakes_its_reader() -> None:
    pipe = PiecesPipe()
    read: list[bytes] = []
    thread = threading.Thread(target=lambda: read.extend((pipe.read(9), pipe.read(9))))
    thread.start()
    pipe.feed(b"some")
    pipe.close()
    thread.join(10)
    assert read == [b"some", b""]


class Server:
    """An SFTP server that tells what it can do, and answers each request with one answer."""

    out_max_packet_size = 32768

    def __init__(self, extensions: bytes, kind: int, answer: bytes) -> None:
        self._kind, self._answer, self._heard = kind, answer, b""
        self._says = _packet(2, b"\0\0\0\3" + extensions)
        self.requests: list[bytes] = []

    def settimeout(self, seconds: float) -> None: ...

    def get_transport(self) -> None: ...

    def get_name(self) -> str:
        return "server"

    def send(self, data: bytes) -> int:
        self._heard += data
        while len(self._heard) >= 4 and len(self._heard) >= (end := 4 + int.from_bytes(self._heard[:4], "big")):
            request, self._heard = self._heard[4:end], self._heard[end:]
            self.requests.append(request)
            if request[0] != 1:
                self._says += _packet(self._kind, request[1:5] + self._answer)
        return len(data)

    def recv(self, size: int) -> bytes:
        data, self._says = self._says[: min(size, 3)], self._says[min(size, 3) :]
        return data


def _packet(kind: int, data: bytes) -> bytes:
    return (len(data) + 1).to_bytes(4, "big") + bytes([kind]) + data


def _strings(*words: bytes) -> bytes:
    message = Message()
    for word in words:
        message.add_string(word)
    return message.asbytes()


TELLS = _strings(b"other@x", b"", b"limits@openssh.com", b"1")
TOLD = b"".join(number.to_bytes(8, "big") for number in (262144, 261120, 261120, 100))
STATUS = SFTP_OP_UNSUPPORTED.to_bytes(4, "big") + _strings(b"no", b"")


@pytest.mark.parametrize(
    ("extensions", "kind", "answer", "size"),
    [
        (b"", 0, b"", CHUNK),
        (_strings(b"limits@openssh.com", b"2"), 0, b"", CHUNK),
        (TELLS, CMD_EXTENDED_REPLY, TOLD, 261120),
        (TELLS, CMD_EXTENDED_REPLY, TOLD[:16] + (1 << 40).to_bytes(8, "big") + TOLD[24:], LARGEST),
        (TELLS, CMD_EXTENDED_REPLY, bytes(32), CHUNK),
        (TELLS, CMD_STATUS, STATUS, CHUNK),
    ],
    ids=["silent", "another version", "openssh", "too much", "no limit", "refused"],
)
def test_a_server_is_sent_as_much_at_once_as_it_takes(extensions: bytes, kind: int, answer: bytes, size: int) -> None:
    server = Server(extensions, kind, answer)
    session = SftpSession(_channel(server))
    assert (session.write_size(), session.write_size()) == (size, size)
    assert len(server.requests) == 1 + (extensions == TELLS), "what it does not tell of it is not asked"


def test_a_request_to_write_is_what_paramiko_would_send() -> None:
    server = Server(b"", CMD_STATUS, bytes(4) + _strings(b"", b""))
    session, data = SftpSession(_channel(server)), random.Random(1).randbytes(70_000)
    session.answer(session.write(b"handle", 1 << 33, memoryview(data)))
    session.answer(session.send(CMD_WRITE, b"handle", int64(1 << 33), data))
    ours, theirs = server.requests[1:]
    assert (ours[:1], ours[5:]) == (theirs[:1], theirs[5:]) and ours[1:5] != theirs[1:5]


def _channel(server: Server) -> Channel:
    return server  # type: ignore[return-value]
