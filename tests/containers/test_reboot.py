"""Real reboots: systemd goes down with all that runs, and the host comes back, or does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.containers import expect, truth
from tests.containers.fleet import Fleet
from tests.containers.machine import BOOT_SECONDS, Machine
from tests.containers.project import Project
from tests.containers.repos import Repository

Repositories = dict[str, Repository]
MAY = b"deploy ALL=(root) NOPASSWD: /usr/bin/systemctl reboot\n"
SUDOERS = "/etc/sudoers.d/reboot"
# The disk of api2 is one of memory.
HOSTS = ("api1", "web1", "web2")
SELECTED = ",".join(f"prod:{name}" for name in HOSTS)

pytestmark = pytest.mark.parametrize("layout", ["releases"])


def comes_back(machine: Machine, *, yes: bool) -> None:
    """Whether the machine is started again when its systemd has ended, as a host's firmware does."""
    policy: Any = {"Name": "always" if yes else "no"}
    machine.container.update(restart_policy=policy)


def born(machine: Machine) -> str:
    """The start of the machine's first process."""
    return machine.check("cut -d ' ' -f 22 /proc/1/stat").strip()


@pytest.fixture
def machines(fleet: Fleet) -> Iterator[Fleet]:
    for name in HOSTS:
        fleet[name].put(SUDOERS, MAY, mode=0o440)
        comes_back(fleet[name], yes=True)
    yield fleet
    for name in HOSTS:
        comes_back(fleet[name], yes=False)
        fleet[name].container.start()
        fleet[name].wait_ready()
        fleet[name].check(f"rm -f {SUDOERS}")


def test_hosts_come_back_until_one_whose_service_does_not(
    project: Project, machines: Fleet, repositories: Repositories
) -> None:
    """gunicorn's unit is enabled. PM2 was never told to come up with its host."""
    expect.done(project.deploy("v1", on=SELECTED))
    before = {name: born(machines[name]) for name in HOSTS}
    ran = project.fab("-H", SELECTED, "reboot", "--json", "--message", "a new kernel")
    assert ran.code == 6, ran.said
    assert {(one["host"], one["app"]): one["result"] for one in ran.json["results"]} == {
        ("api1", "machine"): "done",
        ("api1", "api"): "done",
        ("web1", "machine"): "done",
        ("web1", "webapp"): "see to it",
        ("web2", "machine"): "not begun",
        ("web2", "webapp"): "not begun",
    }, ran.said
    assert [born(machines[name]) == before[name] for name in HOSTS] == [False, False, True]
    assert truth.served(machines["api1"]) == repositories["api"].revisions["v1"]
    assert "the PM2 daemon does not run" in ran.said
    assert all(truth.locks(machines[name]) == () for name in HOSTS)
    assert b'"step":"reboot"' in machines["api1"].read("/home/deploy/.lockstitch/machine/journal.jsonl")

    expect.done(project.fab("-H", SELECTED, "service.start"))
    expect.hosts_on(dict.fromkeys(HOSTS, "v1"), project, repositories)


def test_only_a_host_that_waits_for_it_and_one_that_never_comes_back(
    project: Project, machines: Fleet, repositories: Repositories, tmp_path: Path
) -> None:
    plain = [f"deploy@127.0.0.1:{machines[name].ssh_port}" for name in ("web1", "web2")]
    options = ["-i", str(machines.key.private)]
    ssh = tmp_path / "ssh_config"
    ssh.write_text(f"Host *\n  UserKnownHostsFile {machines.known_hosts}\n  StrictHostKeyChecking yes\n")
    nothing = project.fab(*options, "-S", str(ssh), "-H", ",".join(plain), "reboot", "--only-pending")
    assert nothing.code == 0, nothing.said
    assert "no host waits for a reboot" in nothing.out

    machines["web2"].check("touch /run/reboot-required; echo linux-image >/run/reboot-required.pkgs")
    comes_back(machines["web2"], yes=False)
    before = born(machines["web1"])
    words = ["-H", ",".join(plain), "reboot", "--only-pending", "--timeout", "6"]
    ran = project.fab(*options, "-S", str(ssh), *words)
    # It may still be going down, and cannot be started until it has.
    machines["web2"].container.wait(timeout=BOOT_SECONDS)
    assert ran.code == 6, ran.said
    assert f"{plain[1]} waits for a reboot: linux-image" in ran.out
    assert f"fab -H {plain[1]} run -- uptime" in ran.out
    assert born(machines["web1"]) == before
