"""Hosts for the commands that are typed by hand."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.sandbox import Sandbox
from tests.cli.operator import Operator

HOSTS = ("one", "two", "three")
MakeOperator = Callable[..., Operator]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("lab"), HOSTS) as sandbox:
        yield sandbox


@pytest.fixture
def make_operator(tmp_path: Path, lab: Sandbox) -> MakeOperator:
    """Makes operators: `make_operator("one", "two", gone=("away",))`; without names of all three hosts."""

    def make(*hosts: str, gone: tuple[str, ...] = ()) -> Operator:
        return Operator(tmp_path / "operator", lab, hosts or HOSTS, gone)

    return make


@pytest.fixture
def operator(make_operator: MakeOperator) -> Operator:
    """One with three hosts that are well."""
    return make_operator()


def commit(operator: Operator, subject: str) -> str:
    """Make a commit that is to be deployed, and return its revision."""
    git = ["git", "-C", str(operator.folder.parent / "origin"), "-c", "user.name=Ada", "-c", "user.email=a@example.com"]
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", subject], check=True)
    return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, lab: Sandbox) -> Iterator[Operator]:
    """An operator whose app serves on two hosts. Each file has its own, with records and journals of its own."""
    folder = tmp_path_factory.mktemp("documents")
    repository = folder / "origin"
    subprocess.run(["git", "init", "-q", "-b", "main", str(repository)], check=True)
    operator = Operator(folder / "operator", lab, ("one", "two"))
    service = {"kind": "command", "reload": 'touch "$HOME/up"', "status": '[ -e "$HOME/up" ]'}
    app = {"repository": str(repository), "layout": "releases", "path": f"{folder.name}/app", "min_free": "1M"}
    operator.inventory["apps"] = {"app": {**app, "service": service}}
    operator.inventory["groups"]["all"]["apps"] = ["app"]
    commit(operator, "first")
    ran = operator.fab("deploy", "--json")
    assert (ran.code, ran.json["result"], ran.json["error"]) == (0, "done", None), ran.said
    yield operator
    for host in operator.hosts:
        (operator.home(host) / "up").unlink(missing_ok=True)
