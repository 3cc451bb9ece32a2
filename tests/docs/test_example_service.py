"""The service of docs/adding-a-service.md: it keeps the rules of all, deploys and goes back, with nothing but its file."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from lockstitch import plans, services
from lockstitch.engine.runner import run
from lockstitch.engine.survey import survey
from lockstitch.errors import ExitCode
from lockstitch.inventory.app import AppSettings
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.schema import Environment
from lockstitch.inventory.selection import select
from lockstitch.model.outcome import Outcome, RunEvent
from lockstitch.services import Service
from tests.docs.test_docs import EXAMPLE, fenced, whole
from tests.local import LocalRemote
from tests.services.rules import RULES, examples

WORKER = """\
import pathlib, sys, time
if "{version}" == "broken":
    sys.exit("no")
(pathlib.Path.home() / "served").write_text("{version}")
time.sleep(60)
"""
NOBODY = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"} | {
    f"GIT_{role}_{what}": "ada@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The example, lying where services are found."""
    folder = tmp_path / "services"
    folder.mkdir()
    (folder / "daemon.py").write_text(fenced(EXAMPLE, "python")[0])
    name = "lockstitch.services.daemon"
    with monkeypatch.context() as patch:
        patch.setattr(services, "__path__", [*services.__path__, str(folder)])
        importlib.invalidate_caches()
        rebuild()
        yield importlib.import_module(name)
        sys.modules.pop(name, None)
        services.__dict__.pop("daemon", None)
    rebuild()


def rebuild() -> None:
    """Let inventories know the services that are found now."""
    AppSettings.model_rebuild(force=True)
    Environment.model_rebuild(force=True)


class World:
    """One host that is a folder, and a repository with three versions of a worker."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.remote = LocalRemote(root / "homes", env=NOBODY)
        self.home = self.remote.home("api1")
        self.runs = 0
        repository = root / "origin"
        repository.mkdir()
        git(repository, "init", "-q", "-b", "main")
        for version in ("v1", "v2", "broken"):
            (repository / "worker.py").write_text(WORKER.format(version=version))
            git(repository, "add", "-A")
            git(repository, "commit", "-qm", version)
            git(repository, "tag", version)
        (text,) = fenced(EXAMPLE, "yaml")
        app = {"repository": str(repository), "path": "srv/api", "layout": "releases", "min_free": "1M"}
        settings = whole({**app, **yaml.safe_load(text)})
        (root / "hosts").mkdir()
        (root / "hosts" / "box.yml").write_text(json.dumps(settings))

    def deploy(self, ref: str) -> Outcome:
        self.runs += 1
        (fleet,) = select(InventoryFolder(self.root / "hosts"), "box").fleets
        asked = survey(self.remote, plans.deploy_asks(fleet, ref))
        plan = plans.deploy(fleet, asked, plans.DeployOptions(f"20260101T00000{self.runs}Z-0000", "ada@desk"))
        events: list[RunEvent] = []
        return run(plan, self.remote, {host.name: host for host in fleet.hosts}, events.append)

    @property
    def pid(self) -> int:
        return int((self.home / "worker.pid").read_text())

    def standing(self) -> tuple[str, Path]:
        """Return the worker's own answer, and the folder that its process is in, by /proc."""
        return (self.home / "served").read_text(), Path(f"/proc/{self.pid}/cwd").readlink()

    def stands_at(self, version: str, release: Path) -> bool:
        """Tell whether the worker says so within the time that a busy machine may take to start it."""
        deadline = time.monotonic() + 30
        while self.standing() != (version, release) and time.monotonic() < deadline:
            time.sleep(0.1)
        return self.standing() == (version, release)

    def release(self) -> Path:
        return (self.home / "srv" / "api" / "current").resolve()

    def end(self) -> None:
        with suppress(OSError, ValueError):
            os.kill(self.pid, signal.SIGKILL)


def git(at: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=at, env={**os.environ, **NOBODY}, check=True, capture_output=True)


def test_the_example_service_deploys_and_goes_back(daemon: ModuleType, tmp_path: Path) -> None:
    world = World(tmp_path)
    try:
        for version in ("v1", "v2"):
            outcome = world.deploy(version)
            assert outcome.code == ExitCode.DONE, outcome.failures
            assert world.stands_at(version, world.release()), world.standing()
        proven = world.release()
        outcome = world.deploy("broken")
        assert outcome.code == ExitCode.REVERTED, outcome
        assert [failure.output for failure in outcome.failures] == [("it ended at once: python3 worker.py",)]
        assert world.standing() == ("v2", proven)
    finally:
        world.end()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_example_service_keeps_the_rules_of_all(daemon: ModuleType, rule: Callable[[Service], None]) -> None:
    (service,) = examples("daemon")
    assert isinstance(service, daemon.Daemon)
    rule(service)


def test_the_example_of_a_test_passes(daemon: ModuleType) -> None:
    test = fenced(EXAMPLE, "python")[1]
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(test, "tests/services/test_daemon.py", "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert tests
    for each in tests:
        each()
