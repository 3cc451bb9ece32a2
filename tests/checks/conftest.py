"""Hosts of the sandbox, and operators who type at them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.sandbox import Repository, Sandbox, make_api_repository
from scripts.sandbox.inventory import write_inventory
from scripts.sandbox.processes import end
from tests.cli.conftest import HOSTS, MakeOperator, lab, make_operator
from tests.cli.operator import Operator

__all__ = ["HOSTS", "MakeOperator", "lab", "make_operator"]


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return make_api_repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture
def deployer(make_operator: MakeOperator, repository: Repository, lab: Sandbox, tmp_path: Path) -> Iterator[Operator]:
    """One whose app `api` can be deployed to host one; its tests, health and gates are left out, which are others' business."""
    operator = make_operator("one")
    write_inventory(lab, repository, tmp_path / "made.yml")
    made = json.loads((tmp_path / "made.yml").read_text().partition("\n")[2])
    (host,) = [each for each in made["groups"]["backend"]["hosts"] if each["name"] == "one"]
    host["override"] = {}
    app = {**made["apps"]["api"], "test": [], "path": f"{tmp_path}/api"}
    app["service"] = {**app["service"], "pidfile": f"{tmp_path}/api/gunicorn.pid"}
    del app["health"], app["gates"]
    operator.inventory |= {"groups": {"all": {"hosts": [host], "apps": ["api"]}}, "apps": {"api": app}}
    yield operator
    # The hosts and their ports are there for every test: a gunicorn that stays would keep the next one from its port.
    end(lambda: operator.processes("one"))
