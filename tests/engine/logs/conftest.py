"""Hosts of the sandbox whose apps log, and an operator who reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.sandbox import Sandbox
from tests.cli.operator import Operator

HOSTS = ("log1", "log2")


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("sandbox"), HOSTS) as sandbox:
        yield sandbox


Make = Callable[..., Operator]


@pytest.fixture
def make(running: Sandbox, tmp_path: Path) -> Iterator[Make]:
    """Makes operators of these hosts, whose app `api` logs to the files given, in a folder of its own on each host."""
    made: list[Operator] = []

    def one(*logs: str, hosts: tuple[str, ...] = HOSTS, gone: tuple[str, ...] = (), **more: Any) -> Operator:
        at = f"{tmp_path.name}-{len(made)}"
        operator = Operator(tmp_path / f"operator{len(made)}", running, hosts, gone)
        for host in hosts:
            (operator.home(host) / at).mkdir()
        service = {"kind": "command", "reload": "true", "status": "true"}
        app = {"repository": "git@127.0.0.1:api.git", "path": at, "logs": list(logs), "service": service, **more}
        operator.inventory["apps"] = {"api": app}
        operator.inventory["groups"]["all"]["apps"] = ["api"]
        made.append(operator)
        return operator

    yield one
    for operator in made:
        operator.until_quiet()


def folder(operator: Operator, host: str) -> Path:
    """The app's folder on a host."""
    return operator.home(host) / str(operator.inventory["apps"]["api"]["path"])
