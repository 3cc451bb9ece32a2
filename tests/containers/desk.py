"""The desk on its two PHP hosts: how they are set up, what is really on them, and what a test can have fail there."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.containers.data import Data
from tests.containers.fleet import Fleet
from tests.containers.machine import Machine
from tests.containers.project import Project, Ran, Running
from tests.containers.resources import Spec

APP, HOSTS, PATH = "desk", ("php1", "php2"), "/app/desk"
SHARED, CURRENT, STATE = f"{PATH}/shared", f"{PATH}/current", "/app/.lockstitch/desk"
DOWN = f"{SHARED}/storage/framework/down"
RECORD, ENOUGH = "/var/lib/desk/record", "/var/lib/desk/enough"
FAULT, IDLE, HOLD = "/var/lib/desk/fault", "/var/lib/desk/idle", "/var/lib/desk/hold"
BACKUPS = "/var/backups/desk"
SECRET, RETRY = "let-me-in", 17
UNITS = "nginx php8.2-fpm"
# Laravel works for a page: asked for as often as the others, its clients would take the CPU that the deploy needs.
LOOPS = {"/": 0.2, "/page": 0.2, "/slow": 0.0}
TOPOLOGY = [
    Spec("php1", http=80, folders=(BACKUPS,)),
    Spec("php2", http=80, folders=(BACKUPS,)),
    Spec("data1"),
]


@dataclass(frozen=True)
class Standing:
    """One host as it stands: what it serves through the web server, what lies there, and what is cached there."""

    serves: str
    lies: str
    cached: str
    caches: tuple[str, ...]
    down: bool
    locks: tuple[str, ...]


class Desk:
    """The application on its hosts, and an operations project for it."""

    def __init__(self, fleet: Fleet, data: Data, folder: Path) -> None:
        self.fleet, self.data = fleet, data
        self.project = Project(folder, fleet, "releases", inventory(fleet))
        self.project.variables["DESK_SECRET"] = SECRET
        for name, database in (("DESK", "desk"), ("SCRATCH", "scratch")):
            self.project.variables[f"{name}_DATABASE_URL"] = data.url(database)

    @property
    def app(self) -> dict[str, Any]:
        """Its entry in the inventory, to be changed."""
        return self.project.app(APP)

    @property
    def service(self) -> dict[str, Any]:
        """Its service's settings, to be changed."""
        found: dict[str, Any] = self.app["service"]
        return found

    @property
    def machines(self) -> list[Machine]:
        return [self.fleet[name] for name in HOSTS]

    def everywhere(self, do: Callable[[Machine], Any]) -> list[Any]:
        with ThreadPoolExecutor(len(HOSTS)) as pool:
            return list(pool.map(do, self.machines))

    def fresh(self) -> None:
        """Nothing was ever deployed; the web server and PHP-FPM run, and .env is where its users put it."""
        self.data.reset()
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        env = f"APP_KEY=base64:{key}\n{self.data.env()}DESK_RECORD={RECORD}\nDESK_ENOUGH={ENOUGH}\n"

        def clear(machine: Machine) -> None:
            machine.check(
                f"systemctl stop desk-worker desk-horizon; rm -rf /app/* /app/.lockstitch /var/lib/desk/* {BACKUPS}/*"
            )
            machine.check(f"install -d -o deploy -g deploy -m 2775 {PATH} {SHARED}; systemctl restart {UNITS}")
            machine.put(f"{SHARED}/.env", env.encode(), mode=0o640, owner="deploy:www-data")

        self.everywhere(clear)

    def begin_on(self, ref: str) -> None:
        """Deployed for the first time, with workers at their queue."""
        self.fresh()
        ran = self.deploy(ref)
        assert ran.code == 0, ran.said
        self.everywhere(lambda machine: machine.check("systemctl start desk-worker"))

    def deploy(self, ref: str, *words: str) -> Ran:
        return self.project.deploy(ref, *words)

    def start(self, ref: str, *words: str) -> Running:
        return self.project.start_fab("-H", "prod", "deploy", "--ref", ref, *words)

    def fab(self, *words: str) -> Ran:
        return self.project.fab("-H", "prod", *words)

    def stands(self) -> dict[str, Standing]:
        """Both hosts as they are, read without Lockstitch."""
        return dict(zip(HOSTS, self.everywhere(stands), strict=True))

    def artisan(self, machine: Machine, line: str) -> str:
        """What a person at the host's shell would type."""
        return machine.check(f"cd {CURRENT} && umask 002 && php artisan {line}", user="deploy")

    def records(self, event: str = "") -> list[dict[str, Any]]:
        """What ran on either host, as it has recorded itself, in order; of one event, or all."""
        told = self.everywhere(lambda machine: machine.exec(f"cat {RECORD} 2>/dev/null")[1])
        lines = [json.loads(line) for text in told for line in text.splitlines()]
        return sorted((line for line in lines if event in ("", line["event"])), key=lambda line: float(line["at"]))

    def enough(self, yes: bool = True) -> None:
        """Let the jobs that are at work come to their end, and those after them; or have them take their time."""
        self.everywhere(lambda machine: machine.check(f"touch {ENOUGH}" if yes else f"rm -f {ENOUGH}"))

    def errors(self) -> str:
        """What went wrong in requests, as the hosts' logs have it: for the message of an assertion."""
        logs = " ".join(f"{folder}/storage/logs/laravel.log" for folder in (PATH, SHARED))
        look = f"grep -hs ERROR {logs}; tail -n 5 /var/log/nginx/desk.log /var/log/php8.2-fpm.log"
        return "\n".join(
            line[:400] for text in self.everywhere(lambda m: m.exec(look)[1]) for line in text.splitlines()
        )


def stands(machine: Machine) -> Standing:
    """One host as it is."""
    look = f"""cat {CURRENT}/REVISION; grep -o "'revision' => '[0-9a-f]*'" {CURRENT}/bootstrap/cache/config.php
        cd {CURRENT}/bootstrap/cache; ls *.php | tr '\\n' ' '"""
    lies, cached, caches = machine.exec(look)[1].splitlines()
    down = machine.exec(f"test -e {DOWN}")[0] == 0
    locks = machine.exec("find /app/.lockstitch -name 'lock.json*' 2>/dev/null")[1].split()
    return Standing(revision(machine), lies.strip(), cached.split("'")[-2], tuple(caches.split()), down, tuple(locks))


def get(machine: Machine, path: str = "/", **more: Any) -> requests.Response:
    """A page through the host's published port."""
    return requests.get(f"http://127.0.0.1:{machine.http_port}{path}", timeout=15, **more)


def post(machine: Machine, path: str, **more: Any) -> requests.Response:
    """The same for a form."""
    return requests.post(f"http://127.0.0.1:{machine.http_port}{path}", timeout=15, **more)


def revision(machine: Machine, path: str = "/") -> str:
    """The revision that is served, or the status where there is none."""
    answer = get(machine, path)
    return str(answer.json()["revision"]) if answer.status_code == 200 else f"status {answer.status_code}"


def fail_once(machine: Machine, words: str, *, quietly: bool = False) -> None:
    """Have the next command of PHP, Composer, mv or PHP-FPM's unit whose line contains the words fail; or have a reload
    only say that it was done."""
    machine.put(IDLE if quietly else FAULT, f"{words}\n".encode(), mode=0o666)


def met(machine: Machine) -> bool:
    """Whether what was asked for has failed; it is asked for no more."""
    look = f"test -e {FAULT}.met -o -e {IDLE}.met; was=$?; rm -f {FAULT}* {IDLE}*; exit $was"
    return machine.exec(look)[0] == 0


def hold(machine: Machine, words: str) -> None:
    """Have the next command whose line contains the words wait, until `let_go`."""
    machine.check(f"rm -f {HOLD}.met")
    machine.put(HOLD, f"{words}\n".encode(), mode=0o666)


def until_held(machine: Machine) -> None:
    """Wait until the command is there: what it prints may be shown only when it has ended."""
    wait_until(lambda: machine.exec(f"test -e {HOLD}.met")[0] == 0, f"a command is held on {machine.name}", 120)


def let_go(machine: Machine) -> None:
    """Let the command that is held go on."""
    machine.check(f"rm -f {HOLD} {HOLD}.met")


def wait_until(true: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Wait for what has no event to wait for; an AssertionError when it does not come in time."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)


def inventory(fleet: Fleet) -> dict[str, Any]:
    """One group of both hosts, which switch at once."""
    hosts = [{"name": name, "address": "127.0.0.1", "port": fleet[name].ssh_port} for name in HOSTS]
    return {
        "ssh": {"user": "deploy", "known_hosts": [str(fleet.known_hosts)], "identity_files": [str(fleet.key.private)]},
        "groups": {"desks": {"hosts": hosts, "apps": [APP]}},
        "apps": {APP: app(fleet)},
        "rollout": {"batch": "all"},
    }


def database() -> dict[str, Any]:
    """Its database: dumped on the first host, and proved where SCRATCH_DATABASE_URL says."""
    return {
        "engine": "mysql",
        "url": "env:DESK_DATABASE_URL",
        "run_on": "desks",
        "directory": BACKUPS,
        "prove": {"url": "env:SCRATCH_DATABASE_URL"},
    }


def app(fleet: Fleet) -> dict[str, Any]:
    """The desk with the settings of its service as the tests begin."""
    return {
        "repository": fleet.clone_url(APP),
        "layout": "releases",
        "path": PATH,
        "service": {
            "kind": "laravel",
            "maintenance": {"when": "never", "secret": "env:DESK_SECRET", "retry": RETRY},
            "queues": {"restart": True},
            "fpm": {"unit": "php8.2-fpm"},
        },
        "health": {
            "url": "http://localhost/health",
            "expect": {"status": "healthy"},
            "revision": "revision",
            "interval": "200ms",
            "tries": 30,
        },
        "logs": [f"{SHARED}/storage/logs/laravel.log"],
        "keep": 2,
        "min_free": "2M",
    }
