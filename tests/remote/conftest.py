"""SSH servers on loopback for these tests: the sandbox's, and OpenSSH's own where it is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fabric import Config

from lockstitch.remote.ssh import SshRemote
from scripts.sandbox import Sandbox
from tests.remote import openssh
from tests.remote.sshd import Sshd

NAMES = ("web1", "web2", "web3", "bastion", "outer")


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("sandbox"), NAMES) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    """The sandbox with nothing counted yet."""
    for name in NAMES:
        running.do(name, "reset")
    return running


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without keys and known hosts, so that the person's own play no part."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return home


Remotes = Callable[..., SshRemote]


@pytest.fixture
def remotes(sandbox: Sandbox) -> Iterator[Remotes]:
    """Makes SshRemotes, by default with the sandbox's ssh_config, and closes them."""
    made: list[SshRemote] = []

    def make(config: Config | None = None, **options: object) -> SshRemote:
        remote = SshRemote(config or Config(runtime_ssh_path=str(sandbox.place.ssh_config)), **options)  # type: ignore[arg-type]
        made.append(remote)
        return remote

    yield make
    for remote in made:
        remote.close()


@pytest.fixture
def remote(remotes: Remotes) -> SshRemote:
    return remotes()


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """Starts OpenSSH servers with settings of their own."""
    if openssh.server() is None:
        pytest.skip("OpenSSH's server is not installed")
    servers: list[Sshd] = []

    def start(**settings: str) -> Sshd:
        servers.append(Sshd(tmp_path / f"sshd{len(servers)}", settings))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
