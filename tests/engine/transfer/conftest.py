"""Hosts that are folders, and hosts of a sandbox over SSH."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fabric import Config

from lockstitch.engine.transfer import PartNames
from lockstitch.remote.ssh import SshRemote
from scripts.sandbox import Sandbox
from tests.cli.operator import Operator
from tests.engine.transfer.carried import Place

HOSTS = ("api1", "api2", "api3")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("sandbox"), HOSTS) as sandbox:
        yield sandbox


@pytest.fixture
def operator(tmp_path: Path, sandbox: Sandbox) -> Operator:
    """A person with a project, whose environment is three hosts and one that is not there."""
    return Operator(tmp_path / "project", sandbox, HOSTS, gone=("gone",))


@pytest.fixture
def names(tmp_path: Path) -> Iterator[PartNames]:
    with PartNames(tmp_path / "names") as names:
        yield names


@pytest.fixture
def place(tmp_path: Path, names: PartNames) -> Place:
    """A host that is a folder."""
    return Place.of_folders(tmp_path / "hosts", names)


@pytest.fixture
def over_ssh(tmp_path: Path, sandbox: Sandbox, names: PartNames) -> Iterator[Place]:
    """A host of the sandbox, which is in order when the test is over."""
    with SshRemote(Config(runtime_ssh_path=str(sandbox.place.ssh_config))) as remote:
        yield Place(remote, names, sandbox.host("api1").home)
