"""`fab put` and `fab get` on real hosts: other users' files, full disks, folders nobody may write in."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.fleet import SMALL_BACKUPS, Fleet
from tests.containers.machine import Machine
from tests.containers.project import Project, default_inventory
from tests.engine.transfer.carried import things

PLACE = "/srv/put"
SMALL = SMALL_BACKUPS
SIZE = 150 << 20
SUDOERS = "/etc/sudoers.d/files"


@pytest.fixture(scope="module")
def desk(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Project:
    inventory = default_inventory(fleet, "in_place")
    inventory["groups"] = {name: {**group, "apps": []} for name, group in inventory["groups"].items()}
    return Project(tmp_path_factory.mktemp("files") / "project", fleet, "in_place", {**inventory, "apps": {}})


@pytest.fixture
def api1(fleet: Fleet) -> Iterator[Machine]:
    """A host with an empty folder of the deploy user's, as it was when the test is over."""
    machine = fleet["api1"]
    machine.check(f"rm -rf {PLACE} /home/deploy/.cache/lockstitch; mkdir {PLACE}; chown deploy: {PLACE}")
    machine.put(SUDOERS, b"deploy ALL=(root, www-data) NOPASSWD: ALL\n", 0o440)
    yield machine
    machine.check(f"rm -rf {SUDOERS} {PLACE} {SMALL}/* {SMALL}/.lockstitch-*")


def left(machine: Machine) -> str:
    """The parts that lie about, and what is in the staging folder."""
    return machine.check(f"find {PLACE} {SMALL} /etc /home/deploy/.cache -name '.lockstitch-*' 2>/dev/null || :")


def test_a_folder_to_all_hosts_and_back(desk: Project, fleet: Fleet, api1: Machine, tmp_path: Path) -> None:
    (tmp_path / "site" / "empty").mkdir(parents=True)
    (tmp_path / "site" / "a b'c\nd").write_bytes(os.urandom(100_000))
    (tmp_path / "site" / "run").write_text("#!/bin/sh\n")
    (tmp_path / "site" / "run").chmod(0o750)
    (tmp_path / "site" / "link").symlink_to("../elsewhere")
    ran = desk.fab("-H", "prod", "put", str(tmp_path / "site"), "site")
    assert ran.code == 0 and "4 hosts: 4 ok" in ran.err, ran.said
    ran = desk.fab("-H", "prod", "get", "site", "--to", str(tmp_path / "back"))
    assert ran.code == 0, ran.said
    for host in ("api1", "api2", "web1", "web2"):
        assert things(tmp_path / "back" / host / "site") == things(tmp_path / "site")
        fleet[host].check("rm -rf /home/deploy/site")


def test_files_of_root(desk: Project, api1: Machine, tmp_path: Path) -> None:
    (tmp_path / "app.conf").write_text("new\n")
    ran = desk.fab("-H", "prod:api1", "put", str(tmp_path / "app.conf"), "/etc/app.conf")
    assert ran.code == 7 and "api1: /etc cannot be written in by the login user" in ran.err, ran.said
    ran = desk.fab("-H", "prod:api1", "put", str(tmp_path / "app.conf"), "/etc/", "--sudo", "--mode", "640")
    assert ran.code == 0, ran.said
    assert api1.check("stat -c '%U %a' /etc/app.conf; cat /etc/app.conf").split() == ["root", "640", "new"]
    again = desk.fab("-H", "prod:api1", "put", str(tmp_path / "app.conf"), "/etc/", "--sudo", "--mode", "640")
    assert again.code == 0 and "1 unchanged" in again.err, again.said
    ran = desk.fab("-H", "prod:api1", "get", "/etc/app.conf", "--to", str(tmp_path / "to"))
    assert ran.code == 7 and "/etc/app.conf" in ran.err and "denied" in ran.err.lower(), ran.said
    ran = desk.fab("-H", "prod:api1", "get", "/etc/app.conf", "--to", str(tmp_path / "to"), "--sudo")
    assert ran.code == 0 and (tmp_path / "to" / "app.conf").read_text() == "new\n", ran.said
    ran = desk.fab("-H", "prod:api1", "get", "/etc", "--to", str(tmp_path / "etc"))
    assert ran.code == 7 and "Permission denied" in ran.err and not (tmp_path / "etc").exists(), ran.said
    assert (tmp_path / "to" / "app.conf").stat().st_mode & 0o777 == 0o640
    assert left(api1) == ""
    api1.check("rm /etc/app.conf")


def test_a_folder_of_another_user(desk: Project, api1: Machine, tmp_path: Path) -> None:
    (tmp_path / "site" / "empty").mkdir(parents=True)
    (tmp_path / "site" / "a b").write_text("one")
    (tmp_path / "site" / "l").symlink_to("a b")
    # Of a user whose home is missing no shell can be begun there.
    api1.check(f"mkdir -p /var/www; chown www-data: {PLACE}; chmod 700 {PLACE}")
    ran = desk.fab("-H", "prod:api1", "put", str(tmp_path / "site"), f"{PLACE}/", "--user", "www-data")
    assert ran.code == 0, ran.said
    owners = api1.check(f"find {PLACE}/site -printf '%u\\n'").split()
    assert owners == ["www-data"] * 4
    ran = desk.fab("-H", "prod:api1", "get", f"{PLACE}/site", "--to", str(tmp_path / "to"), "--user", "www-data")
    assert ran.code == 0, ran.said
    assert things(tmp_path / "to" / "site") == things(tmp_path / "site") and left(api1) == ""


def test_sudo_that_is_not_allowed(desk: Project, api1: Machine, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("new")
    ran = desk.fab("-H", "prod:api1", "put", str(tmp_path / "a"), "/tmp/a", "--user", "nobody-there")
    assert ran.code != 0 and "nobody-there" in ran.err and "Traceback" not in ran.err, ran.said


def test_a_disk_that_is_too_small(desk: Project, api1: Machine, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(8 << 20))
    api1.check(f"echo old >{SMALL}/big; chown deploy: {SMALL}/big")
    ran = desk.fab("-H", "prod:api1", "put", str(tmp_path / "big"), f"{SMALL}/big")
    assert ran.code == 7 and f"{SMALL} has 6.0 MiB free and 8.0 MiB are needed; nothing was sent" in ran.err, ran.said
    assert api1.check(f"cat {SMALL}/big") == "old\n" and left(api1) == ""


def test_a_disk_that_fills_up_meanwhile(desk: Project, api1: Machine, tmp_path: Path) -> None:
    """What `df` says is believed here, and is not true."""
    (tmp_path / "big").write_bytes(os.urandom(8 << 20))
    api1.check(f"echo old >{SMALL}/big; chown deploy: {SMALL}/big")
    api1.put("/usr/local/bin/df", b"#!/bin/sh\necho head; echo 99999999\n", 0o755)
    try:
        ran = desk.fab("-H", "prod:api1", "put", str(tmp_path / "big"), f"{SMALL}/big")
    finally:
        api1.check("rm /usr/local/bin/df")
    assert ran.code == 7 and "cannot be written" in ran.err and "df -h" in ran.err, ran.said
    assert api1.check(f"cat {SMALL}/big") == "old\n" and left(api1) == ""


def test_folders_that_cannot_be_written_in(desk: Project, api1: Machine, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("new")
    for target, said in (
        ("/proc/a", "api1: /proc cannot be written in by the login user"),
        ("/srv/none/a", "api1: there is no folder /srv/none"),
        ("/root/a", "api1: /root cannot be written in"),
        ("/sys/a", "api1: /sys cannot be written in"),
    ):
        ran = desk.fab("-H", "prod:api1", "put", str(tmp_path / "a"), target)
        assert ran.code == 7 and said in ran.err, ran.said
        assert "Traceback" not in ran.err
    ran = desk.fab("-H", "prod:api1", "put", str(tmp_path / "a"), "/sys/a", "--sudo")
    assert ran.code == 7 and "/sys" in ran.err, ran.said


@pytest.mark.parametrize("how", ["ctrl-c", "cut"])
def test_one_that_is_cut_off_goes_on(desk: Project, api1: Machine, tmp_path: Path, how: str) -> None:
    with (tmp_path / "big").open("wb") as file:
        file.truncate(SIZE)
    words = ("-H", "prod:api1", "put", str(tmp_path / "big"), f"{PLACE}/big")
    running = desk.start_fab(*words)
    until = time.monotonic() + 30
    while not api1.check(f"find {PLACE} -name '.lockstitch-*' -size +1000k"):
        assert time.monotonic() < until and running.process.poll() is None, running.finish().said
    if how == "cut":
        assert api1.kill_ssh_sessions()
    else:
        running.signal(signal.SIGINT)
    ran = running.finish(60)
    assert ran.code == (3 if how == "cut" else 130), ran.said
    api1.check(f"! test -e {PLACE}/big")
    while (there := [one for one in api1.processes() if one.is_ssh_session or "sftp" in one.cmdline]) and how != "cut":
        assert time.monotonic() < until, there
    ran = desk.fab(*words, "--json")
    assert ran.code == 0, ran.said
    assert ran.json["hosts"]["api1"]["resumed"] == 1 and ran.json["hosts"]["api1"]["bytes"] < SIZE
    assert api1.check(f"stat -c %s {PLACE}/big").strip() == str(SIZE) and left(api1) == ""
