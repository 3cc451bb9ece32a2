"""Flags of an inventory: what is wrong with one is told with its line, its key and the nearest word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lockstitch.errors import InventoryError
from lockstitch.flags import flag_types
from lockstitch.inventory.load import load

FLAG: dict[str, Any] = {"variable": "PERCENT", "gates": ["errors"], "steps": [{"to": 0}, {"to": 10, "for": "15m"}]}
APP: dict[str, Any] = {
    "repository": "git@example.com:acme/api.git",
    "path": "/app/api",
    "service": {"kind": "dummy", "unit": "api"},
    "gates": {"errors": {"source": "access", "status": "5xx", "max": "5%"}},
}


def loaded(folder: Path, flag: dict[str, Any], **app: Any) -> Any:
    written = {
        "groups": {"backend": {"hosts": ["api1"], "apps": ["api"]}},
        "metrics": {"access": {"kind": "access_log", "path": "/var/log/access.log"}},
        "databases": {"main": {"engine": "postgres", "url": "env:URL", "run_on": "api1", "directory": "/var/backups"}},
        "apps": {"api": {**APP, **app, "flags": {"PHASE_1": flag}}},
    }
    (folder / "prod.yml").write_text(json.dumps(written, indent=1))
    return load(folder, "prod").placed["api", "api1"].flags["PHASE_1"]


def test_a_flag_without_a_kind_is_a_variable(tmp_path: Path) -> None:
    flag = loaded(tmp_path, FLAG)
    assert (flag.kind, flag.variable, flag.file) == ("env", "PERCENT", ".env")
    assert [(step.to, step.seconds) for step in flag.steps] == [("0", 0.0), ("10", 900.0)]


@pytest.mark.parametrize(
    ("change", "app", "says"),
    [
        (
            {"kind": "evn"},
            {},
            "flags.PHASE_1.kind: 'evn' is not one of env, http, redis, sql, unleash: did you mean env?",
        ),
        ({"varible": "X"}, {}, "flags.PHASE_1.varible: is not a key here: did you mean variable?"),
        ({"gates": ["erors"]}, {}, "flags.PHASE_1.gates[0]: api has no gate erors: did you mean errors?"),
        ({"steps": [{"to": 5}]}, {}, "flags.PHASE_1.gates: no step lasts"),
        ({"steps": [{"to": 50, "for": "1m"}, {"to": 10}]}, {}, "steps[1].to: 10 comes after 50: a rollout goes up"),
        ({"steps": [{"to": 5, "for": "1m"}, {"to": 5}]}, {}, "steps[1].to: 5 is a step already"),
        ({"steps": [{"to": 5, "for": "15x"}]}, {}, "steps[0].for: '15x' is not a duration"),
        ({"steps": [{"to": "a$b", "for": "1m"}]}, {}, "steps[0].to: $ in the value of PERCENT"),
        ({"steps": [{"to": "a\nb", "for": "1m"}]}, {}, "holds control characters"),
        ({"file": "../.env"}, {}, "flags.PHASE_1.file: '../.env': write the whole path"),
        ({}, {"layout": "releases"}, "flags.PHASE_1: .env is a file of one release"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, change: dict[str, Any], app: dict[str, Any], says: str
) -> None:
    with pytest.raises(InventoryError) as refused:
        loaded(tmp_path, {**FLAG, **change}, **app)
    (line,) = [line for line in str(refused.value).split("\n") if says in line]
    assert line.partition(":")[2].split(":")[0].isdigit(), line


@pytest.mark.parametrize(
    ("database", "app", "says"),
    [
        ("", {}, "flags.PHASE_1.database: api has no database: write database: NAME"),
        ("mian", {}, "flags.PHASE_1.database: there is no database mian: did you mean main?"),
        ("main", {}, ""),
        ("", {"database": "main"}, ""),
    ],
)
def test_the_database_of_a_row(tmp_path: Path, database: str, app: dict[str, Any], says: str) -> None:
    flag = {"kind": "sql", "table": "t", "where": {"name": "x"}, "column": "c", "database": database}
    if says:
        with pytest.raises(InventoryError) as refused:
            loaded(tmp_path, flag, **app)
        assert says in str(refused.value)
    else:
        assert loaded(tmp_path, flag, **app).kind == "sql"


@pytest.mark.parametrize("kind", flag_types())
def test_the_examples_of_every_driver_can_be_written(tmp_path: Path, kind: str) -> None:
    examples = flag_types()[kind].examples
    assert examples
    for example in examples:
        assert loaded(tmp_path, {"kind": kind, **example}, database="main").kind == kind
