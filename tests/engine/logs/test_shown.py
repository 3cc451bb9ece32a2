"""`fab logs` at hosts of the sandbox: what is there."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from tests.engine.logs.conftest import HOSTS, Make, folder

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(autouse=True)
def _now() -> None:
    """Lines are as old as they say when the test begins, which may be long after this file was read."""
    global NOW
    NOW = datetime.now(UTC).replace(microsecond=0)


def line(ago: float, text: str) -> str:
    return f"{(NOW - timedelta(seconds=ago)).strftime('%Y-%m-%dT%H:%M:%SZ')} {text}\n"


def said(out: str) -> list[str]:
    return [line.partition(" | ")[2].partition(" ")[2] for line in out.splitlines()]


def test_the_last_lines_of_all_hosts_in_order(make: Make) -> None:
    operator = make("app.log")
    for n, host in enumerate(HOSTS):
        text = "".join(line(1000 - 2 * i - n, f"{host} {i}") for i in range(100))
        (folder(operator, host) / "app.log").write_text(text)
    ran = operator.fab("logs")
    assert ran.code == 0, ran.said
    assert said(ran.out) == [f"{host} {i}" for i in range(50, 100) for host in HOSTS]
    assert ran.out.splitlines()[0].startswith("log1         | 20")
    ran = operator.fab("logs", "api", "--lines", "3", "--json")
    told = [json.loads(one) for one in ran.out.splitlines()]
    assert [(one["host"], one["app"], one["lines"][0][-2:]) for one in told] == [
        (host, "api", str(i)) for i in (97, 98, 99) for host in HOSTS
    ]
    assert operator.noted()[-1]["what"] == "logs api --lines 3"


TRACE = "Traceback (most recent call last):\n  File x\nValueError: no\n"


def test_since_a_time_in_a_long_file_sends_not_all_of_it(make: Make) -> None:
    operator = make("app.log", hosts=HOSTS[:1])
    file = folder(operator, HOSTS[0]) / "app.log"
    with file.open("w") as out:
        for i in range(60_000):
            out.write(line(60_000 - i, f"line {i} " + "x" * 60))
    operator.sandbox.do(HOSTS[0], "reset")
    ran = operator.fab("logs", "--since", "10m")
    assert ran.code == 0, ran.said
    numbers = [int(text.split()[1]) for text in said(ran.out)]
    assert numbers == list(range(numbers[0], 60_000))
    # What `now` is differs by as long as it takes to come here.
    assert 59_390 < numbers[0] < 59_500
    ran = operator.fab("logs", "--since", (NOW - timedelta(seconds=99.5)).isoformat(), "--lines", "1000")
    assert [int(text.split()[1]) for text in said(ran.out)] == list(range(59_901, 60_000))
    assert len(said(operator.fab("logs", "--since", "10m", "--lines", "7").out)) == 7


def test_what_was_turned_over_is_read_too(make: Make) -> None:
    operator = make("app.log", hosts=HOSTS[:1])
    here = folder(operator, HOSTS[0])
    (here / "app.log.2").write_text(line(9000, "long ago"))
    old = (NOW - timedelta(seconds=9000)).timestamp()
    os.utime(here / "app.log.2", (old, old))
    (here / "app.log.1").write_text(line(5000, "before") + line(300, "turned"))
    (here / "app.log").write_text(line(100, "now"))
    assert said(operator.fab("logs", "--since", "1h").out) == ["turned", "now"]
    assert said(operator.fab("logs").out) == ["long ago", "before", "turned", "now"]
    (here / "app.log.3.gz").write_bytes(b"")
    ran = operator.fab("logs", "--since", "1h")
    assert "app.log.3.gz is compressed: left out" in ran.err and ran.code == 0


def test_a_record_is_whole_also_where_it_is_looked_for(make: Make) -> None:
    operator = make("app.log", "web-*.log", hosts=HOSTS[:1], secrets={"TOKEN": "env:TOKEN"})
    operator.env["TOKEN"] = "hunter2hunter2"
    here = folder(operator, HOSTS[0])
    (here / "app.log").write_text(line(50, "ERROR it broke hunter2hunter2 \x1b[31m") + TRACE + line(40, "fine"))
    (here / "web-1.log").write_text(line(45, "between"))
    (here / "web-2.log").write_text("no time\n")
    ran = operator.fab("logs", "--grep", "ValueError|between")
    assert ran.code == 0, ran.said
    shown = [one.partition(" | ")[2] for one in ran.out.splitlines()]
    assert [one.partition(" ")[2] for one in shown[:1]] == ["ERROR it broke *** ␛[31m"]
    assert shown[1:4] == TRACE.splitlines() and shown[4].endswith("between")
    assert len(shown) == 5
    told = [json.loads(one) for one in operator.fab("logs", "--json").out.splitlines()]
    sources = [(one["lines"][0].split(" ")[-1], one["source"].rpartition("/")[2]) for one in told]
    assert sources == [("\x1b[31m", "app.log"), ("between", "web-1.log"), ("fine", "app.log"), ("time", "web-2.log")]
    assert "no time" in operator.fab("logs").out


def test_what_cannot_be_read_is_said(make: Make) -> None:
    operator = make("app.log", "nothing.log")
    (folder(operator, HOSTS[0]) / "app.log").write_text(line(5, "here"))
    ran = operator.fab("logs")
    assert ran.code == 7 and said(ran.out) == ["here"]
    assert ran.err.count("nothing.log is not there") == 2 and "2 hosts: 1 ok, 1 failed" in ran.err
    (folder(operator, HOSTS[1]) / "app.log").write_text("")
    assert operator.fab("logs").code == 0
    for words in (("--since", "soon"), ("--grep", "("), ("--lines", "-2"), ("--follow", "--serial")):
        assert operator.fab("logs", *words).code == 2
    assert operator.fab("logs", "nobody").code == 2


def test_hosts_that_are_away_leave_the_others(make: Make) -> None:
    operator = make("app.log", gone=("away",))
    (folder(operator, HOSTS[0]) / "app.log").write_text(line(5, "here"))
    with operator.sandbox.broken(HOSTS[1], "freeze"):
        ran = operator.fab("logs")
    assert ran.code == 3 and said(ran.out) == ["here"], ran.said
    assert "3 hosts: 1 ok, 2 unreachable" in ran.err
    assert operator.noted()[-1]["codes"] == {HOSTS[0]: 0, HOSTS[1]: "unreachable", "away": "unreachable"}


def test_the_journal_where_there_is_none(make: Make) -> None:
    service = {"kind": "systemd", "unit": "nowhere-at-all"}
    operator = make("app.log", hosts=HOSTS[:1], service=service)
    (folder(operator, HOSTS[0]) / "app.log").write_text(line(5, "here"))
    ran = operator.fab("logs")
    assert ran.code == 0 and said(ran.out) == ["here"], ran.said
