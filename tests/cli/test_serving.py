"""`status` and `check` on what serves: the service, the app's own health, and a run that is under way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.cli.conftest import commit
from tests.cli.operator import Operator


class App(HTTPServer):
    """The app's health URL: it answers with `status`."""

    status = 200


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, App)
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *said: object) -> None:
        pass


@pytest.fixture
def app() -> Iterator[App]:
    with App(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def operator(deployed: Operator, app: App) -> Iterator[Operator]:
    settings = deployed.inventory["apps"]["app"]
    settings["health"] = {"url": f"http://127.0.0.1:{app.server_port}/healthz"}
    before = settings["service"]["reload"]
    for host in deployed.hosts:
        (deployed.home(host) / "up").touch()
    yield deployed
    settings.pop("health")
    settings["service"]["reload"] = before
    for host in deployed.hosts:
        (deployed.home(host) / "up").touch()
        (deployed.home(host) / "go").unlink(missing_ok=True)


def test_an_app_that_says_it_is_sick_does_not_pass(operator: Operator, app: App) -> None:
    well = operator.fab("status", "--json")
    assert well.code == 0 and [site["health"]["passed"] for site in well.json["sites"]] == [True, True], well.said
    app.status = 503
    sick = operator.fab("status")
    assert sick.code == 7 and "! app@one: health: answered 503, expected 200" in sick.out, sick.said
    head, *rows = [line for line in sick.out.splitlines() if line.startswith(("HOST", "one ", "two "))]
    columns = [head.index(name) for name in ("SERVING", "HEALTH")]
    assert [[row[at:].split()[0] for at in columns] for row in rows] == [["yes", "NO"], ["yes", "NO"]], sick.said
    checked = operator.fab("check", "--json")
    found = {
        f["check"]: (f["level"], f["says"]) for f in checked.json["hosts"]["one"]["findings"] if f["about"] == "app"
    }
    assert checked.code == 7 and found["health"] == ("fail", "answered 503, expected 200"), checked.said
    assert found["service"][0] == "pass", checked.said
    assert "health" not in operator.fab("check", "--skip", "health").out


def test_a_service_that_is_stopped_does_not_pass(operator: Operator) -> None:
    (operator.home("two") / "up").unlink()
    checked = operator.fab("check", "--json")
    levels = {
        host: {f["check"]: f["level"] for f in answer["findings"] if f["about"] == "app"}
        for host, answer in checked.json["hosts"].items()
    }
    assert checked.code == 7 and (levels["one"]["service"], levels["two"]["service"]) == ("pass", "fail"), checked.said
    assert operator.fab("status").code == 7


def test_a_run_that_is_under_way_is_no_failure(operator: Operator) -> None:
    commit(operator, "slow")
    waits = 'until [ -e "$HOME/go" ]; do sleep 0.05; done; touch "$HOME/up"'
    operator.inventory["apps"]["app"]["service"]["reload"] = waits
    running = operator.start("deploy", "--message", "the slow one")
    with running:
        running.until("one          app: reload")
        # Its service knows nothing of revisions: what lies there was never proven to serve.
        seen = operator.fab("status")
        data = operator.fab("status", "--json")
        checked = operator.fab("check", "--skip", "disk,memory,load,reboot,clock", "--json")
        (operator.home("one") / "go").touch()
        (operator.home("two") / "go").touch()
        ended = running.finish()
    assert ended.code == 0, ended.said
    assert seen.code == 0 and "run under way" in seen.out and "never proven" not in seen.out, seen.said
    assert "a deploy of app is under way since" in seen.out and "by ada@" in seen.out, seen.said
    assert "the slow one" in seen.out
    one, two = data.json["sites"]
    assert (data.code, one["under_way"], two["under_way"], one["lock"]["kind"]) == (0, True, True, "deploy"), data.said
    assert checked.code == 0, checked.said


def test_a_lock_that_was_taken_by_hand_is_no_run(operator: Operator) -> None:
    assert operator.fab("lock.take").code == 0
    (operator.home("two") / "up").unlink()
    try:
        seen = operator.fab("status")
    finally:
        operator.fab("lock.break")
    assert seen.code == 7 and "under way" not in seen.out and "! app@one: locked by ada@" in seen.out, seen.said
