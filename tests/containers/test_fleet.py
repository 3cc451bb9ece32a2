"""The fleet itself: its hosts can be logged into, reached through the gateway, and hurt."""

from __future__ import annotations

import subprocess

import pytest

from tests.containers.fleet import Fleet
from tests.containers.machine import MachineError


def log_in(fleet: Fleet, name: str, *options: str, seconds: float = 10) -> subprocess.CompletedProcess[str]:
    """The system's ssh with extra options, bounded in time."""
    where = ["-p", str(fleet[name].ssh_port), "deploy@127.0.0.1", "hostname"]
    command = ["ssh", *options, *fleet.ssh_options(), *where]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)


@pytest.mark.parametrize("user", ["deploy", "ops"])
def test_every_host_lets_its_deployers_in_and_has_the_key_we_know(fleet: Fleet, user: str) -> None:
    for name in ("api1", "api2", "web1", "web2", "gw", "git", "db1"):
        answer = fleet.ssh(name, "hostname; id -un", user)
        assert (answer.returncode, answer.stdout.split()) == (0, [name, user]), answer.stderr


def test_no_two_hosts_share_a_host_key(fleet: Fleet) -> None:
    lines = fleet.known_hosts.read_text().splitlines()
    keys = {line.split()[2] for line in lines if line.startswith("[127.0.0.1]")}
    assert len(keys) == 2 * len(fleet.machines)


def test_a_host_whose_key_is_not_known_is_refused(fleet: Fleet) -> None:
    answer = log_in(fleet, "api1", "-o", "UserKnownHostsFile=/dev/null")
    assert answer.returncode == 255
    assert "Host key verification failed" in answer.stderr


def test_hosts_are_reached_by_their_inner_address_through_the_gateway(fleet: Fleet) -> None:
    hop = " ".join(["ssh", *fleet.ssh_options(), "-W", "%h:%p", "-p", str(fleet["gw"].ssh_port), "deploy@127.0.0.1"])
    for name in ("api1", "web2"):
        target = f"deploy@{fleet[name].address}"
        command = ["ssh", "-o", f"ProxyCommand={hop}", *fleet.ssh_options(), target, "hostname; echo $SSH_CONNECTION"]
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
        host, client = answer.stdout.split()[:2]
        assert (host, client) == (name, fleet["gw"].address)


def test_a_paused_host_does_not_answer_and_goes_on_afterwards(fleet: Fleet) -> None:
    fleet["web1"].pause()
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            log_in(fleet, "web1", seconds=2)
    finally:
        fleet["web1"].unpause()
    assert log_in(fleet, "web1").stdout == "web1\n"


def test_a_host_that_was_cut_off_comes_back_where_it_was(fleet: Fleet) -> None:
    fleet["web1"].cut()
    try:
        assert log_in(fleet, "web1").returncode == 255
    finally:
        fleet["web1"].reconnect()
    assert fleet.ssh("web1", "hostname -I").stdout.split() == [fleet["web1"].address]


def test_killed_sessions_leave_their_commands_running(fleet: Fleet) -> None:
    command = ["ssh", *fleet.ssh_options(), "-p", str(fleet["web2"].ssh_port), "deploy@127.0.0.1", "echo up; sleep 300"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as session:
        assert session.stdout is not None
        assert session.stdout.readline() == b"up\n"
        assert fleet["web2"].kill_ssh_sessions() == 2
        assert session.wait(10) == 255
    (left,) = fleet["web2"].processes("sleep 300")
    assert left.cwd == "/home/deploy"
    fleet["web2"].check(f"kill {left.pid}")


def test_a_small_disk_fills_and_no_other_is_filled(fleet: Fleet) -> None:
    api2 = fleet["api2"]
    api2.fill_disk("/app")
    assert "No space left" in api2.exec("echo more > /app/more", user="deploy")[1]
    api2.free_disk("/app")
    api2.put("/app/more", b"more\n", owner="deploy")
    assert api2.read("/app/more") == b"more\n"
    with pytest.raises(MachineError, match="no small disk"):
        fleet["api1"].fill_disk("/app")


def test_deployers_may_act_on_the_apps_units_only(fleet: Fleet) -> None:
    assert "password is required" in fleet.ssh("api1", "sudo -n systemctl restart ssh").stderr
    assert "password is required" in fleet.ssh("api1", "sudo -n id").stderr
    assert fleet.ssh("api1", "sudo -n systemctl show gunicorn -p ActiveState").returncode == 0
