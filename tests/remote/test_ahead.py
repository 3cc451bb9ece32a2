"""Hosts that are connected to before anybody asks them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lockstitch.errors import ConnectError
from lockstitch.model.host import Address, Limits
from lockstitch.remote.ssh import SshRemote
from lockstitch.remote.ssh.connection import StrictConnection
from tests.remote.scripts import host, script


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the hosts that were connected to."""
    names: list[str] = []
    real = StrictConnection.open

    def counted(self: StrictConnection) -> None:
        names.append(self.hop.name)
        real(self)

    monkeypatch.setattr(StrictConnection, "open", counted)
    return names


def test_whoever_asks_takes_the_connection_that_was_begun(remote: SshRemote, opened: list[str]) -> None:
    hosts = [host("web1"), host("web2")]
    remote.connect_ahead([*hosts, *hosts])
    assert [remote.run(each, script("echo x"))[0].output for each in hosts] == ["x\n", "x\n"]
    assert sorted(opened) == ["web1", "web2"]


def test_whoever_asks_first_is_told_of_the_attempt_that_failed(remote: SshRemote, opened: list[str]) -> None:
    nowhere = replace(host("web1"), address=Address("127.0.0.1", port=1), limits=Limits(connect_tries=1))
    remote.connect_ahead([nowhere])
    errors = remote.connect([nowhere])
    assert isinstance(errors["web1"], ConnectError) and opened == ["web1"]
    with pytest.raises(ConnectError):
        remote.run(nowhere, script("true"))
    assert opened == ["web1", "web1"], "a later question tries again"
