"""Servers and vaults for the tests of databases, each test with a server that is empty; each for every engine.

What only one engine has is marked with `only_postgres` or `only_mariadb`, and `one_engine` where both would show the
same because the engine has no part in it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from scripts.sandbox import Sandbox
from tests.databases.project import Project
from tests.databases.store import SHOP, Store
from tests.servers import LocalServer, folder

__all__ = ["SHOP", "VAULTS", "MakeProject", "MakeStore"]

MakeStore = Callable[..., Store]
MakeProject = Callable[..., Project]
VAULTS = ("vault1", "vault2", "vault3", "vault4")


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """A folder in memory: a backup is synced to its disk, and would wait there for whatever else is written."""
    with folder() as root:
        yield root


@pytest.fixture
def tmp_path(memory: Path) -> Iterator[Path]:
    """A folder of the test in memory."""
    path = Path(tempfile.mkdtemp(dir=memory))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session", params=["postgres", "mariadb"])
def local_server(request: pytest.FixtureRequest) -> LocalServer:
    """The server of one engine; pytest goes through all tests of one before it begins with the other's."""
    server: LocalServer = request.getfixturevalue(f"local_{request.param}")
    return server


@pytest.fixture
def server(local_server: LocalServer) -> Iterator[LocalServer]:
    """The server with nothing in it."""
    local_server.reset()
    yield local_server
    local_server.start()


@pytest.fixture
def make_store(tmp_path: Path, server: LocalServer) -> MakeStore:
    """Makes stores: `make_store({"main": url}, jobs=2)`; by default of one database `shop`."""

    def make(urls: dict[str, str] | None = None, **settings: Any) -> Store:
        return Store(tmp_path, server, urls or {"main": server.url("shop")}, **settings)

    return make


@pytest.fixture
def shop(server: LocalServer, make_store: MakeStore) -> Store:
    """A small shop with 340 rows, and nothing backed up yet."""
    server.create("shop", *SHOP)
    return make_store()


@pytest.fixture(scope="session")
def vaults(memory: Path, local_server: LocalServer) -> Iterator[Sandbox]:
    """Hosts behind SSH, whose programs are those of the server."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            root = memory / f"vaults-{local_server.kind}"
            patch.setenv("PATH", f"{root / 'hook'}:{local_server.path}")
            sandbox = stack.enter_context(Sandbox(root, VAULTS))
        yield sandbox


@pytest.fixture
def make_project(tmp_path: Path, server: LocalServer, vaults: Sandbox) -> Iterator[MakeProject]:
    """Makes projects, each with a vault on a host of its own and a database that is made here."""
    made: list[str] = []

    def make(database: str = "shop", **settings: Any) -> Project:
        host = VAULTS[len(made)]
        made.append(host)
        server.create(database, *SHOP)
        return Project(tmp_path / f"project-{host}", vaults, host, server, server.url(database), **settings)

    yield make
    shutil.rmtree(vaults.place.root / "hook", ignore_errors=True)
    for host in made:
        shutil.rmtree(vaults.place.home(host) / "bk", ignore_errors=True)
