"""A complete operations project in a folder of its own, whose `fab` is the real one, run as a person would."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.containers.fleet import BACKUPS, Fleet
from tests.containers.units import Layout
from tests.documents import document
from tests.preloaded import FAB as FAB
from tests.preloaded import ROOT as ROOT
from tests.preloaded import PreloadedProcess

SECONDS = 300.0

GROUPS = {"backend": ("api1", "api2"), "frontend": ("web1", "web2")}
APPS = {"backend": "api", "frontend": "webapp"}
PATHS = {"api": "/app/api", "webapp": "/app/webapp", "notes": "/app/notes"}


@dataclass(frozen=True)
class Ran:
    """How a `fab` ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def said(self) -> str:
        """Everything it said, for the message of an assertion."""
        return f"exit code {self.code}\n{self.out}\n{self.err}"

    @property
    def json(self) -> Any:
        """The document it printed with --json, compared with its schema."""
        return document(self.out)


class Running:
    """A `fab` in a session of its own: wait for what it says, signal it, and see how it ends. Killed when left alone.

    One that is `preloaded` has no start-up of its own, which saves most of its CPU: see `tests/preloaded.py`.
    """

    def __init__(
        self,
        words: Sequence[str],
        folder: Path,
        env: Mapping[str, str],
        errors: str = "replace",
        *,
        preloaded: bool = False,
    ) -> None:
        self.process = process = (
            PreloadedProcess(words, folder, env, errors)
            if preloaded
            else subprocess.Popen(
                words,
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors=errors,
                start_new_session=True,
            )
        )
        self._began = time.monotonic()
        self._said = {"out": "", "err": ""}
        self._news = threading.Condition()
        assert process.stdout and process.stderr
        streams = {"out": process.stdout, "err": process.stderr}
        self._readers = [threading.Thread(target=self._read, args=each, daemon=True) for each in streams.items()]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def until(self, text: str, seconds: float = SECONDS, times: int = 1) -> None:
        """Wait until it has said something so many times; an AssertionError when it ends or the time is up first."""
        with self._news:
            said = self._news.wait_for(lambda: self._all.count(text) >= times or self._silent, seconds)
            ended = "it ended" if said else "time is up"
            assert self._all.count(text) >= times, f"{ended} before {text!r} was said:\n{self._all}"

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it, as the terminal or CI would."""
        os.killpg(self.process.pid, number)

    def finish(self, seconds: float = SECONDS) -> Ran:
        """Wait for its end; it is killed when it takes longer."""
        with self:
            try:
                code = self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"it did not end within {seconds:g} s:\n{self._all}") from None
        for reader in self._readers:
            reader.join(10)
        return Ran(code, self._said["out"], self._said["err"], time.monotonic() - self._began)

    @property
    def _all(self) -> str:
        return self._said["out"] + self._said["err"]

    @property
    def _silent(self) -> bool:
        return not any(reader.is_alive() for reader in self._readers)

    def _read(self, name: str, stream: IO[str]) -> None:
        for line in stream:
            with self._news:
                self._said[name] += line
                self._news.notify_all()
        stream.close()
        threading.Timer(0.05, self._wake).start()

    def _wake(self) -> None:
        with self._news:
            self._news.notify_all()


class Project:
    """fabfile.py, fabric.yaml and tasks/ as they are checked out, and an inventory `prod` of the fleet."""

    def __init__(self, folder: Path, fleet: Fleet, layout: Layout, inventory: dict[str, Any] | None = None) -> None:
        self.folder, self.fleet, self.layout = folder, fleet, layout
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        (folder / "hosts").mkdir()
        for name in ("fabfile.py", "fabric.yaml"):
            shutil.copy(ROOT / name, folder / name)
        # Not copied: the compiled files in it are worth half a second a call.
        (folder / "tasks").symlink_to(ROOT / "tasks")
        self.inventory = inventory or default_inventory(fleet, layout)
        # What every `fab` has in its environment besides.
        self.variables: dict[str, str] = {}

    def fab(self, *words: str, seconds: float = SECONDS, env: dict[str, str] | None = None) -> Ran:
        """Run `fab` to its end."""
        return self.start_fab(*words, env=env).finish(seconds)

    def start_fab(self, *words: str, env: dict[str, str] | None = None, preloaded: bool = True) -> Running:
        """Start `fab` with the inventory as it is now."""
        self.prepare()
        return Running([str(FAB), *words], self.folder, {**self.env, **(env or {})}, preloaded=preloaded)

    def prepare(self) -> None:
        """Write the inventory as it is now."""
        # JSON is YAML too.
        (self.folder / "hosts" / "prod.yml").write_text(json.dumps(self.inventory, indent=2))

    def deploy(self, ref: str, *words: str, on: str = "prod", seconds: float = SECONDS) -> Ran:
        """`fab -H prod deploy --ref REF`."""
        return self.fab("-H", on, "deploy", "--ref", ref, *words, seconds=seconds)

    def rollback(self, *words: str, on: str = "prod") -> Ran:
        """`fab -H prod rollback`."""
        return self.fab("-H", on, "rollback", *words)

    def status(self, on: str = "prod") -> dict[tuple[str, str], dict[str, Any]]:
        """What `fab status --json` says of each host and app."""
        sites = self.fab("-H", on, "status", "--json").json["sites"]
        return {(site["host"], site["app"]): site for site in sites}

    def events(self) -> Iterator[dict[str, Any]]:
        """The events of the last run, from the controller's journal."""
        last = max((self.folder / ".lockstitch" / "runs").glob("*/events.jsonl"), key=lambda file: file.stat().st_mtime)
        return (json.loads(line) for line in last.read_text().splitlines())

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of the hosts in the inventory, group after group."""
        return tuple(host["name"] for group in self.inventory["groups"].values() for host in group["hosts"])

    def with_one_frontend(self) -> None:
        """Leave web2 out: PM2 takes seven seconds of CPU a deploy on each host, and the backends have the waves."""
        self.inventory["groups"]["frontend"]["hosts"].pop()

    def app(self, name: str) -> dict[str, Any]:
        """An app of the inventory, to be changed."""
        found: dict[str, Any] = self.inventory["apps"][name]
        return found

    @property
    def env(self) -> dict[str, str]:
        """A person's environment without the settings of whoever runs the tests."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        kept["PYTHONPATH"] = str(ROOT)
        return {**kept, **self.variables, "HOME": str(self.home), "USER": "ada", "LOGNAME": "ada", "COLUMNS": "200"}


def default_inventory(fleet: Fleet, layout: Layout) -> dict[str, Any]:
    """Two groups of two: the api under gunicorn and systemd, the web app under PM2; one host at a time."""
    return {
        "ssh": {"user": "deploy", "known_hosts": [str(fleet.known_hosts)], "identity_files": [str(fleet.key.private)]},
        "groups": {
            group: {"hosts": [_host(fleet, name) for name in names], "apps": [APPS[group]]}
            for group, names in GROUPS.items()
        },
        "apps": {"api": api(fleet, layout), "webapp": webapp(fleet, layout)},
        "rollout": {"batch": 1},
    }


def api(fleet: Fleet, layout: Layout) -> dict[str, Any]:
    """The api: its host api2 has a small disk."""
    return {
        "repository": fleet.clone_url("api"),
        "layout": layout,
        "path": PATHS["api"],
        "build": ["sh build.sh"],
        "test": [".venv/bin/python -m unittest -q tests.test_smoke"],
        "migrate": ".venv/bin/python migrate.py up",
        "service": {"kind": "gunicorn", "unit": "gunicorn", "app": "main:app"},
        "health": _health("http://localhost:8000/healthz"),
        "logs": ["/var/log/gunicorn/error.log"],
        "keep": 2,
        "min_free": "2M",
    }


def webapp(fleet: Fleet, layout: Layout) -> dict[str, Any]:
    """The small web app; with releases its PM2 processes are told the folder that stays."""
    path = PATHS["webapp"]
    return {
        "repository": fleet.clone_url("webapp"),
        "layout": layout,
        "path": path,
        "build": ["sh build.sh"],
        "test": ["node tests/smoke.test.js"],
        "env": {"APP_DIR": f"{path}/current" if layout == "releases" else path},
        "service": {"kind": "pm2", "name": "webapp", "ecosystem": "ecosystem.config.js", "steady": 0.3},
        "health": _health("http://localhost:3000/healthz"),
        "keep": 2,
        "min_free": "2M",
    }


def notes_inventory(fleet: Fleet, layout: Layout) -> dict[str, Any]:
    """The notes on the backends instead of the api, and their database; nothing on the frontends."""
    hosts = [_host(fleet, name) for name in GROUPS["backend"]]
    return {
        **default_inventory(fleet, layout),
        "groups": {"backend": {"hosts": hosts, "apps": ["notes"]}},
        "apps": {"notes": notes(fleet, layout)},
        "databases": {"main": notes_database()},
    }


def notes(fleet: Fleet, layout: Layout) -> dict[str, Any]:
    """The notes under the unit of `units.install_notes_unit`; `fab` needs NOTES_DATABASE_URL in its environment."""
    return {
        **api(fleet, layout),
        "repository": fleet.clone_url("notes"),
        "path": PATHS["notes"],
        # Its only test imports what a worker imports, which takes seconds: test_database_deploy runs it once.
        "test": [],
        "migrate": ".venv/bin/alembic upgrade head",
        "database": "main",
        "secrets": {"DATABASE_URL": "env:NOTES_DATABASE_URL"},
    }


def notes_database() -> dict[str, Any]:
    """Their database: dumped on a backend into a folder of its own, and proved where SCRATCH_DATABASE_URL says."""
    return {
        "engine": "postgres",
        "url": "env:NOTES_DATABASE_URL",
        "run_on": "backend",
        "directory": BACKUPS,
        "prove": {"url": "env:SCRATCH_DATABASE_URL"},
    }


def _health(url: str) -> dict[str, Any]:
    return {"url": url, "expect": {"status": "healthy"}, "revision": "revision", "interval": "200ms", "tries": 30}


def _host(fleet: Fleet, name: str) -> dict[str, Any]:
    return {"name": name, "address": "127.0.0.1", "port": fleet[name].ssh_port}
