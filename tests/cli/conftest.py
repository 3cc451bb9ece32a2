"""Hosts for the commands that are typed by hand."""

from __future__ import annotations

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
