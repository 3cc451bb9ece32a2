"""A flag in a row of a database, on the real engines."""

from __future__ import annotations

import os
import subprocess

import pytest

from lockstitch.databases.engine import engines
from lockstitch.flags import FlagPlace, FlagReading, parse_reading
from lockstitch.flags.sql import SqlFlag
from lockstitch.model.command import Command, Secret
from tests.servers import LocalServer

FLAG = {"kind": "sql", "table": "flags", "where": {"name": "it's"}, "column": "percent"}
ROWS = (
    "CREATE TABLE flags (name VARCHAR(40), percent INTEGER, note VARCHAR(40))",
    "INSERT INTO flags VALUES ('it''s', 5, 'x'), ('other', 7, 'y')",
)


@pytest.fixture(params=["local_postgres", "local_mariadb"])
def server(request: pytest.FixtureRequest) -> LocalServer:
    server: LocalServer = request.getfixturevalue(request.param)
    server.reset()
    server.create("shop", *ROWS)
    return server


def run(server: LocalServer, command: Command) -> tuple[str, int]:
    env = {**os.environ, "PATH": server.path}
    done = subprocess.run(["sh"], input=command.render().encode(), capture_output=True, env=env)
    return (done.stdout + done.stderr).decode(), done.returncode


def at(server: LocalServer, password: str | None = None) -> FlagPlace:
    engine = engines()[server.kind]
    url = Secret(server.url("shop", password=password), "env:URL")
    return FlagPlace("PHASE_1", "api", "current", "prod", {}, engine, dict(engine.login(url, "")))


def read(server: LocalServer, flag: SqlFlag, place: FlagPlace) -> FlagReading:
    return parse_reading(*run(server, flag.probe(place).command))


def test_one_column_of_one_row_is_set_and_goes_back(server: LocalServer) -> None:
    flag, place = SqlFlag.model_validate(FLAG), at(server)
    assert read(server, flag, place) == FlagReading("5")
    for value, expected in (("10", "value 5"), (None, "value 10"), ("5", "unset")):
        said, code = run(server, flag.change(place, value, expected))
        assert code == 0, said
        assert read(server, flag, place) == FlagReading(value)
    assert server.sql("SELECT name, percent, note FROM flags ORDER BY note", "shop") == [
        ("it's", 5, "x"),
        ("other", 7, "y"),
    ]
    said, code = run(server, flag.change(place, "50", "value 10"))
    assert code == 1 and "it was 'value 10' and is 'value 5'" in said


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"where": {"name": "none"}}, "there is no row for percent of flags, name = none: insert it once"),
        ({"where": {"note": "x"}, "column": "colour"}, "colour"),
        ({"table": "flogs"}, "flogs"),
    ],
)
def test_what_is_not_there_is_told(server: LocalServer, change: dict[str, object], says: str) -> None:
    flag = SqlFlag.model_validate({**FLAG, **change})
    assert says in read(server, flag, at(server)).problem
    said, code = run(server, flag.change(at(server), "10"))
    assert code == 1 and says in said


def test_several_rows_and_a_wrong_password_are_no_value(server: LocalServer) -> None:
    flag = SqlFlag.model_validate({**FLAG, "where": {"kept": "yes"}})
    with server.connect("shop") as session:
        session.execute("ALTER TABLE flags ADD COLUMN kept VARCHAR(3) DEFAULT 'yes'")
    assert "there are several rows for percent of flags" in read(server, flag, at(server)).problem
    reading = read(server, flag, at(server, password="wrong-password"))
    assert reading.problem and "wrong-password" not in reading.problem


def test_a_value_that_a_literal_cannot_hold_is_refused() -> None:
    flag = SqlFlag.model_validate(FLAG)
    assert flag.refusal("a'b") and flag.refusal("a\\b") and not flag.refusal("50")
