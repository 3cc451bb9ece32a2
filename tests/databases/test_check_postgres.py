"""What `database.check` and `database.analyze` find of PostgreSQL alone."""

from __future__ import annotations

from tests.databases.engines import only_postgres
from tests.databases.store import Store
from tests.databases.test_check import analyze, examined
from tests.postgres import LIMITED, LocalPostgres

pytestmark = only_postgres


def test_no_password_is_in_what_is_told(shop: Store, server: LocalPostgres) -> None:
    """Not even where somebody has written it into a query in plain sight."""
    password = server.passwords[LIMITED]
    shop.urls = {"main": server.url("shop", LIMITED)}
    with server.connect("shop", LIMITED) as job, job.transaction():
        job.execute("SELECT $q$" + password + "$q$")
        (query,) = examined(shop).state.queries
    assert query.text == "SELECT $q$***$q$" and password not in repr(examined(shop))


def test_analyzing_leaves_statistics_of_every_table(shop: Store) -> None:
    assert all(table.analyzed == "" for table in examined(shop).state.tables)
    assert analyze(shop).code == 0
    assert {table.name: table.rows for table in examined(shop).state.tables if table.analyzed} == {
        "public.orders": 300,
        "public.customers": 40,
    }


def test_a_login_that_may_not_analyze_a_table_is_told_which(shop: Store, server: LocalPostgres) -> None:
    shop.urls = {"main": server.url("shop", LIMITED)}
    ended = analyze(shop)
    skipped = [line for line in str(ended).splitlines() if "skipping" in line]
    assert ended.code == 0 and len(skipped) == 2, ended
    assert "orders" in skipped[0] and "customers" in skipped[1]


def test_analyzing_takes_as_long_as_it_takes(shop: Store, server: LocalPostgres) -> None:
    server.sql("ALTER ROLE app IN DATABASE shop SET statement_timeout = 1")
    assert analyze(shop).code == 0
