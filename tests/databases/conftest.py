"""Servers and vaults for the tests of databases, each test with a server that is empty."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.sandbox import Sandbox
from tests.databases.project import Project
from tests.databases.store import Store
from tests.postgres import LocalPostgres

MakeStore = Callable[..., Store]
MakeProject = Callable[..., Project]
VAULTS = ("vault1", "vault2", "vault3", "vault4")
SHOP = (
    "CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text NOT NULL)",
    "INSERT INTO orders (what) SELECT 'order ' || n FROM generate_series(1, 300) n",
    "CREATE TABLE customers (id int PRIMARY KEY, name text)",
    "INSERT INTO customers SELECT n, 'customer ' || n FROM generate_series(1, 40) n",
)


@pytest.fixture
def server(local_postgres: LocalPostgres) -> Iterator[LocalPostgres]:
    """The server with nothing in it."""
    local_postgres.reset()
    yield local_postgres
    local_postgres.start()


@pytest.fixture
def make_store(tmp_path: Path, server: LocalPostgres) -> MakeStore:
    """Makes stores: `make_store({"main": url}, jobs=2)`; by default of one database `shop`."""

    def make(urls: dict[str, str] | None = None, **settings: Any) -> Store:
        return Store(tmp_path, server, urls or {"main": server.url("shop")}, **settings)

    return make


@pytest.fixture
def shop(server: LocalPostgres, make_store: MakeStore) -> Store:
    """A small shop with 340 rows, and nothing backed up yet."""
    server.create("shop", *SHOP)
    return make_store()


@pytest.fixture(scope="session")
def vaults(tmp_path_factory: pytest.TempPathFactory, local_postgres: LocalPostgres) -> Iterator[Sandbox]:
    """Hosts behind SSH, whose programs are those of the server."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("vaults")
        patch.setenv("PATH", f"{root / 'hook'}:{local_postgres.path}")
        sandbox = Sandbox(root, VAULTS)
        sandbox.start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def make_project(tmp_path: Path, server: LocalPostgres, vaults: Sandbox) -> Iterator[MakeProject]:
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
