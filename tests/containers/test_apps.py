"""The sample apps: each serves in the ways a deployment needs. Their faults are met in test_failures."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests

from tests.containers import edits
from tests.containers.fleet import Fleet
from tests.containers.machine import Machine
from tests.containers.repos import Repository, make_repository
from tests.containers.units import install_unit

BUILD = "sh build.sh"
MIGRATE = "STATE=/tmp/state .venv/bin/python migrate.py"


def get(machine: Machine, path: str) -> requests.Response:
    """One request to the app of a machine."""
    return requests.get(f"http://127.0.0.1:{machine.http_port}{path}", timeout=5)


def run(fleet: Fleet, name: str, command: str) -> str:
    """A command over SSH that has to succeed; what it said."""
    done = fleet.ssh(name, command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def api(fleet: Fleet, repositories: dict[str, Repository]) -> Iterator[Machine]:
    """A host with a clone of the api beside its /app, which no other test uses."""
    run(fleet, "api1", f"git clone -q {fleet.clone_url('api')} ~/api && cd ~/api && {BUILD}")
    yield fleet["api1"]
    run(fleet, "api1", "rm -rf ~/api /tmp/state")


@pytest.fixture
def webapp(fleet: Fleet, repositories: dict[str, Repository]) -> Iterator[Machine]:
    """A host with a clone of the web app, and no PM2 left running afterwards."""
    run(fleet, "web2", f"git clone -q {fleet.clone_url('webapp')} ~/webapp")
    yield fleet["web2"]
    run(fleet, "web2", "pm2 kill; rm -rf ~/webapp")


def test_the_same_files_make_the_same_revisions(
    repositories: dict[str, Repository], tmp_path_factory: pytest.TempPathFactory
) -> None:
    again = make_repository("api", tmp_path_factory.mktemp("again"))
    assert again.revisions == repositories["api"].revisions
    assert len(set(again.revisions.values())) == 3 + 6


def test_migrations_go_up_and_down_and_count_their_runs(fleet: Fleet, api: Machine) -> None:
    migrate = f"cd ~/api && {MIGRATE}"
    assert run(fleet, "api1", f"{migrate} up").splitlines() == ["up 001_jobs", "up 002_owner"]
    assert run(fleet, "api1", f"{migrate} down 002_owner; {MIGRATE} status").splitlines() == [
        "down 002_owner",
        "001_jobs",
    ]
    assert run(fleet, "api1", f"{migrate} runs") == "2\n"


def test_a_release_behind_a_symlink_serves_and_reports_its_health(
    fleet: Fleet, repositories: dict[str, Repository]
) -> None:
    api1, revisions = fleet["api1"], repositories["api"].revisions
    install_unit(api1, "releases", name="api-releases", path="/app/linked")
    lay = f"git clone -q -b {edits.FAILING_HEALTH} {fleet.clone_url('api')} /app/linked/releases/1"
    run(fleet, "api1", f"mkdir -p /app/linked/releases && {lay} && ln -s releases/1 /app/linked/current")
    run(fleet, "api1", "sudo -n systemctl start api-releases")
    answer = get(api1, "/healthz")
    assert (answer.status_code, answer.json()["status"]) == (503, "degraded")
    assert answer.json()["revision"] == revisions[edits.FAILING_HEALTH]
    assert "/app/linked/releases/1" in {each.cwd for each in api1.processes("gunicorn")}
    api1.check("systemctl disable --now api-releases && rm -r /app/linked /etc/systemd/system/api-releases.service")


def test_the_web_app_reloads_without_dropping_a_request(
    fleet: Fleet, webapp: Machine, repositories: dict[str, Repository]
) -> None:
    revisions = repositories["webapp"].revisions
    run(fleet, "web2", "cd ~/webapp && git checkout -q v1 && pm2 start ecosystem.config.js")
    assert get(webapp, "/").json()["revision"] == revisions["v1"]
    load = "for i in $(seq 12); do curl -sf http://127.0.0.1:3000/slow; done > ~/answers & "
    reload = "cd ~/webapp && git checkout -q v2 && pm2 reload webapp --update-env && wait"
    run(fleet, "web2", load + reload)
    answers = [json.loads(line)["revision"] for line in run(fleet, "web2", "cat ~/answers; rm ~/answers").splitlines()]
    assert len(answers) == 12
    assert set(answers) == {revisions["v1"], revisions["v2"]}
    assert get(webapp, "/").json()["revision"] == revisions["v2"]
