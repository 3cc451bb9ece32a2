"""The database server of the fleet: reached with its awkward passwords, filled, hurt, and migrated by the notes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import psycopg
import pytest

from tests.containers.fleet import BACKUPS, SMALL_BACKUPS, Fleet
from tests.containers.postgres import APP, LIMITED, Postgres

BOTH = ("api1", "api2")


def run(fleet: Fleet, name: str, command: str, **environment: str) -> str:
    """A command over SSH with an environment that has to succeed; what it said."""
    given = "".join(f"export {variable}={shlex.quote(value)}; " for variable, value in environment.items())
    done = fleet.ssh(name, given + command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.fixture
def server(postgres: Postgres) -> Iterator[Postgres]:
    """The server with nothing in it."""
    postgres.reset()
    yield postgres
    postgres.reset()


@pytest.mark.parametrize("user", [APP, LIMITED])
def test_an_awkward_password_works_over_the_network(fleet: Fleet, server: Postgres, user: str) -> None:
    server.create("notes")
    who = "psql -qXAt -c 'SELECT current_user, rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user'"
    expected = f"{user}|f|{'t' if user == APP else 'f'}"
    password = server.passwords[user]
    assert run(fleet, "api1", who, PGHOST="db1", PGUSER=user, PGDATABASE="notes", PGPASSWORD=password) == expected
    assert run(fleet, "web2", f'{who} "$URL"', URL=server.url("notes", user)) == expected
    with psycopg.connect(server.url_here("notes", user)) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (user,)


def test_a_wrong_password_is_refused(fleet: Fleet, server: Postgres) -> None:
    done = fleet.ssh("api1", "PGPASSWORD=wrong psql -w -h db1 -U app -d postgres -c 'SELECT 1'")
    assert done.returncode == 2
    assert 'password authentication failed for user "app"' in done.stderr


def test_every_backend_has_the_clients_programs_and_a_folder_for_backups(fleet: Fleet, server: Postgres) -> None:
    versions = "for each in psql pg_dump pg_restore pgbench; do $each --version | grep -cF ') 15.'; done"
    for name in BOTH:
        assert run(fleet, name, versions).split() == ["1"] * 4
        assert run(fleet, name, f"stat -c '%U %a' {BACKUPS}; touch {BACKUPS}/x && rm {BACKUPS}/x") == "deploy 750"
        assert run(fleet, name, "pgrep -c postgres || true") == "0"
    assert run(fleet, "api1", f"df --output=size -k {SMALL_BACKUPS} | tail -n 1") == "6144"
    assert server.sql("SHOW server_version_num")[0][0].startswith("15")


def test_databases_are_made_counted_and_dropped(server: Postgres) -> None:
    server.create("one")
    server.create('odd "name"; --', LIMITED)
    assert server.databases() == ['odd "name"; --', "one"]
    server.sql("CREATE SCHEMA s; CREATE TABLE s.t AS SELECT generate_series(1, 7); CREATE TABLE e ()", "one")
    assert server.counts("one") == {"public.e": 0, "s.t": 7}
    with server.connect("one", APP) as held:
        server.drop("one")
        with pytest.raises(psycopg.OperationalError):
            held.execute("SELECT 1")
    assert not server.exists("one")
    server.sql("CREATE DATABASE kept IS_TEMPLATE true ALLOW_CONNECTIONS false")
    server.reset()
    assert server.databases() == []
