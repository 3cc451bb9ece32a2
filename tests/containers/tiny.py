"""A tiny app for tests of what goes wrong: fetched and built in a moment, and what it serves is a file."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.containers.fleet import Fleet
from tests.containers.machine import Machine
from tests.containers.project import Project, Ran, Running
from tests.containers.units import Layout

APP, HOSTS = "tiny", ("api1", "api2")
PATH, STATE, SERVED, GO, HOLD = "/app/tiny", "/app/.lockstitch/tiny", "/app/served", "/app/go", "/app/hold"
SERVICE = {"kind": "command", "reload": f"cp VERSION {SERVED}", "status": f"cmp VERSION {SERVED}"}
# The plan shows a line as it is written, so what it prints is written differently.
WAITING = "at-it"
WAIT = f"printf 'at-%s\\n' it; for i in $(seq 600); do [ ! -e {GO} ] || exit 0; sleep 0.1; done; exit 1"
LONG = "sleep 4321"
STUCK = f"printf 'at-%s\\n' it; exec {LONG}"


@dataclass(frozen=True)
class Stands:
    """One host: the version that is served, the one that lies where the app is, its locks, and what still runs."""

    serves: str
    lies: str
    locks: tuple[str, ...] = ()
    running: tuple[str, ...] = ()


def on(version: str) -> Stands:
    """A host that is on a version altogether, with nothing left over."""
    return Stands(version, version)


class Tiny:
    """The tiny app on some hosts of the fleet, and an operations project for it."""

    def __init__(self, fleet: Fleet, folder: Path, layout: Layout, hosts: Sequence[str] = HOSTS, **app: Any) -> None:
        self.fleet, self.hosts, self.layout = fleet, tuple(hosts), layout
        self.project = Project(folder, fleet, layout)
        self.inventory = self.project.inventory
        self.inventory["groups"] = {"all": {"hosts": [self.host(name) for name in hosts], "apps": [APP]}}
        self.inventory["apps"] = {APP: {}}
        self.app = self.inventory["apps"][APP]
        self.plain()
        self.app |= app

    def plain(self) -> None:
        """Nothing in the app fails, blocks or takes long; it goes to one host at a time."""
        self.app.clear()
        self.app |= {"repository": self.fleet.clone_url(APP), "layout": self.layout, "path": PATH}
        self.app |= {"build": ["cat VERSION"], "service": dict(SERVICE), "min_free": "1M"}
        self.inventory["rollout"] = {"batch": 1}

    def host(self, name: str) -> dict[str, Any]:
        """How a host stands in the inventory."""
        return {"name": name, "address": "127.0.0.1", "port": self.fleet[name].ssh_port}

    def machines(self) -> list[Machine]:
        return [self.fleet[name] for name in self.hosts]

    def deploy(self, ref: str, *words: str) -> Ran:
        return self.project.deploy(ref, *words)

    def start(self, ref: str, *words: str) -> Running:
        return self.project.start_fab("-H", "prod", "deploy", "--ref", ref, *words)

    def fab(self, *words: str) -> Ran:
        return self.project.fab("-H", "prod", *words)

    def stands(self) -> dict[str, Stands]:
        """Every host as it is, read without Lockstitch."""
        return dict(zip(self.hosts, self.everywhere(stands), strict=True))

    def all_on(self, version: str) -> dict[str, Stands]:
        return dict.fromkeys(self.hosts, on(version))

    def begin_on(self, version: str) -> None:
        """Whatever was there before: every host on the version, deployed by Lockstitch, and nothing in the way."""
        self.plain()
        self.unblock()
        self.everywhere(lambda machine: machine.exec("find /app -name lock.json -delete"))
        ran = self.deploy(version, "--force")
        assert ran.code == 0, ran.said
        assert self.stands() == self.all_on(version), ran.said

    def unblock(self) -> None:
        """Nothing is in the way of what the next deploy waits for."""
        self.everywhere(lambda machine: machine.check(f"rm -f {GO} {HOLD}"))

    def is_on(self, version: str) -> bool:
        """Whether every host is on the version altogether."""
        deployed = all(machine.exec(f"test -e {SERVED} -a -d {PATH}")[0] == 0 for machine in self.machines())
        return deployed and self.stands() == self.all_on(version)

    def go_on(self) -> None:
        """Let every step that waits go on."""
        self.everywhere(lambda machine: machine.check(f"touch {GO}"))

    def verdicts(self, host: str) -> list[str]:
        """What the host's journal says became of each release, in order."""
        return [entry["verdict"] for entry in journal(self.fleet[host], "release")]

    def everywhere(self, do: Callable[[Machine], Any]) -> list[Any]:
        with ThreadPoolExecutor(len(self.hosts)) as pool:
            return list(pool.map(do, self.machines()))

    def clear(self) -> None:
        """Take the app off its hosts."""
        self.everywhere(lambda machine: machine.check("rm -rf /app/* /app/.lockstitch"))


def stands(machine: Machine) -> Stands:
    """One host as it is."""
    look = f"""cat {SERVED}; cat {PATH}/current/VERSION 2>/dev/null || cat {PATH}/VERSION
        find /app/.lockstitch -name 'lock.json*'"""
    serves, lies, *locks = machine.exec(look)[1].splitlines()
    running = tuple(each.cmdline for each in machine.processes(LONG) if "sshd" not in each.cmdline)
    return Stands(serves, lies, tuple(locks), running)


def journal(machine: Machine, event: str = "") -> list[dict[str, Any]]:
    """The host's journal of the app; all of it, or the lines of one event."""
    lines = machine.read(f"{STATE}/journal.jsonl").decode().splitlines()
    return [json.loads(line) for line in lines if f'"event":"{event}' in line]


def wait_until(true: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Wait for what has no event to wait for; an AssertionError when it does not come in time."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)


def git(repository: Path, *words: str, **environment: str) -> str:
    """Git on this machine, without the settings of whoever runs the tests."""
    who = {f"GIT_{role}_{key}": "ada@example.com" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    alone = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **who}
    command = ["git", "-C", str(repository), *words]
    done = subprocess.run(command, env={**alone, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {words}: {done.stderr}"
    return done.stdout.strip()


def make_repository(fleet: Fleet, folder: Path) -> Path:
    """The repository of the tiny app with tags v1, v2 and v3, made here and pushed to the git host."""
    path = folder / APP
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    for version in ("v1", "v2", "v3"):
        (path / "VERSION").write_text(f"{version}\n")
        git(path, "add", "-A")
        git(path, "commit", "-q", "-m", f"release {version}")
        git(path, "tag", version)
    fleet["git"].check(f"rm -rf /srv/git/{APP}.git")
    fleet.make_bare_repository(APP)
    git(path, "push", "-q", fleet.push_url(APP), "--all", **fleet.git_environment())
    git(path, "push", "-q", fleet.push_url(APP), "--tags", **fleet.git_environment())
    return path
