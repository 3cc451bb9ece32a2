"""A deploy asks what is declared first: it refuses, unless a check is named that is to be passed over."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.operator import Operator


def declare(operator: Operator, **checks: Any) -> None:
    operator.inventory["apps"]["api"]["checks"] = checks


def recorded(operator: Operator) -> dict[str, Any]:
    """The first line of the newest run's record."""
    *_, newest = sorted((operator.folder / ".lockstitch" / "runs").glob("*/events.jsonl"))
    first: dict[str, Any] = json.loads(newest.read_text().splitlines()[0])
    return first


def test_it_refuses_and_is_made_to(deployer: Operator, tmp_path: Path) -> None:
    declare(deployer, tools={"no-such-tool": "*", "git": ">=2"}, ports=[1], load={"warn": 0.001, "fail": 999})
    for words in (("deploy",), ("plan",), ("deploy", "--skip-checks", "tools")):
        ran = deployer.fab(*words)
        assert ran.code == 7, ran.said
        assert "one: api: ports: nobody listens on 1" in ran.err
        assert ("tools: no-such-tool is not found" in ran.err) == ("--skip-checks" not in words)
        assert "nothing was changed" in ran.err
        assert "--skip-checks" in ran.err
    assert not (tmp_path / "api").exists(), "something was changed"
    assert not (deployer.folder / ".lockstitch" / "runs").exists()

    ran = deployer.fab("plan", "--skip-checks", "tools,ports")
    assert ran.code == 0, ran.said
    assert "! waived by --skip-checks ports: one: api: ports: nobody listens on 1" in ran.out

    ran = deployer.fab("deploy", "--skip-checks", "tools,ports", seconds=120)
    assert ran.code == 0, ran.said
    notes = "\n".join(recorded(deployer)["notes"])
    assert "waived by --skip-checks tools: one: api: tools: no-such-tool is not found" in notes
    assert "waived by --skip-checks ports" in notes


def test_what_passes_is_silent(deployer: Operator) -> None:
    declare(deployer, tools={"git": ">=2"}, git=True)
    ran = deployer.fab("plan")
    assert ran.code == 0, ran.said
    assert "git" not in "".join(line for line in ran.out.splitlines() if line.startswith("!"))
    assert "checking one" in ran.out


def test_nothing_declared_costs_nothing(deployer: Operator) -> None:
    deployer.sandbox.do("one", "reset")
    ran = deployer.fab("plan")
    assert ran.code == 0, ran.said
    assert "checking" not in ran.out
    before = deployer.sandbox.counts("one")
    declare(deployer, clock={})
    deployer.sandbox.do("one", "reset")
    ran = deployer.fab("plan")
    assert ran.code == 0, ran.said
    after = deployer.sandbox.counts("one")
    assert after.connections == before.connections == 1
    assert "checking one" in ran.out


def test_an_app_s_user_that_is_not_there(deployer: Operator) -> None:
    deployer.inventory["apps"]["api"]["user"] = "nobody-of-that-name"
    ran = deployer.fab("check", "--json")
    assert ran.code in (3, 7), ran.said
    assert "Traceback" not in ran.said
    findings = ran.json["hosts"]["one"]["findings"]
    (refused,) = [finding for finding in findings if finding["check"] == "user"]
    assert "cannot be asked as nobody-of-that-name" in refused["says"]
    assert "clock" in {finding["check"] for finding in findings}, "the host itself was asked"


def test_a_name_that_is_no_check(deployer: Operator) -> None:
    ran = deployer.fab("deploy", "--skip-checks", "tols")
    assert ran.code == 2, ran.said
    assert "did you mean tools" in ran.err


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_the_record_fills_a_disk_of_this_machine(deployer: Operator, tmp_path: Path) -> None:
    """A build that prints much: the disk is full in the middle of it, and no host is to blame."""
    disk = deployer.folder / ".lockstitch"
    disk.mkdir()
    deployer.inventory["apps"]["api"]["build"] = ["seq 1 20000"]
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)], check=True)
    try:
        ran = deployer.fab("deploy", "--json", seconds=120)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert ran.code == 5, ran.said
    (failure,) = ran.json["failures"]
    assert "no space left on device" in failure["reason"] and str(disk) in failure["reason"]
    assert ran.json["left"] == [] and failure["host"] is None
    assert not [*tmp_path.rglob("lock.json*")]


def test_an_outcome_that_stdout_does_not_take_is_on_stderr(deployer: Operator, tmp_path: Path) -> None:
    ran = deployer.redirected(">/dev/full", "deploy", "--json")
    assert ran.code == 0, ran.said
    assert "deploy of lab done" in ran.err and "no space left on device" in ran.err
    ran = deployer.redirected("2>/dev/full", "deploy", "--json", "--force")
    assert ran.code == 0 and ran.json["exit_code"] == 0, ran.said
    assert not [*tmp_path.rglob("lock.json*")]
