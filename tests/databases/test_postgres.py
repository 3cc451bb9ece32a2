"""A URL of PostgreSQL means to us what it means to libpq, or is refused without being shown."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from psycopg import conninfo as libpq
from psycopg import sql

from lockstitch.databases import postgres
from lockstitch.databases.backup_directory import compared
from lockstitch.databases.engine import engines, judge_rows, on_dump, with_dump
from lockstitch.databases.postgres.facts import parse_facts
from lockstitch.databases.postgres.url import conninfo, login, parse
from lockstitch.errors import UsageError
from lockstitch.model.command import Command, Secret
from lockstitch.model.gate import Status
from tests.postgres import APP, AWKWARD, LIMITED, LocalPostgres
from tests.shells import SHELLS, says

THERE = ("postgres", "template1")
ALIVE = {"keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3"}
PASSWORD = "s3'cr\\et:@/?#%"
ANY = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)


def url(user: str = "u", password: str = "p", host: str = "h", database: str = "d", more: str = "") -> str:
    return f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@{host}/{quote(database, safe='')}{more}"


def test_what_the_login_may_not_dump_is_told_with_its_grant_before_the_dump(
    local_postgres: LocalPostgres, tmp_path: Path
) -> None:
    """Tables, sequences, schemas, policies, large objects: one grant after the other, and then the dump is made."""
    server = local_postgres
    server.reset()
    server.create("shop", "CREATE TABLE orders (id serial)")
    for line in (
        'CREATE SCHEMA "se cret"; CREATE TABLE "se cret".parts (id serial) PARTITION BY RANGE (id)',
        "CREATE TABLE guarded (id int); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY",
        "CREATE VIEW seen AS SELECT 1; CREATE MATERIALIZED VIEW kept AS SELECT 1",
        "SELECT lo_from_bytea(4711, 'x')",
    ):
        server.sql(line, "shop")

    def facts() -> str:
        values = {**login(Secret(server.url("shop", LIMITED))), "heads": "", "applied": ""}
        script = f"PATH={shlex.quote(server.path)}\n{Command(postgres.ENGINE.facts, values=values).render()}"
        return parse_facts(says(("sh",), script).decode(), 0).problem

    def dump() -> int:
        words = ["pg_dump", "-h", "127.0.0.1", "-p", str(server.port), "-U", LIMITED, "-Fc", "-f", "dump", "shop"]
        env = {"PATH": server.path, "PGPASSWORD": server.passwords[LIMITED]}
        return subprocess.run(words, env=env, cwd=tmp_path, capture_output=True).returncode

    assert dump() != 0
    problem = facts()
    for named in (
        "table guarded:",
        "sequence orders_id_seq:",
        "rows of guarded (row-level",
        "large object 4711:",
        '"se cret"',
    ):
        assert named in problem, problem
    while problem := facts():
        assert dump() != 0, "it is refused, so it would have failed"
        grant = re.search(r"(GRANT|ALTER) [^;]*;", problem)
        assert grant, problem
        server.sql(grant[0], "shop")
    assert dump() == 0


def test_the_engine_is_found_by_its_file() -> None:
    assert engines()["postgres"] is postgres.ENGINE
    assert list(engines()) == sorted(engines())


@given(ANY, ANY, ANY)
@example("a@b:c", AWKWARD, "d/e?f#g")
@example("%", "+ +", "%41")
@example(" ", " x ", "[::1]")
def test_any_user_password_and_database_round_trip(user: str, password: str, database: str) -> None:
    known = parse(url(user, password, "h:5433", database))
    assert known == {"user": user, "password": password, "host": "h", "port": "5433", "dbname": database}
    variables = login(Secret(url(user, password, "h:5433", database), "env:X"), "beside")
    told = {name: libpq.conninfo_to_dict(str(variables[name])) for name in ("dsn", "admin", "beside_dsn")}
    common = {"user": user, "host": "h", "port": "5433", **ALIVE}
    assert told["dsn"] == {**common, "dbname": database}
    assert told["beside_dsn"] == {**common, "dbname": "beside"}
    assert told["admin"] == {**common, "dbname": "template1" if database == "postgres" else "postgres"}
    secret = variables["password"]
    assert isinstance(secret, Secret) and (secret.reveal(), secret.source) == (password, "env:X")
    assert [name for name, value in variables.items() if isinstance(value, Secret)] == ["password"]


AS_LIBPQ = [
    "postgresql://h/d",
    "postgres://u@h/d",
    "postgresql://u:p@h:5433/d",
    "postgresql:///d?host=/var/run/postgresql",
    "postgresql://u@%2Fvar%2Frun%2Fpostgresql/d",
    "postgresql://u@%2Ftmp%2Fwith%20space:5433/d",
    "postgresql://u:p@[::1]:5433/d",
    "postgresql://u:p@[fe80::1%25eth0]/d",
    "postgresql://u:p@a:1,b:2/d",
    "postgresql://u:p@a,b:2/d?target_session_attrs=read-write",
    "postgresql://u:p@[::1]:5433,[::2]:5434/d",
    "postgresql://u:p@a:1,[::2]/d",
    "postgresql://u:p#x@h/d#e",
    "postgresql://u:p@h/d?application_name=a+b%20c&connect_timeout=3",
    "postgresql://u:p@h/d?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem",
    "postgresql://u:p@h/d?options=-c%20search_path%3Da%2Cb",
    "postgresql://u@h/d?password=in%20the%20query",
    "postgresql://u@h?dbname=d",
]


@pytest.mark.parametrize("text", AS_LIBPQ)
def test_a_url_means_what_it_means_to_libpq(text: str) -> None:
    assert parse(text) == {name: value for name, value in libpq.conninfo_to_dict(text).items() if value}


@pytest.mark.parametrize(
    "scheme", ["postgresql+psycopg", "postgresql+psycopg2", "postgresql+asyncpg", "postgres+pg8000", "PostgreSQL"]
)
def test_what_sqlalchemy_writes_is_understood(scheme: str) -> None:
    assert parse(f"{scheme}://u:p@h/d") == parse("postgresql://u:p@h/d")


def test_what_a_library_writes_for_itself_is_left_out() -> None:
    asked = "?schema=public&connection_limit=5&pool_timeout=2&pgbouncer=true&sslmode=require"
    assert parse(url(more=asked)) == {**parse(url()), "sslmode": "require"}


REFUSED = [
    "",
    "shop",
    f"host=h password={PASSWORD}",
    f"mysql://u:{quote(PASSWORD, safe='')}@h/d",
    f"postgresqlx://u:{quote(PASSWORD, safe='')}@h/d",
    f"postgresql:u:{PASSWORD}@h/d",
    f"postgresql://u:{quote(PASSWORD, safe='')}@h",
    f"postgresql://u:{quote(PASSWORD, safe='')}@h/",
    f"postgresql://u:{quote(PASSWORD, safe='')}@h:port/d",
    f"postgresql://u:{quote(PASSWORD, safe='')}@a:b:c/d",
    f"postgresql://u:{PASSWORD}@h/d",
    "postgresql://u:12/s3'cr@h/d",
    "postgresql://u:12@s3/cr@h/d",
    "postgresql://u:12@s3?cr@h/d",
    "postgresql://u:12@h/d?s3=cr@x",
    f"postgresql://u@h/d?sslpassword={quote(PASSWORD, safe='')}",
    "postgresql://u@h/d?passfile=/root/.pgpass",
    "postgresql://u@h/d?service=shop",
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused_is_not_shown(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        login(Secret(text, "env:SHOP_URL"), "")
    said = str(raised.value)
    assert "env:SHOP_URL" in said
    assert "s3" not in said and "cr" not in said.replace("character", ""), said


@given(
    st.text(max_size=60)
    | ANY.map(lambda text: f"postgresql://{text}")
    | ANY.map(lambda text: f"postgresql://u:{text}@h/d")
)
def test_no_text_breaks_it(text: str) -> None:
    try:
        known = parse(Secret(text, "env:X"))
    except UsageError as error:
        assert len(text) < 6 or text not in str(error)
    else:
        assert known["dbname"] and all(known.values())
        libpq.conninfo_to_dict(conninfo({"dbname": known["dbname"]}))


@given(st.dictionaries(st.sampled_from(["user", "dbname", "host", "options", "application_name"]), ANY, min_size=1))
def test_a_connection_string_holds_any_value(known: dict[str, str]) -> None:
    assert libpq.conninfo_to_dict(conninfo(known)) == known


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=15))
@example('it\'s \\ "odd" = a')
@example("' host='elsewhere")
def test_psql_connects_to_a_database_of_any_name(local_postgres: LocalPostgres, name: str) -> None:
    assume(name != "template0")  # nobody may connect to it
    if name not in THERE:
        local_postgres.create(name)
    variables = login(local_postgres.url(name))
    words = [str(local_postgres.bin / "psql"), "-XAtqw", "-d", str(variables["dsn"]), "-c", "SELECT current_database()"]
    password = variables["password"]
    assert isinstance(password, Secret)
    done = subprocess.run(words, env={"PGPASSWORD": password.reveal()}, capture_output=True, timeout=20)
    assert done.stdout.decode() == f"{name}\n", done.stderr
    if name not in THERE:
        local_postgres.drop(name)


def test_a_database_that_is_still_being_made_is_not_there_after_it_was_dropped(local_postgres: LocalPostgres) -> None:
    """Its client was cut off, which a server does not see while it works. Here it waits for a session at its template."""
    server, beside = local_postgres, "shop__restoring_20260101T000000Z"
    server.reset()
    for name in ("shop", "template"):
        server.create(name)
    create = f'CREATE DATABASE "{beside}" TEMPLATE template'
    making = f"SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = '{create}'"
    with server.connect("template", APP), ThreadPoolExecutor() as pool:
        made = pool.submit(server.sql, create, "shop", APP)
        server.until(making)
        drop = Command(postgres.ENGINE.drop, values=login(Secret(server.url("shop")), beside))
        says(("sh",), f"PATH={shlex.quote(server.path)}\n{drop.render()}")
        assert server.sql(making) == [(0,)]
        with pytest.raises(psycopg.errors.AdminShutdown):
            made.result(30)
    assert server.databases() == ["shop", "template"]


@pytest.mark.parametrize(
    ("asked", "idle", "interval", "count"),
    [("", 10, 5, 3), ("?keepalives_idle=77&keepalives_count=9", 77, 5, 9), ("?keepalives=0", None, None, None)],
)
def test_a_server_that_is_gone_is_noticed(
    local_postgres: LocalPostgres, asked: str, idle: int | None, interval: int | None, count: int | None
) -> None:
    """What the socket is set to; what the URL says for itself stays."""
    variables = login(local_postgres.url("postgres") + asked, "beside")
    password = local_postgres.passwords[APP]
    for name in ("dsn", "admin"):
        with (
            psycopg.connect(str(variables[name]), password=password) as connection,
            socket.socket(fileno=os.dup(connection.fileno())) as wire,
        ):
            alive = wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            found = [wire.getsockopt(socket.IPPROTO_TCP, option) if alive else None for option in options]
        assert found == [idle, interval, count]


def test_a_unix_socket_is_a_host_too(local_postgres: LocalPostgres) -> None:
    local_postgres.reset()
    local_postgres.create("shop")
    address = local_postgres.url("shop").replace("127.0.0.1", quote(str(local_postgres.root), safe=""))
    variables = login(address)
    with psycopg.connect(str(variables["dsn"]), password=local_postgres.passwords[APP]) as connection:
        row = connection.execute(sql.SQL("SELECT inet_server_addr() IS NULL, current_database()")).fetchone()
    assert row == (True, "shop")


def test_every_text_is_one_that_each_shell_can_read() -> None:
    engine = postgres.ENGINE
    texts: list[Any] = [
        getattr(engine, field.name) for field in fields(engine) if field.name not in ("heads", "applied")
    ]
    shell_texts = [text for text in texts if isinstance(text, str) and "\n" in text]
    assert len(shell_texts) >= 14
    shell_texts += [on_dump(engine.readable), with_dump(engine.restore, proving=True), compared(engine.compare)]
    for text in shell_texts:
        for shell in SHELLS:
            assert says((*shell, "-n"), text) == b""


@pytest.mark.parametrize(
    "text, server, problem",
    [
        ("tool 16.2\nserver 16.2\nsize 5\nable create\nable own\nother shop__before_1\nhead 0002\n", "16.2", ""),
        ("tool 16.9\nserver 15.2\n", "15.2", ""),
        ("tool 18.1\nserver 17.2\n", "17.2", ""),
        ("tool 17.1\nserver 16.2\n", "16.2", "install postgresql-client-16"),
        ("tool 15.4\nserver 16.2\n", "16.2", "pg_dump 15.4 cannot dump a server of version 16.2"),
        ("tool \nserver 16.2\n", "16.2", "pg_dump is not found"),
        ("tool 16.2\npsql: error: connection refused\n", "", "connection refused"),
        ("", "", "no answer"),
    ],
)
def test_what_a_server_tells_is_read(text: str, server: str, problem: str) -> None:
    facts = parse_facts(text, 0)
    assert facts.server == server and (problem in facts.problem if problem else not facts.problem)


def test_a_servers_facts_are_all_read() -> None:
    text = "tool 16.2\nserver 16.2 (Debian)\nsize 5\nable create\nable own\nother a\nother b c\nhead 0002\n"
    facts = parse_facts(f"{text}encoding LATIN1\ncollate de_DE.ISO-8859-1\nctype C\n", 0)
    assert facts.text == {"encoding": "LATIN1", "collate": "de_DE.ISO-8859-1", "ctype": "C"}
    assert parse_facts(text, 0).text == {}
    assert (facts.tool, facts.server, facts.size, facts.head) == ("16.2", "16.2 (Debian)", 5, "0002")
    assert set(facts.able) == {"create", "own"} and facts.others == ("a", "b c")


@given(st.text(max_size=200))
def test_no_answer_of_a_server_breaks_it(text: str) -> None:
    parse_facts(text, 0)
    assert judge_rows(text).answer in (Status.PASS, Status.FAIL)


def test_rows_that_are_the_same_pass_and_nothing_else_does() -> None:
    assert judge_rows("same 3\n").passed and judge_rows("same 0").passed
    for text in ("", "same", "same x", "wanted a\nsame 3", "failed ERROR", "not the same 3"):
        assert not judge_rows(text).passed
