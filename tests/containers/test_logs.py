"""`fab logs` on real hosts: a unit's journal and PM2's files, and nothing left of --follow."""

from __future__ import annotations

import json
import signal
import time
from typing import Any

import pytest

from tests.containers import expect
from tests.containers.fleet import Fleet
from tests.containers.project import Project, Ran
from tests.containers.repos import Repository

HOSTS = ("api1", "api2", "web1")
UNIT = "/etc/systemd/system/talker.service"
TALKS = b"""[Service]
ExecStart=/usr/local/bin/talker
"""
TALKER = b"""#!/bin/sh
printf 'ERROR it talks\\nTraceback (most recent call last):\\n  File x\\nValueError: no\\n'
exec sleep 600
"""
LEFT = ("journalctl", "sleep 0.25")


def records(ran: Ran) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ran.out.splitlines() if line.startswith("{")]


def until_nothing_is_left(fleet: Fleet, *names: str, seconds: float = 20) -> None:
    """No process of --follow is on these hosts any more."""
    until = time.monotonic() + seconds
    while left := [
        each.cmdline for name in names for each in fleet[name].processes() if any(word in each.cmdline for word in LEFT)
    ]:
        assert time.monotonic() < until, left
        time.sleep(0.1)


@pytest.mark.parametrize("layout", ["releases"])
def test_a_unit_s_journal_and_pm2_s_files_are_one_stream(
    project: Project, fleet: Fleet, repositories: dict[str, Repository]
) -> None:
    project.with_one_frontend()
    expect.done(project.deploy("v1"))
    for name in ("api1", "api2"):
        machine = fleet[name]
        machine.put(UNIT, TALKS)
        machine.put("/usr/local/bin/talker", TALKER, mode=0o755)
        machine.check("systemctl daemon-reload; systemctl restart talker")
    service = {"kind": "systemd", "unit": "talker"}
    talker = {**project.app("api"), "path": "/app/talker", "service": service, "logs": []}
    project.inventory["apps"]["talker"] = talker
    project.inventory["groups"]["backend"]["apps"].append("talker")
    web = fleet["web1"]
    file = web.check("ls ~/.pm2/logs/webapp-out*.log | head -n 1", user="deploy").strip()
    web.check(f"echo '2026-01-01T00:00:00Z from the worker' >> {file}", user="deploy")

    ran = project.fab("-H", "prod:frontend", "logs", "--json")
    assert ran.code == 0, ran.said
    (worker,) = [one for one in records(ran) if "from the worker" in one["lines"][0]]
    assert (worker["host"], worker["app"], worker["source"]) == ("web1", "webapp", file)
    # The user who deploys is in no group that may read the system's journal.
    ran = project.fab("-H", "prod:backend", "logs", "talker")
    assert ran.code == 7 and ran.err.count("the journal of talker cannot be read") == 2, ran.said
    for name in HOSTS:
        fleet[name].put("/etc/sudoers.d/logs", b"deploy ALL=(root) NOPASSWD: ALL\n", mode=0o440)
    ran = project.fab("-H", "prod", "logs", "talker", "--json", "--sudo")
    assert ran.code == 0, ran.said
    found = [one for one in records(ran) if "ValueError" in " ".join(one["lines"])]
    assert {one["host"] for one in found} == {"api1", "api2"} and {one["source"] for one in found} == {"talker"}
    assert all(len(one["lines"]) >= 4 for one in found), found
    times = [one["time"] for one in records(ran)]
    assert times == sorted(times)

    running = project.start_fab("-H", "prod", "logs", "talker,webapp", "--follow", "--sudo", "--lines", "0")
    with running:
        for attempt in range(60):
            for name in ("api1", "api2"):
                fleet[name].check("systemctl restart talker")
            web.check(f"echo 'comes {attempt}' >> {file}", user="deploy")
            try:
                running.until("ValueError: no", 2, times=2)
                running.until("comes", 1)
                break
            except AssertionError:
                assert running.process.poll() is None
        assert [each for each in fleet["api1"].processes() if "journalctl" in each.cmdline]
        running.signal(signal.SIGINT)
        ran = running.finish()
    assert ran.code == 0, ran.said
    until_nothing_is_left(fleet, *HOSTS)
    running = project.start_fab("-H", "prod", "logs", "--follow", "--sudo")
    running.until("ValueError: no", 60, times=2)
    running.signal(signal.SIGKILL)
    running.finish()
    until_nothing_is_left(fleet, *HOSTS)
    for name in HOSTS:
        fleet[name].check("rm -f /etc/sudoers.d/logs")
    for name in ("api1", "api2"):
        fleet[name].check("systemctl stop talker; rm -f " + UNIT)
