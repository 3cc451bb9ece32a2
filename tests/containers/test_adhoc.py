"""What is typed by hand at real hosts: who one becomes, what is left of it, keys, archives, hosts that stop answering."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fabric import Config

from lockstitch.model.host import Address, Host
from lockstitch.remote.ssh.interactive import ssh_config
from lockstitch.remote.ssh.network import Network
from tests.containers.fleet import Fleet
from tests.containers.processes import Process
from tests.containers.project import Project

HOSTS = ("api1", "api2", "web1", "web2")
MAY_ALL = b"deploy ALL=(ALL) NOPASSWD: ALL\n"
BIG = "/tmp/big"
SLOW = "echo begun; sleep 600 | sleep 601"


@pytest.fixture
def by_hand(fleet: Fleet, tmp_path: Path) -> Iterator[Project]:
    """A project whose hosts let deploy become anybody."""
    for name in HOSTS:
        fleet[name].put("/etc/sudoers.d/by-hand", MAY_ALL, mode=0o440)
    yield Project(tmp_path / "project", fleet, "releases")
    for name in HOSTS:
        fleet[name].check(f"rm -f /etc/sudoers.d/by-hand {BIG}")


def running(fleet: Fleet) -> dict[str, set[tuple[int, int]]]:
    return {name: {(p.pid, p.start_ticks) for p in fleet[name].processes()} for name in HOSTS}


def until_as_before(fleet: Fleet, before: dict[str, set[tuple[int, int]]], seconds: float = 30) -> None:
    """Nothing that a login began is there any more; what the system does by itself is not ours."""
    until = time.monotonic() + seconds
    while left := [p for name in HOSTS for p in fleet[name].processes() if _is_new(p, before[name])]:
        assert time.monotonic() < until, [p.cmdline[:200] for p in left]
        time.sleep(0.1)


def _is_new(process: Process, before: set[tuple[int, int]]) -> bool:
    ours = "systemd" not in process.cmdline and not process.cmdline.startswith(
        ("(sd-pam)", "/usr/sbin/", "/usr/bin/dbus")
    )
    return ours and (process.pid, process.start_ticks) not in before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--", SLOW), "begun"),
        (("run", "--sudo", "--", SLOW), "begun"),
        (("run", "--user", "ops", "--serial", "--", SLOW), "begun"),
        (("run", "--until-ok", "5", "--", "echo begun; sleep 1; false"), "begun"),
        (("disk.usage", "/"), ""),
        (("get", BIG, "--to", "here"), ""),
    ],
    ids=lambda given: " ".join(given[:2]) if isinstance(given, tuple) else "",
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_of_what_is_interrupted(
    by_hand: Project, fleet: Fleet, words: tuple[str, ...], said: str, number: signal.Signals
) -> None:
    for name in HOSTS:
        fleet[name].check(f"truncate -s 200M {BIG}")
    before = running(fleet)
    with by_hand.start_fab("-H", "prod", *words) as fab:
        if said:
            fab.until(said, 60)
        else:
            until = time.monotonic() + 30
            while not any(p.is_ssh_session for name in HOSTS for p in fleet[name].processes()):
                assert time.monotonic() < until
        fab.signal(number)
        ran = fab.finish(60)
    # What was quick enough to end before has ended well or said no.
    assert ran.code in ((130, 0, 7) if number is signal.SIGINT else (-number, 0, 7)), ran.said
    assert "Traceback" not in ran.said
    until_as_before(fleet, before)


def test_whom_one_becomes(by_hand: Project) -> None:
    for words, who in ((("--sudo",), "root"), (("--user", "ops"), "ops"), ((), "deploy")):
        ran = by_hand.fab("-H", "prod", "run", *words, "--json", "--", "id -un; pwd")
        said = {host: answer["output"].split() for host, answer in ran.json["hosts"].items()}
        home = "/root" if who == "root" else f"/home/{who}"
        assert said == {name: [who, home] for name in HOSTS}, ran.said


def test_hosts_that_are_well_fail_freeze_and_are_away(by_hand: Project, fleet: Fleet) -> None:
    by_hand.inventory["ssh"]["keepalive"] = {"interval": "1s", "timeout": "4s"}
    by_hand.inventory["ssh"] |= {"timeouts": {"connect": "4s", "banner": "4s", "auth": "4s"}, "tries": 1}
    fleet["web1"].stop()
    try:
        with by_hand.start_fab("-H", "prod", "run", "--", "echo begun; hostname | grep -qv api2 && sleep 8") as fab:
            fab.until("api1         | begun", 60)
            fab.until("web2         | begun", 60)
            fleet["web2"].pause()
            try:
                ran = fab.finish(120)
            finally:
                fleet["web2"].unpause()
    finally:
        fleet["web1"].start()
        fleet["web1"].wait_ready()
    assert ran.code == 3, ran.said
    assert "4 hosts: 1 ok, 1 failed, 2 unreachable" in ran.err, ran.said
    assert "api2         ! exit code 1" in ran.err and "web2         ! web2: " in ran.err, ran.said


def test_archives_of_packages_are_removed(by_hand: Project, fleet: Fleet) -> None:
    api1 = fleet["api1"]
    api1.check("head -c 2000000 /dev/zero >/var/cache/apt/archives/x_1_all.deb")
    looked = by_hand.fab("--dry", "-H", "prod:api1", "disk.clean")
    assert looked.code == 0 and "api@api1: package archives, " in looked.out, looked.said
    assert api1.exec("test -e /var/cache/apt/archives/x_1_all.deb")[0] == 0
    cleaned = by_hand.fab("-H", "prod:api1", "disk.clean")
    assert cleaned.code == 0, cleaned.said
    assert api1.exec("test -e /var/cache/apt/archives/x_1_all.deb")[0] != 0
    assert by_hand.fab("-H", "prod:api1", "disk.clean").code == 0


def test_keys_decide_who_logs_in(by_hand: Project, fleet: Fleet, tmp_path: Path) -> None:
    """A key that is added lets its owner in, and one that is removed no longer does; sshd itself says so."""
    key = tmp_path / "bob"
    machine = fleet["api1"]
    machine.check("rm -f /tmp/bob /tmp/bob.pub; ssh-keygen -q -t ed25519 -N '' -C bob@desk -f /tmp/bob")
    key.write_bytes(machine.read("/tmp/bob"))
    key.chmod(0o600)
    key.with_suffix(".pub").write_bytes(machine.read("/tmp/bob.pub"))
    ours = dict(by_hand.inventory["ssh"])
    theirs = {**ours, "identity_files": [str(key)]}

    def logs_in() -> int:
        by_hand.inventory["ssh"] = theirs
        ran = by_hand.fab("-H", "prod:backend", "run", "--", "true")
        by_hand.inventory["ssh"] = ours
        return ran.code

    assert logs_in() == 3
    added = by_hand.fab("-H", "prod:backend", "keys.add", f"{key}.pub")
    assert added.code == 0 and logs_in() == 0, added.said
    by_hand.inventory["ssh"] = theirs
    refused = by_hand.fab("-H", "prod:backend", "keys.remove", "bob@desk")
    by_hand.inventory["ssh"] = ours
    assert refused.code == 7 and "it is the key that lets us in" in refused.err, refused.said
    removed = by_hand.fab("-H", "prod:backend", "keys.remove", "bob@desk")
    assert removed.code == 0 and logs_in() == 3, removed.said
    users = by_hand.fab("-H", "prod:backend", "users.list", "--json").json["hosts"]["api1"]["answer"]
    assert {"deploy", "ops", "root"} <= {user["name"] for user in users}


def test_ssh_is_told_the_way_through_a_gateway(fleet: Fleet, tmp_path: Path) -> None:
    """What `shell` gives to OpenSSH: the host is reached by its inner address, with the inventory's keys alone."""
    gateway = Address("gw", "127.0.0.1", fleet["gw"].ssh_port, "deploy")
    host = Host(
        "api1",
        Address("api1", fleet["api1"].address, 22, "ops"),
        gateways=(gateway,),
        known_hosts=(str(fleet.known_hosts),),
        identity_files=(str(fleet.key.private),),
    )
    (tmp_path / "empty").write_text("")
    text, name = ssh_config(Network(Config(runtime_ssh_path=str(tmp_path / "empty"))).way(host))
    (tmp_path / "config").write_text(text)
    command = ["ssh", "-F", str(tmp_path / "config"), "-o", "BatchMode=yes", name, "hostname; id -un; echo $SSH_CLIENT"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split()
    assert said[:3] == ["api1", "ops", fleet["gw"].address]
