"""Services of the tests' own, so that no test here depends on which services there are; and folders of inventories."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Literal

import pytest

from lockstitch import services
from lockstitch.errors import InventoryError
from lockstitch.inventory.app import AppSettings
from lockstitch.inventory.load import InventoryFolder, load
from lockstitch.inventory.schema import Environment

Write = Callable[..., InventoryFolder]
Refused = Callable[..., list[str]]


class Dummy(services.Service):
    """A service for tests."""

    kind: Literal["dummy"]
    unit: str
    workers: int = 2
    reload_with: Literal["hup", "usr2"] = "hup"


class Other(services.Service):
    """Another one."""

    kind: Literal["other"]
    name: str


@contextmanager
def with_services(kinds: dict[str, type[services.Service]]) -> Iterator[None]:
    """The models of an inventory as they are where these services exist."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "service_types", lambda kind="": kinds)
        _rebuild()
        yield
    _rebuild()


def _rebuild() -> None:
    AppSettings.model_rebuild(force=True)
    Environment.model_rebuild(force=True)


@pytest.fixture(scope="module", autouse=True)
def tests_own_services(request: pytest.FixtureRequest) -> Iterator[None]:
    """Applies to every module here, but for those that set REAL_SERVICES."""
    if getattr(request.module, "REAL_SERVICES", False):
        _rebuild()
        yield
    else:
        with with_services({"dummy": Dummy, "other": Other}):
            yield


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes files of `hosts/` and goes to the folder that holds it: `write(prod="…", _all="…")`."""

    def make(**files: str) -> InventoryFolder:
        hosts = tmp_path / "hosts"
        hosts.mkdir(exist_ok=True)
        for name, text in files.items():
            (hosts / f"{name}.yml").write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        return InventoryFolder("hosts")

    return make


@pytest.fixture
def refused(write: Write) -> Refused:
    """The problems of `hosts/prod.yml`."""

    def problems(prod: str, **more: str) -> list[str]:
        write(prod=prod, **more)
        with pytest.raises(InventoryError) as caught:
            load("hosts", "prod")
        assert caught.value.exit_code == 2
        return caught.value.problems

    return problems


SMALL = """
groups:
  backend:
    hosts: [api1, api2]
    apps: [api]
apps:
  api:
    repository: git@example.com:acme/api.git
    path: /app/api
    service: {kind: dummy, unit: api}
"""
FLEET = """
groups:
  backend: {hosts: [api1.example.com, api2.example.com], apps: [api, worker]}
  frontend: {hosts: [web1, web2], apps: [web]}
  mixed: {hosts: [web2, api1.example.com, both], apps: [cron]}
apps:
  cron: {repository: r, path: /app/cron, service: {kind: dummy, unit: cron}}
  web: {repository: r, path: /app/web, service: {kind: other, name: web}}
  worker: {repository: r, path: /app/worker, service: {kind: dummy, unit: worker}}
  api: {repository: r, path: /app/api, service: {kind: dummy, unit: api}}
  idle: {repository: r, path: /app/idle, service: {kind: dummy, unit: idle}}
"""
