"""Many hosts at once, where sshd drops logins it has too many of; and steps as another user."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lockstitch.model.host import Address, Limits
from lockstitch.remote.ssh import SshRemote
from lockstitch.remote.ssh.connection import StrictConnection
from scripts.sandbox import Sandbox
from tests.remote.scripts import host, script
from tests.remote.sshd import Sshd

Remotes = Callable[..., SshRemote]


def test_fifty_connections_to_an_sshd_that_drops_some(remotes: Remotes, sshd: Callable[..., Sshd]) -> None:
    server, remote = sshd(MaxStartups="10:30:100"), remotes()
    hosts = [server.host(f"h{number}") for number in range(50)]
    assert remote.connect(hosts) == {}
    with ThreadPoolExecutor(50) as pool:
        runs = list(pool.map(lambda one: remote.run(one, script(f"echo {one.name}")), hosts))
    assert [run[0].output for run in runs] == [f"h{number}\n" for number in range(50)]


@pytest.mark.parametrize(("limits", "most"), [(Limits(in_all=3), 3), (Limits(per_gateway=2), 2)])
def test_no_more_are_opened_at_once_than_allowed(
    remote: SshRemote, monkeypatch: pytest.MonkeyPatch, limits: Limits, most: int
) -> None:
    through = (Address("bastion"),) if limits.per_gateway == 2 else ()
    hosts = [host(f"c{n}", address=Address("web1"), gateways=through, limits=limits) for n in range(12)]
    now, highest, lock = 0, 0, threading.Lock()
    real = StrictConnection._try

    def counted(self: StrictConnection, *args: object) -> None:
        nonlocal now, highest
        with lock:
            now += 1
            highest = max(highest, now)
        try:
            real(self, *args)  # type: ignore[arg-type]
        finally:
            with lock:
                now -= 1

    monkeypatch.setattr(StrictConnection, "_try", counted)
    assert remote.connect(hosts) == {}
    assert highest == most


def test_runs_on_many_hosts_at_once(remote: SshRemote, sandbox: Sandbox) -> None:
    hosts = [host(f"c{n}", address=Address("web1", user=f"u{n}")) for n in range(30)]
    with ThreadPoolExecutor(30) as pool:
        runs = list(pool.map(lambda one: remote.run(one, script('echo "$USER"')), hosts))
    assert [run[0].output for run in runs] == [f"u{n}\n" for n in range(30)]


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("sudo"), reason="needs root and sudo")
def test_steps_as_another_user(remote: SshRemote) -> None:
    for _ in range(2):
        (result,) = remote.run(host("web1"), script("id -un; pwd", user="daemon"))
        assert result.output.split() == ["daemon", "/usr/sbin"]


def test_the_same_name_in_two_environments_is_two_hosts(remote: SshRemote, sandbox: Sandbox) -> None:
    here = host("web", address=Address("web1", user="one"))
    there = replace(here, address=Address("web2", user="two"))
    assert remote.connect([here, there]) == {}
    assert [remote.run(one, script('echo "$USER"'))[0].output for one in (here, there)] == ["one\n", "two\n"]
