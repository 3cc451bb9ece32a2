"""What is really on the hosts, read by other means than Lockstitch's: HTTP from outside, /proc, git, the disk."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import requests

from tests.containers import processes
from tests.containers.fleet import Fleet
from tests.containers.machine import Machine
from tests.containers.processes import Process
from tests.containers.project import APPS, GROUPS, PATHS
from tests.containers.units import Layout, install_unit

HOSTS = tuple(name for names in GROUPS.values() for name in names)
TICKS = 100.0
# Written so that the command line that looks for them is none of them.
SERVERS = "[g]unicorn|God [D]aemon|node  ?/[a]pp|next-[s]erver"
_ON_DISK = "cat {path}/current/REVISION 2>/dev/null || git -c safe.directory='*' -C {path} rev-parse HEAD 2>/dev/null"
_LOCKS = "find /app/.lockstitch -name 'lock.json*' 2>/dev/null || :"
APP_OF = {name: APPS[group] for group, names in GROUPS.items() for name in names}


@dataclass(frozen=True)
class Standing:
    """One host as it stands. `folders` are those its workers run in, `started` when the oldest of them began."""

    serves: str
    on_disk: str
    release: str
    folders: frozenset[str]
    started: float
    pids: frozenset[int]
    locks: tuple[str, ...]


def standing(fleet: Fleet, name: str) -> Standing:
    """Everything a test asks of one host."""
    machine, path = fleet[name], PATHS[APP_OF[name]]
    # One command for all of it: a command in a container costs more than what it does there.
    look = f"""readlink -e {path}/current || readlink -e {path}
        {_ON_DISK.format(path=path)} || echo
        {processes.COMMAND}
        {_LOCKS}"""
    release, on_disk, running, *locks = machine.check(look).splitlines()
    working = _workers(processes.parse(running))
    return Standing(
        serves=served(machine),
        on_disk=on_disk,
        release=release,
        folders=frozenset(each.cwd for each in working),
        started=min(each.start_ticks for each in working) / TICKS,
        pids=frozenset(each.pid for each in working),
        locks=tuple(locks),
    )


def everywhere(fleet: Fleet, hosts: Sequence[str] = HOSTS) -> dict[str, Standing]:
    """Hosts as they stand, all four unless said otherwise."""
    with ThreadPoolExecutor(len(hosts)) as pool:
        return dict(zip(hosts, pool.map(lambda name: standing(fleet, name), hosts), strict=True))


def uptime(fleet: Fleet) -> float:
    """The present moment on the clock of `Standing.started`, which all machines of a fleet share."""
    return float(fleet["api1"].read("/proc/uptime").split()[0])


def served(machine: Machine, path: str = "/healthz") -> str:
    """The revision a host serves, asked through its published port."""
    return str(requests.get(f"http://127.0.0.1:{machine.http_port}{path}", timeout=5).json()["revision"])


def wait_served(machine: Machine, revision: str, seconds: float = 10) -> None:
    """Wait until a host serves the revision."""
    until = time.monotonic() + seconds
    while (now := served(machine)) != revision:
        assert time.monotonic() < until, f"{machine.name} still serves {now}"


def releases(machine: Machine, app: str) -> list[str]:
    """The folders of an app's releases, oldest first."""
    return machine.check(f"ls -1 {PATHS[app]}/releases").split()


def workers(machine: Machine) -> list[Process]:
    """The processes that answer requests: the children of gunicorn's master or of PM2's daemon."""
    return _workers(machine.processes())


def masters_of(machine: Machine) -> list[Process]:
    """The masters of gunicorn and the daemons of PM2; one that a USR2 made beside its old one too."""
    return [each for each in machine.processes() if _is_master(each)]


def _workers(running: list[Process]) -> list[Process]:
    masters = {each.pid for each in running if _is_master(each)}
    # PM2's daemon asks `df` for the disks now and then.
    mine = [each for each in running if each.ppid in masters and not each.cmdline.startswith("df ")]
    return [each for each in mine if not _is_master(each)]


def _is_master(process: Process) -> bool:
    return "God Daemon" in process.cmdline or (
        "gunicorn" in process.cmdline and "worker" not in process.cmdline and process.ppid == 1
    )


def locks(machine: Machine) -> tuple[str, ...]:
    """The files of locks that are held, or were left half made."""
    return tuple(machine.exec(_LOCKS)[1].split())


def journal(machine: Machine, app: str) -> list[dict[str, Any]]:
    """The host's journal of an app."""
    lines = machine.check(f"cat /app/.lockstitch/{app}/journal.jsonl").splitlines()
    return [json.loads(line) for line in lines]


def verdicts(machine: Machine, app: str) -> list[tuple[str, str]]:
    """Each release the journal tells of, as its revision and what became of it, in order."""
    return [(e["revision"], e["verdict"]) for e in journal(machine, app) if e["event"] == "release"]


def migrations(machine: Machine) -> int:
    """How many times the api's migrations were run on a host."""
    count = 'import sqlite3; print(sqlite3.connect("/app/state/api.sqlite3").execute("SELECT count(*) FROM runs")'
    code, said = machine.exec(f"test -e /app/state/api.sqlite3 && python3 -c '{count}.fetchone()[0])'")
    return int(said) if code == 0 else 0


def reset(fleet: Fleet) -> None:
    """Take the four hosts back to where nothing was ever deployed: nothing runs, nothing lies there."""
    with ThreadPoolExecutor(len(HOSTS)) as pool:
        list(pool.map(lambda name: _reset(fleet[name]), HOSTS))


def _reset(machine: Machine) -> None:
    machine.check(f"""g=gunicor; systemctl stop ${{g}}n 2>/dev/null; systemctl reset-failed; pkill -KILL -f '{SERVERS}'
        rm -rf /app/* /app/.lockstitch /home/*/.pm2 /var/log/${{g}}n/* /home/*/.lockstitch""")


def with_units(fleet: Fleet, layout: Layout) -> None:
    """Install the api's unit for a layout on both backends; there is no code yet."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda machine: install_unit(machine, layout), fleet.backends))
