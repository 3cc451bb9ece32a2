"""A deploy that is measured while the fleet is mixed: by the servers of two hosts, each of which runs what lies there."""

from __future__ import annotations

import http.server
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import MakeOperator
from tests.cli.operator import Operator

GIT = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]


class Server(http.server.ThreadingHTTPServer):
    """A host's web server: it takes as long as the code at `current` says, and as the network of both adds."""

    def __init__(self, current: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.current, self.network, self.asked = current, 0.0, list[str]()


class Answer(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words: object) -> None: ...

    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        says = (self.server.current / "SECONDS").read_text().strip()
        self.server.asked.append(says)
        time.sleep(float(says) + self.server.network)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Fleet:
    """Two hosts that serve, and a repository whose code says how long an answer takes."""

    def __init__(self, operator: Operator, origin: Path) -> None:
        self.operator, self.origin = operator, origin
        self.servers = {host: Server(operator.home(host) / "turns/app/current") for host in operator.hosts}

    def commit(self, seconds: str) -> None:
        (self.origin / "SECONDS").write_text(f"{seconds}\n")
        git = ["git", "-C", str(self.origin), *GIT]
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", f"an answer takes {seconds} s"], check=True)

    @property
    def serving(self) -> list[str]:
        return [(server.current / "SECONDS").read_text().strip() for server in self.servers.values()]


@pytest.fixture
def fleet(make_operator: MakeOperator, tmp_path: Path) -> Iterator[Fleet]:
    origin = tmp_path / "origin"
    subprocess.run(["git", "init", "-q", "-b", "main", str(origin)], check=True)
    operator = make_operator("one", "two")
    fleet = Fleet(operator, origin)
    service = {"kind": "command", "reload": 'touch "$HOME/up"', "status": '[ -e "$HOME/up" ]'}
    measure = {"url": "http://127.0.0.1:1/", "p95": "600ms", "gate": True, "rate": 100, "concurrency": 20}
    app: dict[str, Any] = {"repository": str(origin), "layout": "releases", "path": "turns/app", "min_free": "1M"}
    operator.inventory["apps"] = {"app": {**app, "service": service, "measure": {"answers": measure}}}
    group = operator.inventory["groups"]["all"]
    group |= {"apps": ["app"], "rollout": {"canary": 1}}
    for host in group["hosts"]:
        url = f"http://127.0.0.1:{fleet.servers[host['name']].server_port}/"
        host["override"] = {"app": {"measure": {"answers": {"url": url}}}}
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in fleet.servers.values()]
    for thread in threads:
        thread.start()
    fleet.commit("0.001")
    ran = operator.fab("deploy")
    assert ran.code == 0, ran.said
    yield fleet
    for server in fleet.servers.values():
        server.shutdown()
        server.server_close()
    for thread in threads:
        thread.join()
    for host in operator.hosts:
        subprocess.run(["rm", "-rf", str(operator.home(host) / "turns"), str(operator.home(host) / "up")], check=True)


def test_a_release_that_is_slow_goes_back_and_one_that_is_not_stays(fleet: Fleet) -> None:
    fleet.commit("0.002")
    ran = fleet.operator.fab("deploy")
    assert ran.code == 0 and "measuring answers in turns on one and two" in ran.out, ran.said
    assert fleet.serving == ["0.002", "0.002"]
    for server in fleet.servers.values():
        server.asked.clear()

    fleet.commit("1.2")
    plan = fleet.operator.fab("plan")
    assert "answers is measured in the first wave, on a host with each release in turns" in plan.out, plan.said
    ran = fleet.operator.fab("deploy", "--json")
    assert (ran.code, ran.json["result"]) == (5, "put back"), ran.said
    assert "measure answers of app fails: p95" in ran.json["failures"][0]["reason"]
    assert fleet.serving == ["0.002", "0.002"]
    new, old = (server.asked for server in fleet.servers.values())
    assert new.count("1.2") == old.count("0.002") - 12 == 105, "six by each plan, before anything changed"
    shown = fleet.operator.fab("history", ran.json["run"])
    assert "measure answers" in shown.out and "with the new release" in shown.out, shown.said
    tried = fleet.operator.fab("gates.try")
    assert "Traceback" not in tried.said


def test_what_makes_both_slow_is_no_fault_of_the_release(fleet: Fleet) -> None:
    for server in fleet.servers.values():
        server.network = 0.7
    fleet.commit("0.003")
    ran = fleet.operator.fab("deploy")
    assert ran.code == 0, ran.said
    assert fleet.serving == ["0.003", "0.003"]


def test_a_host_that_cannot_be_measured_is_no_pass(fleet: Fleet) -> None:
    """The old host answers with nothing: nobody can say that the new one is as good."""
    fleet.commit("0.003")
    fleet.servers["two"].current = Path("/nowhere")
    ran = fleet.operator.fab("deploy")
    assert ran.code == 5 and "does not answer well itself" in ran.said, ran.said
