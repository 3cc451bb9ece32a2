"""A small world: three hosts in two groups, two apps from one repository, services that serve what they were told."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
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
from lockstitch.model.gate import Gate
from lockstitch.model.layout import LayoutKind
from lockstitch.model.outcome import Outcome, RunEvent
from lockstitch.model.plan import Plan, Site, SitePlan, Step, Wave
from tests.local import LocalRemote

HOSTS = ("a", "b", "c")
SITES = (("a", "api"), ("b", "api"), ("b", "web"), ("c", "web"))
NOBODYS_CONFIG = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": str(Path(__file__).parent / "git" / "config"),
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
}
# A script forgets what its host's login exports for git; where git's own configuration is, is not of that kind.
HOST_ENVIRONMENT = {"XDG_CONFIG_HOME": str(Path(__file__).parent)}

INVENTORY = """
groups:
  backend: {{hosts: [a, b], apps: [api], rollout: {{canary: 1}}}}
  frontend: {{hosts: [b, c], apps: [web], rollout: {{batch: all}}}}
apps:
  api:
    repository: {repository}
    layout: {layout}
    path: srv/api
    build: ["cp VERSION built"]
    test: ["grep -q . VERSION"]
    check: "cat VERSION"
    migrate: 'echo "migrated to $(cat VERSION)" >>"$HOME/migrations"'
    keep: 3
    min_free: {min_free}
    service: {service}
    logs: [VERSION]
    {more}
  web:
    repository: {repository}
    layout: {layout}
    path: srv/web
    build: ["cp VERSION built"]
    min_free: {min_free}
    service: {service}
rollout: {{batch: 1}}
"""


@dataclass
class Ended:
    """A run that is over: its outcome and everything it told on the way."""

    outcome: Outcome
    events: list[RunEvent]

    @property
    def code(self) -> int:
        return int(self.outcome.code)


class World:
    """Hosts that are folders, a git server that is a folder, and an inventory of them."""

    def __init__(self, root: Path, layout: LayoutKind, cache: Path, **settings: str) -> None:
        self.root, self.layout, self.settings = root, layout, settings
        self._cache = cache
        self.repository = root / "origin"
        self.url = str(self.repository)
        self.remote = LocalRemote(root / "homes", env=dict(HOST_ENVIRONMENT))
        self._runs = itertools.count(1)

    def fleet(self, selection: str = "box") -> Fleet:
        hosts = self.root / "hosts"
        hosts.mkdir(exist_ok=True)
        (hosts / "box.yml").write_text(inventory(self.url, self.layout, **self.settings))
        (fleet,) = select(InventoryFolder(hosts), selection).fleets
        return fleet

    def given(self, *versions: str) -> World:
        """This new world with versions deployed one after another: a copy of it, where it was done before."""
        assert not self.remote.root.exists(), "only a world where nothing was done"
        saved = [self._cache / self.layout / "-".join(versions[:n]) for n in range(1, len(versions) + 1)]
        there = [path for path in saved if path.exists()]
        if there:
            copy_homes(there[-1], self.remote.root)
        for number in range(len(there), len(versions)):
            self._runs = itertools.count(number + 1)
            ended = self.deploy(versions[number])
            assert ended.code == 0, ended.outcome
            copy_homes(self.remote.root, saved[number])
        self._runs = itertools.count(100)
        assert self.truth() == self.on(versions[-1])
        return self

    def new_run(self) -> str:
        """Runs of one world are one second apart, without waiting for it."""
        number = next(self._runs)
        return f"20260101T{number // 3600:02}{number // 60 % 60:02}{number % 60:02}Z-{number:04x}"

    def surveyed(self, asks: Any) -> Survey:
        return survey(self.remote, asks)

    def plan_deploy(self, ref: str, selection: str = "box", **wanted: Any) -> Plan:
        fleet = self.fleet(selection)
        found = plans.agreed(fleet, self.surveyed(plans.deploy_asks(fleet, ref)), ref, self.surveyed)
        return plans.deploy(fleet, found, self.wanted(fleet, **wanted))

    def wanted(self, fleet: Fleet, **wanted: Any) -> plans.DeployOptions:
        return plans.DeployOptions(self.new_run(), "ada@desk", env=plans.environments(fleet, reveal=True), **wanted)

    def plan_rollback(self, to: str = "", selection: str = "box", **back: Any) -> Plan:
        fleet = self.fleet(selection)
        found = self.surveyed(plans.rollback_asks(fleet, to))
        if not to and (asks := plans.between_asks(fleet, found)):
            found = plans.joined(found, self.surveyed(asks))
        env = plans.environments(fleet, reveal=True)
        return plans.rollback(fleet, found, plans.RollbackOptions(self.new_run(), "ada@desk", to, env=env, **back))

    def run(self, plan: Plan) -> Ended:
        events: list[RunEvent] = []
        hosts = {host.name: host for host in self.fleet().hosts}
        return Ended(run(plan, self.remote, hosts, events.append), events)

    def deploy(self, ref: str, selection: str = "box", **wanted: Any) -> Ended:
        return self.run(self.plan_deploy(ref, selection, **wanted))

    def rollback(self, to: str = "", selection: str = "box", **back: Any) -> Ended:
        return self.run(self.plan_rollback(to, selection, **back))

    # What is true, read from the folders, not through the engine.

    def path(self, host: str, app: str) -> Path:
        return self.remote.home(host) / "srv" / app

    def state(self, host: str, app: str) -> Path:
        return self.remote.home(host) / "srv" / ".lockstitch" / app

    def revision(self, host: str, app: str) -> str:
        """The revision that lies where the app is current; empty where nothing does."""
        path = self.path(host, app)
        marker = path / ".git" / "HEAD" if self.layout == "in_place" else path / "current" / "REVISION"
        return marker.read_text().strip() if marker.exists() else ""

    def served(self, host: str, app: str) -> str:
        """The version that the service serves; empty where none does."""
        file = self.remote.home(host) / f"served.{app}"
        return file.read_text().strip() if file.exists() else ""

    def migrations(self) -> dict[str, list[str]]:
        files = {host: self.remote.home(host) / "migrations" for host in HOSTS}
        return {host: file.read_text().splitlines() for host, file in files.items() if file.exists()}

    def journal(self, host: str, app: str) -> list[dict[str, Any]]:
        file = self.state(host, app) / "journal.jsonl"
        return [json.loads(line) for line in file.read_text().split("\n") if line] if file.exists() else []

    def verdicts(self, host: str, app: str) -> dict[str, str]:
        """The last verdict on each release that a host's journal holds."""
        return {e["release"]: e["verdict"] for e in self.journal(host, app) if e["event"] == "release"}

    def releases(self, host: str, app: str) -> list[str]:
        folder = self.path(host, app) / "releases"
        return sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []

    def truth(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Of each site the revision in place and the version served."""
        return {site: (self.revision(*site), self.served(*site)) for site in SITES}

    def on(self, version: str) -> dict[tuple[str, str], tuple[str, str]]:
        """What `truth` is when everything is on a version."""
        return dict.fromkeys(SITES, (self.rev(version), version))

    def leftovers(self) -> list[str]:
        """What a run must not leave behind: locks, half releases, half symlinks, files of the moment."""
        homes = self.root / "homes"
        found = [*homes.rglob("lock.json*"), *homes.rglob("*.part"), *homes.rglob("current.*"), *homes.rglob("running")]
        return sorted(str(path.relative_to(homes)) for path in found if ".git" not in path.parts)

    # Git.

    def git(self, *words: str, at: Path | None = None) -> str:
        return git(at or self.repository, *words)

    def clone(self, host: str, app: str) -> Path:
        return self.path(host, app) / (".git" if self.layout == "in_place" else "repo.git")

    def rev(self, ref: str) -> str:
        return self.git("rev-parse", f"{ref}^{{commit}}")

    def commit(self, version: str, **files: str) -> str:
        """Commit a version at origin, and tag it with its name."""
        return commit(self.repository, version, **files)


def copy_homes(homes: Path, to: Path) -> None:
    """Copy the homes of hosts: links from one place in them to another lead into the copy."""
    shutil.copytree(homes, to, symlinks=True)
    for folder, folders, files in os.walk(to):
        for path in (Path(folder, name) for name in (*folders, *files)):
            if path.is_symlink() and (target := os.readlink(path)).startswith(f"{homes}/"):
                path.unlink()
                path.symlink_to(to / target.removeprefix(f"{homes}/"))


def inventory(repository: str, layout: LayoutKind, **settings: str) -> str:
    more = "shared: [storage/]" if layout == "releases" else ""
    values = {"min_free": "1M", "service": _service(), "more": more, **settings}
    return INVENTORY.format(repository=repository, layout=layout, **values)


def _service() -> str:
    name = "$(case $PWD in */api*) echo api ;; *) echo web ;; esac)"
    reload = f'! grep -q broken VERSION && cp built "$HOME/served.{name}"'
    status = f'cmp VERSION "$HOME/served.{name}"'
    stop = f'rm -f "$HOME/served.{name}"'
    return json.dumps({"kind": "command", "reload": reload, "status": status, "stop": stop})


def git(repository: Path, *words: str) -> str:
    env = {"PATH": os.environ["PATH"], **NOBODYS_CONFIG}
    command = ["git", "-C", str(repository), *words]
    return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout.strip()


def commit(repository: Path, version: str, **files: str) -> str:
    for name, text in {"VERSION": f"{version}\n", **files}.items():
        (repository / name).write_text(text)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", f"release {version}")
    git(repository, "tag", version)
    return git(repository, "rev-parse", "HEAD")


def make_repository(at: Path, versions: tuple[str, ...]) -> None:
    """A repository with a tagged commit for each version. It is made once and copied after that."""
    at.mkdir(parents=True)
    git(at, "init", "-q", "-b", "main", "--template=")
    (at / ".gitignore").write_text("built\n")
    for version in versions:
        commit(at, version)


def copied(template: Path, root: Path, layout: LayoutKind, **settings: str) -> World:
    """A world whose repository is a copy of another's."""
    shutil.copytree(template, root / "origin")
    return World(root, layout, template.parent / "given", **settings)


# Plans that go wrong where a test wants them to.

Change = Callable[[Step], Step]


def steps_of(plan: Plan) -> list[tuple[int, int, int]]:
    """Where every step of a plan's waves is: wave, unit, step."""
    return [
        (w, u, s)
        for w, wave in enumerate(plan.waves)
        for u, unit in enumerate(wave.site_plans)
        for s in range(len(unit.steps))
    ]


def different(units: Sequence[SitePlan]) -> list[tuple[int, SitePlan]]:
    """Of units of one wave that are alike, the last; each with its number."""
    kinds = {(unit.site.app, *(step.name for step in unit.steps)): number for number, unit in enumerate(units)}
    return [(number, units[number]) for number in sorted(kinds.values())]


def step_at(plan: Plan, at: tuple[int, int, int]) -> tuple[Wave, Site, Step]:
    wave = plan.waves[at[0]]
    unit = wave.site_plans[at[1]]
    return wave, unit.site, unit.steps[at[2]]


def with_step(plan: Plan, at: tuple[int, int, int], change: Change) -> Plan:
    """The plan with one step changed."""
    w, u, s = at

    def unit(old: SitePlan) -> SitePlan:
        return replace(old, steps=tuple(change(step) if n == s else step for n, step in enumerate(old.steps)))

    return with_unit(plan, w, u, unit)


def with_unit(plan: Plan, w: int, u: int, change: Callable[[SitePlan], SitePlan]) -> Plan:
    """The plan with one unit changed."""
    wave = plan.waves[w]
    units = tuple(change(unit) if n == u else unit for n, unit in enumerate(wave.site_plans))
    waves = tuple(replace(wave, site_plans=units) if n == w else wave for n, wave in enumerate(plan.waves))
    return replace(plan, waves=waves)


def quick(gate: Gate) -> Gate:
    """A gate that is asked twice without a wait between."""
    return replace(gate, tries=2, interval=0.01)


Kind = Literal["deploy", "rollback"]
