"""Three sandbox hosts for the whole session, and ways to reach them and to hear from them."""

import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
import pytest

from scripts.sandbox import Sandbox


class Client(paramiko.SSHClient):
    """A login on one host that can run a command to its end."""

    def begin(self, command: str) -> paramiko.Channel:
        """Start a command; nothing takes longer than ten seconds."""
        channel = self.open_channel()
        channel.exec_command(command)
        return channel

    def open_channel(self) -> paramiko.Channel:
        """A new session on this connection."""
        transport = self.get_transport()
        assert transport
        channel = transport.open_session(timeout=10)
        channel.settimeout(10)
        return channel

    def run(self, command: str) -> tuple[int, str]:
        """Run a command; return its exit status and what it said."""
        channel = self.begin(command)
        said = channel.makefile().read().decode()
        return channel.recv_exit_status(), said


Connect = Callable[[str], Client]


class Letterbox:
    """A named pipe: a process hears from the test, or is heard, whatever becomes of its streams."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)
        self._fd = os.open(path, os.O_RDWR)

    def post(self, words: str) -> None:
        """Say something to the process that reads from this pipe."""
        os.write(self._fd, words.encode())

    def read(self, timeout: float = 10.0) -> str:
        """The next words posted; an empty string if none come."""
        ready, _, _ = select.select([self._fd], [], [], timeout)
        return os.read(self._fd, 65536).decode().strip() if ready else ""


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Three hosts that run until the session ends. A test that breaks one must mend it."""
    with Sandbox(tmp_path_factory.mktemp("sandbox")) as started:
        yield started


@pytest.fixture
def connect(sandbox: Sandbox) -> Iterator[Connect]:
    """Log in to a host of the sandbox, trusting only the sandbox's own known hosts."""
    clients: list[Client] = []

    def connected(name: str) -> Client:
        client = Client()
        clients.append(client)
        client.load_host_keys(str(sandbox.place.known_hosts))
        client.connect(
            "127.0.0.1",
            sandbox.host(name).port,
            username="deploy",
            key_filename=str(sandbox.place.key),
            banner_timeout=2,
            allow_agent=False,
            look_for_keys=False,
        )
        return client

    yield connected
    for client in clients:
        client.close()


@pytest.fixture
def letterbox(tmp_path: Path) -> Letterbox:
    """A letterbox of this test."""
    return Letterbox(tmp_path / "letterbox")
