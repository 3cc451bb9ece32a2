"""Deploys and rollbacks that are judged by smoke steps: what a failure takes back, and what is told."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.sandbox import Sandbox
from tests.cli.operator import Operator
from tests.smoke.world import PASSWORD, Office, steps


@pytest.fixture(scope="module")
def open_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    office = Office(tmp_path_factory.mktemp("office") / "home")
    yield office
    office.close()


class Shop(Operator):
    """An operator whose app is the office: a reload of either host is what the office serves from then on."""

    def __init__(self, folder: Path, sandbox: Sandbox, office: Office) -> None:
        super().__init__(folder / "operator", sandbox, ("one", "two"))
        office.reset()
        self.office, self.origin, self.path = office, folder / "origin", f"shop/{folder.name}"
        subprocess.run(["git", "init", "-q", "-b", "main", str(self.origin)], check=True)
        self.env["SMOKE_PASSWORD"] = PASSWORD
        (self.folder / "t.pdf").write_bytes(b"%PDF-1.4 a small file")
        self.smoke: dict[str, Any] = {"url": office.url, "steps": steps(), "critical": ["same", "home"], "canary": True}
        serve = f'touch "$HOME/up"; cat "$HOME/{self.path}/current/REVISION" >{office.folder}/REVISION'
        service = {"kind": "command", "reload": serve, "status": '[ -e "$HOME/up" ]'}
        app = {"repository": str(self.origin), "layout": "releases", "path": self.path, "min_free": "1M"}
        health = {"url": f"{office.url}/healthz", "revision": "revision"}
        self.inventory["apps"] = {"shop": {**app, "service": service, "health": health, "smoke": self.smoke}}
        self.inventory["groups"]["all"] |= {"apps": ["shop"], "rollout": {"canary": 1}}

    def commit(self, subject: str) -> str:
        git = ["git", "-C", str(self.origin), "-c", "user.name=Ada", "-c", "user.email=a@example.com"]
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", subject], check=True)
        return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()

    def current(self, host: str) -> str:
        return (self.home(host) / self.path / "current" / "REVISION").read_text().strip()

    def fault(self, revision: str, **faults: dict[str, Any]) -> None:
        """Have requests go wrong while this release serves."""
        self.office.faults(**{path: {**fault, "revision": revision} for path, fault in faults.items()})


@pytest.fixture
def shop(tmp_path: Path, lab: Sandbox, open_office: Office) -> Iterator[Shop]:
    shop = Shop(tmp_path, lab, open_office)
    yield shop
    for host in shop.hosts:
        (shop.home(host) / "up").unlink(missing_ok=True)


def judged(document: dict[str, Any]) -> list[tuple[str | None, str, str, bool]]:
    return [(each["host"], each["step"], each["result"], each["after_rollback"]) for each in document["smoke"]]


def test_a_release_is_judged_on_the_canary_and_in_public(shop: Shop, lab: Sandbox) -> None:
    revision = shop.commit("first")
    plan = shop.fab("plan")
    assert "smoke of shop at" in plan.out and "through one: login, upload, same, home" in plan.out, plan.said
    assert shop.office.calls == [], "a plan sends nothing"
    before = lab.counts("one").forwards
    ran = shop.fab("deploy", "--json")
    assert ran.code == 0, ran.said
    names = ["release", "login", "upload", "same", "home"]
    assert judged(ran.json) == [
        *(("one", name, "passed", False) for name in names),
        *((None, name, "passed", False) for name in names),
    ]
    assert {each["revision"] for each in ran.json["smoke"]} == {revision}
    assert lab.counts("one").forwards > before, "the canary was asked through SSH"
    assert shop.office.files == []
    seen = shop.fab("history", ran.json["run"], "--json")
    assert judged(seen.json["run"]) == judged(ran.json), seen.said
    assert PASSWORD not in ran.said + seen.said
    # One that is typed has a record as well.
    typed = shop.fab("smoke", "home", "--json")
    record = shop.fab("history", typed.json["run"])
    assert typed.code == 0 and "home" in record.out and f"run {typed.json['run']}: smoke" in record.out, record.said
    assert "smoke home" in shop.fab("history", "--by-hand").out


def test_a_failure_on_the_canary_goes_back_before_anybody_else_has_it(shop: Shop) -> None:
    first = shop.commit("first")
    assert shop.fab("deploy").code == 0
    second = shop.commit("second")
    shop.fault(second, **{"/auth/login": {"status": 500}})
    ran = shop.fab("deploy", "--json")
    assert ran.code == 5, ran.said
    assert (shop.current("one"), shop.current("two")) == (first, first)
    assert ("one", "login", "failed", False) in judged(ran.json) and ("one", "home", "passed", False) in judged(
        ran.json
    )
    assert not any(host == "two" for host, *_ in judged(ran.json))
    # What serves again is judged too.
    assert (None, "login", "passed", True) in judged(ran.json), ran.said
    assert "smoke login: failed: answered 500" in json.dumps(ran.json["failures"])


def test_a_failure_in_public_takes_every_host_back(shop: Shop) -> None:
    first = shop.commit("first")
    assert shop.fab("deploy").code == 0
    shop.smoke["canary"] = False
    second = shop.commit("second")
    shop.fault(second, **{"GET /": {"status": 502}})
    ran = shop.fab("deploy")
    assert ran.code == 5 and "smoke home: FAILED" in ran.said, ran.said
    assert (shop.current("one"), shop.current("two")) == (first, first)
    assert "shop: smoke after going back: 5 passed" in ran.out, ran.said


def test_a_rollback_is_not_taken_back_and_its_failure_is_told(shop: Shop) -> None:
    first = shop.commit("first")
    assert shop.fab("deploy").code == 0
    shop.commit("second")
    assert shop.fab("deploy").code == 0
    shop.fault(first, **{"GET /": {"status": 502}})
    ran = shop.fab("rollback")
    assert ran.code == 0 and "after the rollback: shop: smoke home: failed: answered 502" in ran.out, ran.said
    assert (shop.current("one"), shop.current("two")) == (first, first)


def test_another_release_that_answers_after_going_back_needs_a_person(shop: Shop) -> None:
    shop.commit("first")
    assert shop.fab("deploy").code == 0
    shop.smoke["canary"] = False
    second = shop.commit("second")
    # As a balancer that still has a host which nobody knows of.
    shop.smoke["revision"], shop.smoke["release"] = "json.revision", "/elsewhere"
    elsewhere: dict[str, Any] = {"status": 200, "body": {"revision": second}}
    shop.office.faults(**{"/elsewhere": elsewhere, "GET /": {"status": 502}})
    ran = shop.fab("deploy", "--json")
    assert ran.code == 6, ran.said
    assert "answers all the same" in ran.json["left"][0]["what"], ran.said


def test_a_secret_that_is_missing_refuses_the_deploy(shop: Shop) -> None:
    shop.commit("first")
    del shop.env["SMOKE_PASSWORD"]
    ran = shop.fab("deploy")
    assert ran.code == 2 and "SMOKE_PASSWORD cannot be had" in ran.err, ran.said
    assert not (shop.home("one") / shop.path / "current").exists()
