"""Values of a host: of this machine, and as the parser reads them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from lockstitch.engine.ask import Query, ask
from lockstitch.metrics.host import HostValues
from lockstitch.metrics.measurement import Measurement, Question, Window
from lockstitch.model.host import Address, Host
from tests.local import LocalRemote

HOST = Host("web1", Address("web1"))
QUESTION = Question((Window(-60), Window(-120, -60)))
TOLD = """\
load 3.00
cpus 2
from cpu  100 0 100 1000 50 0 0 10 0 0
to cpu  140 0 100 1040 60 0 0 20 0 0
MemTotal: 1000
MemAvailable: 250
SwapTotal: 0
SwapFree: 0
k /dev/sda1 1000 600 400 60% /
i /dev/sda1 1000 10 990 1% /
k /dev/sdb1 1000 900 100 90% /data
i - 0 0 0 - /data
"""


def source(*paths: str) -> HostValues:
    return HostValues.model_validate({"kind": "host", **({"paths": paths} if paths else {})})


def test_this_machine(tmp_path: Path) -> None:
    answer: Any = ask(LocalRemote(tmp_path), [Query("web1", HOST, (source("/", "/tmp").probe(QUESTION),))])[
        "web1"
    ].facts[0]
    assert isinstance(answer, Measurement)
    assert (answer.blind, len(answer.windows)) == ("", 2)
    assert set(answer.values) >= {"memory", "cpu", "load", "disk"}
    used = os.statvfs("/")
    taken = used.f_blocks - used.f_bfree
    assert answer.values["disk"] >= taken / (taken + used.f_bavail) - 0.05
    assert all(0 <= value <= 1 for name, value in answer.values.items() if name != "load")
    assert "memory " in answer.about and " %" in answer.about


def test_values() -> None:
    answer = source("/", "/data").probe(QUESTION).parse(TOLD, 0)
    assert {name: round(value, 3) for name, value in answer.values.items()} == {
        "memory": 0.75,
        "swap": 0.0,
        "load": 1.5,
        "cpu": 0.5,
        "waiting": 0.1,
        "stolen": 0.1,
        "disk": 0.9,
        "inodes": 0.01,
    }


def test_a_path_that_is_not_there_is_blind(tmp_path: Path) -> None:
    probe = source("/", "/no/such/place").probe(QUESTION)
    answer = ask(LocalRemote(tmp_path), [Query("web1", HOST, (probe,))])["web1"].facts[0]
    assert "/no/such/place cannot be read" in answer.blind
    assert "No such file" in answer.blind


@pytest.mark.parametrize("lost", ["MemAvailable", "load", "from", "cpus"])
def test_a_value_that_is_not_told_is_missing(lost: str) -> None:
    text = "\n".join(line for line in TOLD.splitlines() if not line.startswith(lost))
    answer = source("/", "/data").probe(QUESTION).parse(text, 0)
    assert answer.blind == ""
    missing = {"MemAvailable": "memory", "load": "load", "from": "cpu", "cpus": "load"}[lost]
    assert missing not in answer.values
