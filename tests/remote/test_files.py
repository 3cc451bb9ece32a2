"""Files of hosts as streams: whole, private, in constant memory, and never a hang."""

from __future__ import annotations

import hashlib
import io
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paramiko import Message
from paramiko.sftp import CMD_OPEN, CMD_READ, CMD_WRITE, SFTP_EOF, SFTP_FAILURE, SFTP_PERMISSION_DENIED

from lockstitch.errors import ConnectError, ExitCode, HostLostError
from lockstitch.model.host import Address, Host
from lockstitch.remote import FileError, InterruptedRunError, Remote
from lockstitch.remote.fake import FakeRemote
from lockstitch.remote.local import LocalRemote as ThisMachine
from lockstitch.remote.routed import RoutedRemote
from lockstitch.remote.ssh import SshRemote
from lockstitch.remote.ssh.files import AT_ONCE, RemoteReader, RemoteWriter
from lockstitch.remote.ssh.sftp import CHUNK, SaidNoError, SftpSession
from scripts.sandbox import Sandbox
from tests.local import LocalRemote
from tests.remote.scripts import HASTY, host, script
from tests.remote.sshd import Sshd

WEB1 = host("web1")
SFTP = "sftp internal-sftp"
ENDED = SftpSession.ended


def content(size: int) -> bytes:
    return b"".join(hashlib.sha256(str(n).encode()).digest() for n in range(size // 32 + 1))[:size]


@pytest.fixture(params=["sandbox", "openssh", "here", "local", "scripted"])
def place(request: pytest.FixtureRequest, tmp_path: Path, home: Path) -> tuple[Remote, Host, str]:
    """A Remote, a host of it, and a folder there in which there is nothing."""
    folder = tmp_path / "there"
    folder.mkdir()
    match request.param:
        case "sandbox":
            return request.getfixturevalue("remote"), WEB1, str(folder)
        case "openssh":
            server: Sshd = request.getfixturevalue("sshd")(Subsystem=SFTP)
            return request.getfixturevalue("remotes")(), server.host(), str(folder)
        case "here":
            return RoutedRemote(FakeRemote()), Host("local", Address("local"), local=True), str(folder)
        case "local":
            return LocalRemote(tmp_path), host("web1"), str(folder)
    return FakeRemote(), host("web1"), "there"


def put(remote: Remote, on: Host, path: str, data: bytes) -> None:
    with remote.open(on, path, "wb") as file:
        file.write(data)


def got(remote: Remote, on: Host, path: str) -> bytes:
    with remote.open(on, path, "rb") as file:
        return file.read()


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * 1024 * 1024 + 7])
def test_what_is_written_is_read(place: tuple[Remote, Host, str], size: int) -> None:
    remote, on, folder = place
    put(remote, on, f"{folder}/it's a file", content(size))
    assert got(remote, on, f"{folder}/it's a file") == content(size)


def test_a_file_is_its_owners_and_was_there_or_not(place: tuple[Remote, Host, str], tmp_path: Path) -> None:
    remote, on, folder = place
    if isinstance(remote, FakeRemote):
        pytest.skip("it has no disk")
    Path(folder, "old").write_bytes(b"more than there will be")
    Path(folder, "old").chmod(0o644)
    for name in ("old", "new"):
        put(remote, on, f"{folder}/{name}", b"short")
        assert Path(folder, name).read_bytes() == b"short"
        assert Path(folder, name).stat().st_mode & 0o777 == 0o600


def test_what_is_not_there_is_told(place: tuple[Remote, Host, str]) -> None:
    remote, on, folder = place
    with pytest.raises(FileError) as missing, remote.open(on, f"{folder}/none", "rb"):
        pass
    assert missing.value.message == f"{on.name}: there is no {folder}/none" and missing.value.missing
    if isinstance(remote, FakeRemote):
        return
    with pytest.raises(FileError, match="no/such cannot be written: its folder does not exist"):
        put(remote, on, f"{folder}/no/such", b"")
    for tried in (lambda: got(remote, on, folder), lambda: put(remote, on, folder, b"")):
        with pytest.raises(FileError) as is_a_folder:
            tried()
        assert f"{on.name}: {folder} cannot be " in is_a_folder.value.message and not is_a_folder.value.missing


def test_an_error_of_the_reader_or_writer_is_its_own(place: tuple[Remote, Host, str]) -> None:
    remote, on, folder = place
    put(remote, on, f"{folder}/a", content(CHUNK * 3))
    with pytest.raises(OSError, match="no space here"), remote.open(on, f"{folder}/a", "rb") as file:
        file.read(10)
        raise OSError("no space here")
    with pytest.raises(KeyError), remote.open(on, f"{folder}/b", "wb") as file:
        file.write(b"some")
        raise KeyError
    assert got(remote, on, f"{folder}/a") == content(CHUNK * 3)


def test_a_part_may_be_read_and_two_files_are_open_at_once(place: tuple[Remote, Host, str]) -> None:
    remote, on, folder = place
    put(remote, on, f"{folder}/a", content(CHUNK * 9))
    with remote.open(on, f"{folder}/a", "rb") as source, remote.open(on, f"{folder}/b", "wb") as target:
        assert source.readline() == io.BytesIO(content(CHUNK * 9)).readline()
        while data := source.read(1000):
            target.write(data)
    begun = len(io.BytesIO(content(CHUNK * 9)).readline())
    assert got(remote, on, f"{folder}/b") == content(CHUNK * 9)[begun:]


def test_a_relative_path_starts_at_home(remote: SshRemote, sandbox: Sandbox, home: Path) -> None:
    put(remote, WEB1, "relative", b"there")
    (result,) = remote.run(WEB1, script("cat relative"))
    assert result.output == "there"
    put(ThisMachine(), WEB1, "relative", b"here")
    assert (home / "relative").read_bytes() == b"here"


def test_a_big_file_takes_little_memory(
    remotes: Callable[..., SshRemote], sshd: Callable[..., Sshd], tmp_path: Path
) -> None:
    remote, on = remotes(), sshd(Subsystem=SFTP).host()
    (tmp_path / "big").write_bytes(content(CHUNK) * 1500)
    remote.connect([on])
    tracemalloc.start()
    try:
        with remote.open(on, f"{tmp_path}/big", "rb") as big, remote.open(on, f"{tmp_path}/copy", "wb") as copy:
            while data := big.read(1 << 20):
                copy.write(data)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    assert (tmp_path / "copy").read_bytes() == content(CHUNK) * 1500


def reading(remote: SshRemote, on: Host, path: str, then: Callable[[], None]) -> BaseException | None:
    """Begin to read a file, do something, and read on; what that raised, within what is promised."""
    began = monotonic()
    try:
        with remote.open(on, path, "rb") as file:
            file.read(CHUNK)
            then()
            began = monotonic()
            while file.read(CHUNK):
                pass
    except BaseException as error:
        assert monotonic() - began < 15
        return error
    return None


@pytest.fixture
def big(tmp_path: Path) -> str:
    with (tmp_path / "big").open("wb") as file:
        file.truncate(1 << 30)
    return str(tmp_path / "big")


def test_a_connection_that_drops_meanwhile(remote: SshRemote, sandbox: Sandbox, big: str) -> None:
    error = reading(remote, WEB1, big, lambda: sandbox.do("web1", "drop"))
    assert isinstance(error, HostLostError)
    assert error.message == f"web1: the connection dropped while {big} was being read"
    assert got(remote, WEB1, __file__) == Path(__file__).read_bytes(), "the next one connects again"


def test_a_connection_that_drops_while_a_file_is_written(remote: SshRemote, sandbox: Sandbox, tmp_path: Path) -> None:
    def write() -> None:
        with remote.open(WEB1, f"{tmp_path}/new", "wb") as file:
            for number in range(1000):
                file.write(content(CHUNK))
                if number == 10:
                    sandbox.do("web1", "drop")

    with pytest.raises(HostLostError, match="new was being written"):
        write()


def test_a_host_that_freezes_meanwhile(remote: SshRemote, sandbox: Sandbox, big: str) -> None:
    on = host("web1", limits=HASTY)
    try:
        error = reading(remote, on, big, lambda: sandbox.do("web1", "freeze"))
    finally:
        sandbox.do("web1", "thaw")
    assert isinstance(error, HostLostError) and "the connection froze" in error.message


def test_an_interruption_ends_it_and_the_connection_stays(remote: SshRemote, sandbox: Sandbox, big: str) -> None:
    error = reading(remote, WEB1, big, remote.interrupt)
    assert isinstance(error, InterruptedRunError) and error.exit_code == ExitCode.INTERRUPTED
    assert error.message == f"web1: interrupted while {big} was being read"
    assert got(remote, WEB1, __file__) and sandbox.counts("web1").connections == 1


def test_an_interruption_from_elsewhere(remote: SshRemote, big: str) -> None:
    def elsewhere() -> None:
        other = threading.Thread(target=remote.interrupt)
        other.start()
        other.join()

    error = reading(remote, WEB1, big, elsewhere)
    assert isinstance(error, InterruptedRunError)


def test_a_line_that_died_while_it_waited(remote: SshRemote, sandbox: Sandbox) -> None:
    remote.connect([WEB1])
    sandbox.do("web1", "drop")
    assert got(remote, WEB1, __file__) == Path(__file__).read_bytes()


def test_one_session_serves_file_after_file(remote: SshRemote, sandbox: Sandbox, big: str) -> None:
    for _ in range(3):
        assert got(remote, WEB1, __file__) == Path(__file__).read_bytes()
        with remote.open(WEB1, big, "rb") as file:
            assert file.read(CHUNK * 100) == b"\0" * CHUNK * 100
    assert sandbox.counts("web1").subsystems == 1
    with remote.open(WEB1, big, "rb") as one, remote.open(WEB1, __file__, "rb") as two:
        assert one.read(1) + two.read() == b"\0" + Path(__file__).read_bytes()
    assert sandbox.counts("web1").subsystems == 2


@pytest.mark.parametrize("mode", ["rb", "wb"])
def test_a_session_that_died_while_it_waited(remote: SshRemote, sandbox: Sandbox, tmp_path: Path, mode: str) -> None:
    place = str(tmp_path / "file")
    put(remote, WEB1, place, b"before")
    # As when nobody has noticed yet.
    session = remote._lines[WEB1]._parked[0]
    remote._lines[WEB1].connection.transport.sock.close()  # type: ignore[union-attr]
    type(session).ended = property(lambda self: False)  # type: ignore[method-assign,assignment]
    try:
        with remote.open(WEB1, place, mode) as file:  # type: ignore[arg-type]
            assert file.read() == b"before" if mode == "rb" else file.write(b"after")
    finally:
        type(session).ended = ENDED  # type: ignore[method-assign]
    assert got(remote, WEB1, place) == (b"before" if mode == "rb" else b"after")


def test_a_host_that_allows_one_session(remotes: Callable[..., SshRemote], sshd: Callable[..., Sshd]) -> None:
    remote, on = remotes(), sshd(Subsystem=SFTP, MaxSessions="1").host()
    for _ in range(2):
        assert remote.run(on, script("echo yes"))[0].output == "yes\n"
        assert got(remote, on, __file__) == Path(__file__).read_bytes()


NO_SFTP = "the host starts no SFTP, which files are carried by"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, (NO_SFTP,)),
        # It may have ended before it is asked anything.
        ({"Subsystem": "sftp echo welcome"}, ("what it says is not SFTP", NO_SFTP)),
        ({"Subsystem": "sftp true"}, (NO_SFTP,)),
    ],
)
def test_a_host_without_sftp(
    remotes: Callable[..., SshRemote], sshd: Callable[..., Sshd], settings: dict[str, str], says: tuple[str, ...]
) -> None:
    on = sshd(**settings).host()
    with pytest.raises(ConnectError) as error:
        got(remotes(), on, "any")
    assert error.value.message in [f"real: {words}" for words in says] and error.value.hint


def test_a_host_that_cannot_be_reached(remote: SshRemote, sandbox: Sandbox) -> None:
    with sandbox.broken("web1", "down"), pytest.raises(ConnectError, match="refused the connection"):
        got(remote, WEB1, "any")


class Server:
    """Answers requests from memory: as much at a time as it likes, and no when it is told to."""

    def __init__(self, data: bytes = b"", most: int = CHUNK, room: int = 1 << 30) -> None:
        self.data, self.most, self.room = bytearray(data), most, room
        self.answers: dict[int, Message | SaidNoError] = {}
        self.number = self.under_way = self.most_under_way = 0

    def send(self, kind: int, *what: Any) -> int:
        self.number += 1
        self.under_way += 1
        self.most_under_way = max(self.under_way, self.most_under_way)
        answer: Message | SaidNoError = Message()
        if kind == CMD_OPEN:
            answer.add_string(b"handle")  # type: ignore[union-attr]
        if kind == CMD_READ:
            data = bytes(self.data[what[1] : what[1] + min(what[2], self.most)])
            answer.add_string(data)  # type: ignore[union-attr]
            answer = answer if data else SaidNoError(SFTP_EOF, "")
        if kind == CMD_WRITE and what[1] + len(what[2]) > self.room:
            answer = SaidNoError(SFTP_FAILURE, "No space left on device")
        elif kind == CMD_WRITE:
            self.data[what[1] :] = what[2]
        self.answers[self.number] = answer
        return self.number

    def write_size(self) -> int:
        return CHUNK

    def write(self, handle: bytes, at: int, data: memoryview) -> int:
        return self.send(CMD_WRITE, handle, at, data)

    def forget(self, number: int) -> None:
        self.under_way -= 1
        del self.answers[number]

    def answer(self, number: int) -> Message:
        self.under_way -= 1
        answer = self.answers.pop(number)
        if isinstance(answer, SaidNoError):
            raise answer
        return Message(answer.asbytes())


@given(st.integers(0, 300_000), st.integers(1, 2 * CHUNK), st.integers(1, 200_000))
def test_a_server_may_give_as_little_as_it_likes(size: int, most: int, wanted: int) -> None:
    server = Server(content(size), max(most, size // 200))
    file = io.BufferedReader(RemoteReader(server, "x", nullcontext), 100_000)  # type: ignore[arg-type]
    assert b"".join(iter(lambda: file.read(wanted), b"")) == content(size)
    assert server.most_under_way <= AT_ONCE


def test_few_requests_are_under_way() -> None:
    server = Server(content(CHUNK) * 500)
    assert len(RemoteReader(server, "x", nullcontext).read(-1) or b"") == CHUNK * 500  # type: ignore[arg-type]
    small = Server(b"small")
    assert io.BufferedReader(RemoteReader(small, "x", nullcontext)).read() == b"small"  # type: ignore[arg-type]
    assert server.most_under_way == AT_ONCE and small.number < 6
    written = Server()
    writing = RemoteWriter(written, "x", nullcontext)  # type: ignore[arg-type]
    for _ in range(500):
        assert writing.write(content(CHUNK + 1)) == CHUNK
    writing.finish()
    assert written.most_under_way <= AT_ONCE and not written.answers and len(written.data) == 500 * CHUNK


@pytest.mark.parametrize("room", [0, CHUNK, 5 * CHUNK - 1])
def test_a_disk_that_is_full_is_noticed_even_with_the_last_write(room: int) -> None:
    said: list[str] = []

    @contextmanager
    def told() -> Iterator[None]:
        try:
            yield
        except SaidNoError as error:
            said.append(str(error))
            raise

    writing = RemoteWriter(Server(room=room), "x", told)  # type: ignore[arg-type]
    with pytest.raises(SaidNoError):
        for _ in range(5):
            writing.write(content(CHUNK))
        writing.finish()
    assert said == ["No space left on device"]


def test_refusals_are_told_in_words(remote: SshRemote, tmp_path: Path) -> None:
    from lockstitch.remote.ssh.files import _Words

    remote.connect([WEB1])
    for mode, error, message, hint in [
        ("wb", SaidNoError(SFTP_FAILURE, "Failure"), "web1: a/b cannot be written: failure", "see there with: df -h"),
        ("rb", SaidNoError(SFTP_PERMISSION_DENIED, "no"), "web1: a/b cannot be read: ", "see there with: ls -ld"),
    ]:
        words = _Words(remote._lines[WEB1], remote.network.round, "a/b", mode)  # type: ignore[arg-type]
        with pytest.raises(FileError) as told, words.in_words():
            raise error
        assert told.value.message.startswith(message) and told.value.hint == hint
