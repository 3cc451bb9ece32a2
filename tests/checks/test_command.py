"""`check` and `facts` as they are typed, at hosts that are well, that fail, that are frozen, that are not there."""

from __future__ import annotations

import os
import platform
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.checks.conftest import MakeOperator
from tests.cli.operator import Operator

SHOWN = ("clock", "disk", "memory", "load", "reboot")


def checks(operator: Operator, **declared: Any) -> None:
    operator.inventory["groups"]["all"]["checks"] = declared


def findings(ran: Any, host: str) -> dict[str, list[dict[str, str]]]:
    """The findings of a host by their check."""
    by: dict[str, list[dict[str, str]]] = {}
    for finding in ran.json["hosts"][host]["findings"]:
        by.setdefault(finding["check"], []).append(finding)
    return by


def test_every_host_is_checked_without_anything_declared(make_operator: MakeOperator) -> None:
    operator = make_operator()
    ran = operator.fab("check", "--json")
    assert ran.code in (0, 7), ran.said  # how full this machine is, is its own business
    assert list(ran.json["hosts"]) == ["one", "two", "three"]
    for host in ran.json["hosts"]:
        assert tuple(dict.fromkeys(findings(ran, host))) == SHOWN
    (noted,) = operator.noted()
    assert noted["what"] == "check"
    assert set(noted["codes"]) == {"one", "two", "three"}
    operator.until_quiet()


def test_what_is_declared_passes_and_fails(make_operator: MakeOperator) -> None:
    operator = make_operator("one")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        checks(
            operator,
            tools={"git": ">=2", "no-such-tool": "*", "python3": ">=99"},
            ports=[port, 1],
            not_listening=[2, port],
            urls=["http://127.0.0.1:1/"],
            tls=["127.0.0.1:1", "/no/such.pem"],
            redis={"url": "redis://127.0.0.1:1"},
        )
        ran = operator.fab("check", "--json", "--skip", "disk,memory,load,reboot")
    assert ran.code == 7, ran.said
    assert ran.json["hosts"]["one"]["result"] == "failed"
    said = findings(ran, "one")
    assert {name: [each["level"] for each in all_] for name, all_ in said.items()} == {
        "clock": ["pass"],
        "tools": ["pass", "fail", "fail"],
        "ports": ["pass", "fail", "pass", "fail"],
        "tls": ["fail", "fail"],
        "urls": ["fail"],
        "redis": ["fail"],
    }
    assert all(each["hint"] for all_ in said.values() for each in all_ if each["level"] != "pass")


def test_the_table_says_why_and_what_to_do(make_operator: MakeOperator) -> None:
    operator = make_operator("one", "two")
    checks(operator, tools={"no-such-tool": ">=3"})
    ran = operator.fab("check", "--skip", "disk,memory,load")
    assert ran.code == 7, ran.said
    assert ran.out.count("  FAIL  tools   no-such-tool is not found") == 2
    assert ran.out.count("HINT: install no-such-tool >=3") == 2
    assert ran.out.rstrip().endswith("2 hosts: 2 failed")


def test_a_host_that_is_not_there_and_one_that_is_frozen(make_operator: MakeOperator) -> None:
    operator = make_operator("one", "two", gone=("away",))
    with operator.sandbox.broken("two", "freeze"):
        ran = operator.fab("check", "--json")
    assert ran.code == 3, ran.said
    results = {name: host["result"] for name, host in ran.json["hosts"].items()}
    assert results["two"] == results["away"] == "unreachable"
    assert results["one"] in ("ok", "warned", "failed")
    assert operator.noted()[0]["codes"]["away"] == "unreachable"


def test_one_that_hangs_is_named_and_hides_no_other(make_operator: MakeOperator) -> None:
    operator = make_operator("one")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = {"url": f"http://127.0.0.1:{server.getsockname()[1]}/", "timeout": "50s"}
        checks(operator, ports=[server.getsockname()[1]], urls=["http://127.0.0.1:1/", url], redis={"url": "env:NO"})
        ran = operator.fab("check", "--json", "--timeout", "3", "--skip", "disk,memory,load,reboot")
    assert ran.code == 7, ran.said
    said = findings(ran, "one")
    assert [each["level"] for name in ("clock", "ports") for each in said[name]] == ["pass", "pass"]
    assert [each["level"] for each in said["urls"]] == ["fail", "fail"]
    assert "`urls 2` took longer than 3 s" in said["urls"][1]["says"]
    assert [each["level"] for each in said["redis"]] == ["fail"], "nobody has asked it"


def test_ctrl_c_leaves_nothing_behind(make_operator: MakeOperator) -> None:
    operator = make_operator("one")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        checks(operator, urls=[{"url": f"http://127.0.0.1:{server.getsockname()[1]}/", "timeout": "50s"}])
        running = operator.start("check")
        line, _ = server.accept()
        with line:
            assert operator.processes("one"), "curl waits for an answer"
            ran = operator.ctrl_c(running)
    assert ran.code == 130, ran.said
    operator.until_quiet()


def test_what_two_groups_declare_is_asked_once(make_operator: MakeOperator) -> None:
    operator = make_operator("one")
    operator.inventory["checks"] = {"ports": [1], "urls": ["http://127.0.0.1:1/"]}
    operator.inventory["groups"]["again"] = {"hosts": ["one"], "checks": {"ports": [2]}}
    ran = operator.fab("check", "--json", "--skip", "disk,memory,load,clock,reboot")
    said = [each["says"] for each in ran.json["hosts"]["one"]["findings"]]
    assert [each for each in said if "nobody" in each] == ["nobody listens on 1", "nobody listens on 2"]
    assert len(said) == 3


def test_a_time_that_is_over(make_operator: MakeOperator) -> None:
    operator = make_operator("one", "two")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        operator.inventory["groups"]["slow"] = {"hosts": ["two"], "checks": {"urls": [url]}}
        ran = operator.fab("check", "--json", "--timeout", "1", "--serial")
    assert ran.code == 7, ran.said
    assert "took longer than 1 s" in findings(ran, "two")["urls"][0]["says"]
    assert "clock" in findings(ran, "one")


def test_plain_hosts_are_checked(make_operator: MakeOperator) -> None:
    operator = make_operator("one")
    config = operator.sandbox.place.ssh_config
    ran = operator.fab("-S", str(config), "check", "--json", where="two")
    assert list(ran.json["hosts"]) == ["two"]
    assert set(findings(ran, "two")) == set(SHOWN)


@pytest.mark.parametrize("typed", [("--skip", "dsik"), ("--only", "none")])
def test_names_that_mean_nothing(make_operator: MakeOperator, typed: tuple[str, str]) -> None:
    ran = make_operator("one").fab("check", *typed)
    assert ran.code == 2, ran.said
    assert "HINT" in ran.err or "there is no app" in ran.err


APP: dict[str, Any] = {
    "layout": "in_place",
    "service": {"kind": "gunicorn", "pidfile": "g.pid", "start": "true", "app": "a:b", "python": "python"},
}


def test_an_app(make_operator: MakeOperator, tmp_path: Path) -> None:
    operator = make_operator("one")
    path = tmp_path / "app"
    path.mkdir()
    (path / ".env").write_text("SECRET_KEY=changeme\nTOKEN=0123456789\n")
    operator.inventory["groups"]["all"]["apps"] = ["api"]
    required = {"SECRET_KEY": {}, "TOKEN": {"min_length": 10}, "PLAIN": {}, "HIDDEN": {}, "NOWHERE": {}}
    operator.inventory["apps"]["api"] = {
        **APP,
        "repository": f"{tmp_path}/no-such.git",
        "path": str(path),
        "env": {"PLAIN": "yes"},
        "secrets": {"HIDDEN": "env:HIDDEN"},
        "checks": {"variables": required},
    }
    operator.env["HIDDEN"] = "hunter2-hunter2"
    ran = operator.fab("check", "--json")
    assert ran.code == 7, ran.said
    said = findings(ran, "one")
    levels = {each["says"].split()[0].rstrip(":"): each["level"] for each in said["variables"]}
    assert levels == {"SECRET_KEY": "fail", "TOKEN": "pass", "PLAIN": "pass", "HIDDEN": "pass", "NOWHERE": "fail"}
    assert [each["level"] for each in said["git"]] == ["fail"]
    assert [each["level"] for each in said["checkout"]] == ["fail"], "what lies there is no checkout"
    for value in ("hunter2", "0123456789", "yes"):
        assert value not in ran.said

    del operator.env["HIDDEN"]
    ran = operator.fab("check", "--json", "--skip", "git")
    (hidden,) = [each for each in findings(ran, "one")["variables"] if each["says"].startswith("HIDDEN")]
    assert hidden["level"] == "fail"
    assert "not set on this machine" in hidden["says"]


def test_facts(make_operator: MakeOperator) -> None:
    operator = make_operator("one", gone=("away",))
    ran = operator.fab("facts", "--json")
    assert ran.code == 3, ran.said
    facts = ran.json["hosts"]["one"]
    assert facts["kernel"] == f"{platform.system()} {platform.release()}"
    assert facts["cpus"] == len(os.sched_getaffinity(0))
    assert facts["memory"] == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert abs(facts["clock_offset"]) <= facts["clock_unsure"] + 1e-3, "it is the same clock"
    assert list(ran.json["unreachable"]) == ["away"]

    ran = operator.fab("facts", where="lab:away")
    assert ran.code == 3, ran.said
    assert "HINT: is its SSH server running, and on this port?" in ran.out

    ran = operator.fab("facts", where="lab:one")
    assert ran.code == 0, ran.said
    head, line = ran.out.splitlines()[:2]
    assert head.split()[:3] == ["HOST", "OS", "KERNEL"]
    assert platform.release() in line
    assert operator.noted()[-1]["what"] == "facts"
