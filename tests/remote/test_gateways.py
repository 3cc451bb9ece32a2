"""Through gateways: one and two hops, each with a user of its own, opened once for all who pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fabric import Config

from lockstitch.errors import ConnectError, HostLostError
from lockstitch.model.host import Address, Limits
from lockstitch.remote.ssh import SshRemote
from scripts.sandbox import Sandbox
from tests.remote.scripts import HASTY, host, running, script

Remotes = Callable[..., SshRemote]
WHO = script('echo "$USER"')
BASTION, OUTER = Address("bastion", user="gate"), Address("outer", user="edge")


def output(remote: SshRemote, **options: object) -> str:
    return remote.run(host("web1", **options), WHO)[0].output


@pytest.fixture
def jumping(sandbox: Sandbox, tmp_path: Path, remotes: Remotes) -> Callable[[str], SshRemote]:
    """A remote with more in its ssh_config, before the sandbox's."""

    def make(text: str) -> SshRemote:
        path = tmp_path / "ssh_config"
        path.write_text(text + sandbox.place.ssh_config.read_text())
        return remotes(Config(runtime_ssh_path=str(path)))

    return make


def test_one_gateway_of_the_inventory(remote: SshRemote, sandbox: Sandbox) -> None:
    assert output(remote, address=Address("web1", user="deploy"), gateways=(BASTION,)) == "deploy\n"
    assert sandbox.counts("bastion").forwards == 1 and sandbox.counts("web1").connections == 1


def test_two_gateways_in_their_order(remote: SshRemote, sandbox: Sandbox) -> None:
    assert output(remote, address=Address("web1", user="deploy"), gateways=(OUTER, BASTION)) == "deploy\n"
    assert (sandbox.counts("outer").forwards, sandbox.counts("bastion").forwards) == (1, 1)


@pytest.mark.parametrize(("jump", "forwards"), [("gate@bastion", (0, 1)), ("edge@outer,gate@bastion", (1, 1))])
def test_proxy_jump(
    jumping: Callable[[str], SshRemote], sandbox: Sandbox, jump: str, forwards: tuple[int, int]
) -> None:
    remote = jumping(f"Host web1\n  User app\n  ProxyJump {jump}\n")
    assert output(remote) == "app\n"
    assert (sandbox.counts("outer").forwards, sandbox.counts("bastion").forwards) == forwards


def test_proxy_jump_none(jumping: Callable[[str], SshRemote], sandbox: Sandbox) -> None:
    jumping("Host web1\n  ProxyJump none\nHost *\n  ProxyJump bastion\n").run(host("web1"), WHO)
    assert sandbox.counts("bastion").connections == 0


def test_proxy_command(jumping: Callable[[str], SshRemote], sandbox: Sandbox, tmp_path: Path) -> None:
    relay = tmp_path / "relay.py"
    relay.write_text(
        "import os, socket, sys, threading\n"
        "line = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "def back():\n"
        "    while data := line.recv(65536): os.write(1, data)\n"
        "    os._exit(0)\n"
        "threading.Thread(target=back).start()\n"
        "while data := os.read(0, 65536): line.sendall(data)\n"
        "os._exit(0)\n"
    )
    info = sandbox.host("web1")
    import sys

    remote = jumping(f"Host web1\n  ProxyCommand {sys.executable} {relay} {info.address} {info.port}\n")
    assert output(remote, address=Address("web1", user="deploy")) == "deploy\n"


def test_a_gateway_is_opened_once_for_all_who_pass(remote: SshRemote, sandbox: Sandbox) -> None:
    hosts = [host(f"copy{n}", address=Address("web1", user=f"u{n}"), gateways=(BASTION,)) for n in range(20)]
    assert remote.connect(hosts) == {}
    assert sandbox.counts("bastion").connections == 1
    assert sandbox.counts("web1").connections == sandbox.counts("bastion").forwards == 20


def test_a_gateway_that_is_down_is_named_with_the_host_and_tried_once_for_all(
    remote: SshRemote, sandbox: Sandbox
) -> None:
    hosts = [host(f"copy{n}", address=Address("web1"), gateways=(BASTION,)) for n in range(30)]
    with sandbox.broken("bastion", "down"):
        errors = remote.connect(hosts)
    assert len(errors) == 30
    said = str(errors["copy7"])
    assert said.startswith("copy7: its gateway bastion could not be passed: 127.0.0.1 port")
    assert "refused the connection" in said
    assert remote.connect(hosts[:1]) == {}


def test_a_host_its_gateway_cannot_reach_names_both(remote: SshRemote, sandbox: Sandbox) -> None:
    limits = Limits(connect_tries=1)
    with sandbox.broken("web1", "down"):
        error = remote.connect([host("web1", gateways=(BASTION,), limits=limits)])["web1"]
    assert isinstance(error, ConnectError) and "its gateway bastion cannot connect to it" in error.message


@pytest.mark.parametrize("fault", ["freeze", "drop"])
def test_a_gateway_that_is_lost_loses_the_hosts_behind_it(remote: SshRemote, sandbox: Sandbox, fault: str) -> None:
    behind = host("web1", gateways=(BASTION,), limits=HASTY)
    with running(remote, behind, script("echo begun; sleep 60")) as run:
        sandbox.do("bastion", fault)
        run.end()
        if fault == "freeze":
            sandbox.do("bastion", "thaw")
    assert isinstance(run.error, HostLostError)
    assert run.error.message == "web1: the connection to its gateway bastion was lost while `a` was running"
    assert remote.run(behind, WHO)[0].code == 0
