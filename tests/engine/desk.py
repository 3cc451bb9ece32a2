"""A world with a Laravel app on two hosts, whose php, systemctl and web server are the small programs beside this."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from lockstitch import plans
from lockstitch.engine.runner import run
from lockstitch.engine.survey import survey
from lockstitch.facts.site import Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.selection import select
from lockstitch.model.layout import LayoutKind
from lockstitch.model.outcome import Outcome, RunEvent
from lockstitch.model.plan import Plan
from tests.engine.world import HOST_ENVIRONMENT, copy_homes, git
from tests.local import LocalRemote

HOSTS = ("a", "b")
PROGRAMS = Path(__file__).with_name("programs")
Found = Literal["up", "down"]
INVENTORY = """
groups:
  backend: {{hosts: [a, b], apps: [desk], rollout: {{canary: 1}}}}
apps:
  desk:
    repository: {repository}
    layout: {layout}
    path: srv/desk
    min_free: 1M
    build: ["true built"]
    health: {{url: "http://localhost/health", tries: 2, interval: 10ms}}
    service:
      kind: laravel
      composer: null
      group: null
      fpm: {{unit: php8.2-fpm, settle: 2}}
      queues: {{settle: 2}}
      maintenance: {maintenance}
"""


@dataclass(frozen=True)
class Truth:
    """What is so on one host: what lies there and is served, the caches' versions, and whether it is down."""

    revision: str
    served: str
    caches: tuple[str, ...]
    down: bool


class DeskWorld:
    """Two hosts with the app; `maintenance` are its settings."""

    def __init__(self, root: Path, template: Path, layout: LayoutKind, **maintenance: Any) -> None:
        self.root, self.layout, self.maintenance = root, layout, maintenance
        self.repository, self._cache = root / "origin", template.parent / "desks"
        shutil.copytree(template, self.repository)
        env = {**HOST_ENVIRONMENT, "PATH": f"{PROGRAMS}:{os.environ['PATH']}"}
        self.remote = LocalRemote(root / "homes", env=env)
        self._run = 0
        for host in HOSTS:
            shared = self.path(host) / "shared"
            (shared if layout == "releases" else shared.parent.parent).mkdir(parents=True)
            if layout == "releases":
                (shared / ".env").write_text("APP_KEY=1\n")
                (shared / "storage").mkdir()

    def fleet(self) -> Fleet:
        hosts = self.root / "hosts"
        hosts.mkdir(exist_ok=True)
        known = {"repository": self.repository, "layout": self.layout, "maintenance": json.dumps(self.maintenance)}
        (hosts / "box.yml").write_text(INVENTORY.format(**known))
        (fleet,) = select(InventoryFolder(hosts), "box").fleets
        return fleet

    def survey(self, asks: Any) -> Survey:
        return survey(self.remote, asks)

    def plan_deploy(self, ref: str, **wanted: Any) -> Plan:
        fleet = self.fleet()
        found = self.survey(plans.deploy_asks(fleet, ref))
        return plans.deploy(fleet, found, plans.DeployOptions(self.new_run(), "ada@desk", **wanted))

    def plan_rollback(self, to: str = "", **back: Any) -> Plan:
        fleet = self.fleet()
        found = self.survey(plans.rollback_asks(fleet, to))
        return plans.rollback(fleet, found, plans.RollbackOptions(self.new_run(), "ada@desk", to, **back))

    def planner(self, kind: str, ref: str) -> Callable[[], Plan]:
        """Makes plans of one survey, each of a run of its own, which do not mind that journals have grown since."""
        fleet = self.fleet()
        asks = plans.deploy_asks(fleet, ref) if kind == "deploy" else plans.rollback_asks(fleet, "")
        found = self.survey(asks)

        def plan() -> Plan:
            who = (self.new_run(), "ada@desk")
            if kind == "deploy":
                return replace(plans.deploy(fleet, found, plans.DeployOptions(*who)), journal_sizes={})
            return replace(plans.rollback(fleet, found, plans.RollbackOptions(*who)), journal_sizes={})

        return plan

    def plan_maintenance(self, *, on: bool, **asked: Any) -> Plan:
        fleet = self.fleet()
        found = self.survey(plans.rollback_asks(fleet, ""))
        return plans.maintenance(fleet, found, plans.MaintenanceOptions(self.new_run(), "ada@desk", on, **asked))

    def run(self, plan: Plan) -> Outcome:
        events: list[RunEvent] = []
        return run(plan, self.remote, {host.name: host for host in self.fleet().hosts}, events.append)

    def given(self, *versions: str) -> DeskWorld:
        """This new world with versions deployed one after another: a copy of it, where it was done before."""
        assert not self._run, "only a world where nothing was done"
        settings = "-".join(f"{name}={value}" for name, value in sorted(self.maintenance.items()))
        saved = self._cache / self.layout / settings / "-".join(map(self.rev, versions))
        if saved.exists():
            shutil.rmtree(self.remote.root)
            copy_homes(saved, self.remote.root)
            self._run = len(versions)
        else:
            for version in versions:
                ended = self.run(self.plan_deploy(version))
                assert int(ended.code) == 0, ended
            copy_homes(self.remote.root, saved)
        for host in HOSTS:
            assert self.truth(host) == self.on(versions[-1])
        return self

    def new_run(self) -> str:
        self._run += 1
        return f"20260101T{self._run // 3600:02}{self._run // 60 % 60:02}{self._run % 60:02}Z-{self._run:04x}"

    def path(self, host: str) -> Path:
        return self.remote.home(host) / "srv" / "desk"

    def current(self, host: str) -> Path:
        return self.path(host) if self.layout == "in_place" else self.path(host) / "current"

    def log(self, host: str) -> list[str]:
        """What was done on a host that artisan or php-fpm heard of, and the version that heard it."""
        file = self.remote.home(host) / "artisan.log"
        return file.read_text().splitlines() if file.exists() else []

    def forget(self) -> None:
        for host in HOSTS:
            (self.remote.home(host) / "artisan.log").unlink(missing_ok=True)

    def down_file(self, host: str) -> Path:
        return self.current(host) / "storage" / "framework" / "down"

    def put_down(self, *hosts: str) -> None:
        """What an operator does by hand."""
        for host in hosts:
            self.down_file(host).write_text("{}")

    def marked(self) -> list[str]:
        """The hosts where a run has left word that it put the app down."""
        return [host for host in HOSTS if (self.path(host).parent / ".lockstitch/desk/maintenance").exists()]

    def truth(self, host: str) -> Truth:
        current = self.current(host)
        git_head = current / ".git" / "HEAD"
        revision = git_head if self.layout == "in_place" else current / "REVISION"
        served = self.remote.home(host) / "served.desk"
        caches = sorted((current / "bootstrap/cache").glob("*.cache"))
        return Truth(
            revision.read_text().strip(),
            served.read_text().strip() if served.exists() else "",
            tuple(f"{cache.stem} {cache.read_text()}" for cache in caches),
            self.down_file(host).exists(),
        )

    def rev(self, ref: str) -> str:
        return git(self.repository, "rev-parse", f"{ref}^{{commit}}")

    def on(self, version: str, *, down: bool = False) -> Truth:
        caches = tuple(f"{name} {version}" for name in ("config", "event", "route", "view"))
        return Truth(self.rev(version), version, caches, down)

    def locks(self) -> list[str]:
        return [str(path) for path in (self.root / "homes").rglob("lock.json*")]
