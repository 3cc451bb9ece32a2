"""Feature flags that all hosts share, in a real Redis and a row of a real MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers import desk as desks
from tests.containers.data import Data
from tests.containers.fleet import Fleet
from tests.containers.project import Project

STEPS = [{"to": 0}, {"to": 10, "for": "0.1s"}, {"to": 50}]


@pytest.fixture
def project(php_fleet: Fleet, data: Data, tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "project", php_fleet, "releases", desks.inventory(php_fleet))
    data.reset()
    data.sql("CREATE TABLE flags (name VARCHAR(40), percent INT)", "desk")
    data.sql("INSERT INTO flags VALUES ('ROW', NULL), ('OTHER', 1)", "desk")
    project.inventory["databases"] = {"main": desks.database()}
    project.app("desk").update({"database": "main", "backup": "never"})
    project.app("desk")["flags"] = {
        "KEY": {"kind": "redis", "url": "env:REDIS_URL", "key": "flags:KEY", "steps": STEPS},
        "FIELD": {"kind": "redis", "url": "env:REDIS_URL", "key": "flags", "field": "FIELD", "steps": STEPS},
        "ROW": {"kind": "sql", "table": "flags", "where": {"name": "ROW"}, "column": "percent", "steps": STEPS},
    }
    project.variables |= {
        "REDIS_URL": f"redis://:{data.redis_password}@{desks.TOPOLOGY[-1].name}:6379",
        "DESK_SECRET": "x",
        "DESK_DATABASE_URL": data.url(),
        "SCRATCH_DATABASE_URL": data.url("scratch"),
    }
    yield project
    data.reset()


def values(data: Data) -> dict[str, str]:
    ((row,),) = data.sql("SELECT percent FROM flags WHERE name = 'ROW'", "desk")
    return {"KEY": data.redis("GET flags:KEY"), "FIELD": data.redis("HGET flags FIELD"), "ROW": row}


def test_flags_in_redis_and_in_a_row(project: Project, data: Data) -> None:
    before = values(data)
    data.redis("HSET flags OTHER 1")
    for name in before:
        ran = project.fab("-H", "prod", "flag.rollout", name)
        assert ran.code == 0, ran.said
    assert set(values(data).values()) == {"50"}
    told = project.fab("-H", "prod", "flag.status", "--json")
    assert told.code == 0, told.said
    assert {(row["flag"], row["value"], row["before"]) for row in told.json["flags"]} == {
        (name, "50", None) for name in before
    }
    for name in before:
        ran = project.fab("-H", "prod", "flag.undo", name)
        assert ran.code == 0, ran.said
        assert data.redis_password not in ran.said and data.password not in ran.said
    assert values(data) == before
    assert data.redis("HGET flags OTHER") == "1" and data.sql(
        "SELECT percent FROM flags WHERE name='OTHER'", "desk"
    ) == [("1",)]
    data.redis("CONFIG SET requirepass other")
    try:
        told = project.fab("-H", "prod", "flag.set", "KEY=5")
        assert told.code == 7 and "NOAUTH" in told.said and data.redis_password not in told.said, told.said
    finally:
        data.machine.check(f"REDISCLI_AUTH=other redis-cli CONFIG SET requirepass {data.redis_password}")
