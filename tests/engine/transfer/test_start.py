"""Files of hosts that are read and written from somewhere in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fabric import Config

from lockstitch.model.host import Host
from lockstitch.remote import Remote
from lockstitch.remote.fake import FakeRemote
from lockstitch.remote.local import LocalRemote as ThisMachine
from lockstitch.remote.routed import RoutedRemote
from lockstitch.remote.ssh import SshRemote
from lockstitch.remote.ssh.sftp import CHUNK
from scripts.sandbox import Sandbox
from tests.engine.transfer.carried import HOST
from tests.local import LocalRemote
from tests.remote import openssh
from tests.remote.sshd import Sshd

WHOLE = bytes(range(256)) * (9 * CHUNK // 256) + b"end"


@pytest.fixture(params=["sandbox", "openssh", "here", "routed", "local", "scripted"])
def remote(request: pytest.FixtureRequest, tmp_path: Path, sandbox: Sandbox) -> Iterator[tuple[Remote, Host]]:
    match request.param:
        case "sandbox":
            with SshRemote(Config(runtime_ssh_path=str(sandbox.place.ssh_config))) as ssh:
                yield ssh, HOST
        case "openssh":
            if openssh.server() is None:
                pytest.skip("OpenSSH's server is not installed")
            server = Sshd(tmp_path / "sshd", {"Subsystem": "sftp internal-sftp"})
            with SshRemote(Config(runtime_ssh_path="/dev/null")) as ssh:
                yield ssh, server.host()
            server.stop()
        case "here":
            yield ThisMachine(), HOST
        case "routed":
            yield RoutedRemote(FakeRemote()), Host("here", HOST.address, local=True)
        case "local":
            yield LocalRemote(tmp_path), HOST
        case _:
            yield FakeRemote(), HOST


@pytest.mark.parametrize("start", [0, 1, CHUNK - 1, CHUNK, 3 * CHUNK + 7, len(WHOLE)])
def test_from_there_on(remote: tuple[Remote, Host], tmp_path: Path, start: int) -> None:
    on, host = remote
    path = str(tmp_path / "file")
    with on.open(host, path, "wb") as file:
        file.write(WHOLE + b"more than there will be")
    with on.open(host, path, "wb", start) as file:
        file.write(WHOLE[start:])
    with on.open(host, path, "rb", start) as file:
        assert file.read() == WHOLE[start:]
    with on.open(host, path, "rb") as file:
        assert file.read() == WHOLE
    with on.open(host, path, "wb", start) as file:
        pass
    with on.open(host, path, "rb") as file:
        assert file.read() == WHOLE[:start], "what is behind it goes"
