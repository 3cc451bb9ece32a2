"""A whole release by a runbook, on hosts: two people sign it, a stage fails, it goes on, and is undone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.sandbox import Sandbox
from tests.cli.conftest import commit
from tests.cli.operator import Operator

RELEASE = """
title: Release of the app
stages:
  - qa:      {sign: manual QA done, role: qa}
  - approve: {sign: release, role: approver, not: [author, operator], of: plan}
  - app:     {run: deploy, expect: 5m, risk: medium}
  - check:   {run: 'run -- test -e ready'}
  - sms:     {tell: Send yourself a test SMS.}
undo: {app: rollback}
"""
PEOPLE = """
bob@example.com: {name: Bob, roles: [qa]}
eve@example.com: {name: Eve, roles: [approver]}
ada@example.com: {name: Ada, users: [ada], mails: a@example.com}
"""


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, lab: Sandbox) -> Iterator[Operator]:
    """An operator whose first release serves on two hosts, whose project is a repository with two signers."""
    folder = tmp_path_factory.mktemp("release")
    origin = folder / "origin"
    subprocess.run(["git", "init", "-q", "-b", "main", str(origin)], check=True)
    operator = Operator(folder / "operator", lab, ("one", "two"))
    service = {"kind": "command", "reload": 'touch "$HOME/up"', "status": '[ -e "$HOME/up" ]'}
    app = {"repository": str(origin), "layout": "releases", "path": f"{folder.name}/app", "min_free": "1M"}
    operator.inventory["apps"] = {"app": {**app, "service": service}}
    operator.inventory["groups"]["all"]["apps"] = ["app"]
    commit(operator, "first")
    assert operator.fab("deploy").code == 0
    signers = []
    for name in ("bob", "eve"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(folder / name)]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
        public = (folder / f"{name}.pub").read_text().strip()
        signers.append(f'{name}@example.com namespaces="lockstitch-runbook" {public}\n')
    books = operator.folder / "runbooks"
    books.mkdir()
    for file, text in (("allowed_signers", "".join(signers)), ("people.yml", PEOPLE), ("release.yml", RELEASE)):
        (books / file).write_text(text)
    git = ["git", "-C", str(operator.folder), "-c", "user.name=Ada", "-c", "user.email=a@example.com"]
    for words in (["init", "-q", "-b", "main"], ["add", "runbooks"], ["commit", "-q", "-m", "runbooks"]):
        subprocess.run([*git, *words], check=True)
    yield operator
    for host in operator.hosts:
        for file in ("up", "ready"):
            (operator.home(host) / file).unlink(missing_ok=True)


def serving(operator: Operator) -> set[str]:
    """The revisions that the hosts serve."""
    path = operator.inventory["apps"]["app"]["path"]
    return {(operator.home(host) / path / "current" / "REVISION").read_text().strip() for host in operator.hosts}


def commands(document: Any, stage: str) -> list[str]:
    """The runs of the commands of a stage."""
    (commands,) = [each["commands"] for each in document["stages"] if each["stage"] == stage]
    return [command["run"] for command in commands]


def test_a_release_is_signed_by_two_fails_goes_on_and_is_undone(released: Operator) -> None:
    before = serving(released)
    revision = commit(released, "second")
    keys = released.folder.parent
    ran = released.fab("runbook", "release", "--ref", revision)
    assert ran.code == 7 and "qa" in ran.said and serving(released) == before, ran.said
    # Who may sign for one thing may not sign for another.
    assert released.fab("runbook.sign", "approve", "--key", str(keys / "bob")).code == 7
    for stage, name in (("qa", "bob"), ("approve", "eve")):
        ran = released.fab("runbook.sign", stage, "--key", str(keys / name))
        assert ran.code == 0, ran.said

    ran = released.fab("runbook.resume", "--json")
    assert ran.code == 7 and serving(released) == {revision}, ran.said
    deployed = commands(ran.json, "app")
    for host in released.hosts:
        (released.home(host) / "ready").touch()
    ran = released.fab("runbook.resume", "--json")
    states = {stage["stage"]: stage["state"] for stage in ran.json["stages"]}
    assert (ran.code, states) == (7, {"qa": "done", "approve": "done", "app": "done", "check": "done", "sms": "open"})
    assert len(deployed) == 1 and commands(ran.json, "app") == deployed, "what was deployed is not deployed again"

    assert released.fab("runbook.confirm", "sms", "--note", "after 4 s").code == 0
    assert released.fab("runbook.resume").code == 0
    ran = released.fab("runbook.undo", "--json")
    assert (ran.code, ran.json["result"]) == (0, "undone") and serving(released) == before, ran.said
