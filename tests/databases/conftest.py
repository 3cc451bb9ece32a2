"""Servers and vaults for the tests of databases, each test with a server that is empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.databases.store import Store
from tests.postgres import LocalPostgres

MakeStore = Callable[..., Store]
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
    local_postgres.reset()


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
