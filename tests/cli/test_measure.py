"""`measure` as it is typed: judged, recorded with the run and the release, compared."""

from __future__ import annotations

import http.server
import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import commit
from tests.cli.operator import Operator


class Site(http.server.ThreadingHTTPServer):
    """A web server that answers with a status, once it may."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.status, self.asked = 200, 0
        self.begun, self.held = threading.Event(), threading.Event()
        self.held.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/healthz"


class Answer(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words: object) -> None: ...

    def do_GET(self) -> None:
        assert isinstance(self.server, Site)
        self.server.asked += 1
        self.server.begun.set()
        self.server.held.wait(60)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.held.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def operator(deployed: Operator) -> Iterator[Operator]:
    yield deployed
    deployed.inventory["apps"]["app"].pop("measure", None)
    deployed.inventory.pop("protect", None)


def place(operator: Operator, host: str) -> Path:
    """The folder of the app on a host."""
    return operator.home(host) / str(operator.inventory["apps"]["app"]["path"])


def measures(operator: Operator, **named: Any) -> None:
    operator.inventory["apps"]["app"]["measure"] = named


def test_a_url_is_measured_from_here_and_recorded_with_run_and_release(operator: Operator, site: Site) -> None:
    measures(operator, health={"url": site.url, "p95": "5s", "from": "here", "rate": 200})
    dry = operator.fab("--dry", "-H", "lab", "measure", where="")
    assert (dry.code, site.asked) == (0, 0) and "health of app would be measured, from here" in dry.out, dry.said
    assert not any(entry["kind"] == "measure" for entry in operator.fab("history", "--json").json["entries"])
    ran = operator.fab("measure", "--json")
    assert ran.code == 0, ran.said
    (result,) = ran.json["measures"]
    assert (result["app"], result["name"], result["host"], result["verdict"]) == ("app", "health", "here", "pass")
    assert result["numbers"]["requests"] == 100 and site.asked == 105, "5 to warm up are no part of it"
    deploys = [entry for entry in operator.fab("history", "--json").json["entries"] if entry["kind"] == "deploy"]
    for run in (ran.json["run"], deploys[0]["run"]):
        shown = operator.fab("history", run, "--json").json["run"]
        assert [each["numbers"] for each in shown["measures"]][-1] == result["numbers"]
        assert "health" in operator.fab("history", run).out
    entries = {entry["run"]: entry for entry in operator.fab("history", "--json").json["entries"]}
    entry = entries[ran.json["run"]]
    assert (entry["kind"], entry["result"], entry["subject"]) == ("measure", "done", "health")
    again = operator.fab("measure", "health", "--compare", ran.json["run"])
    assert again.code == 0 and f"compared with run {ran.json['run']}" in again.out and "p95 was" in again.out, (
        again.said
    )


def test_what_is_no_pass_ends_with_7(operator: Operator, site: Site) -> None:
    site.status = 503
    measures(operator, health={"url": site.url, "p95": "5s", "from": "here", "rate": 200, "requests": 60})
    ran = operator.fab("measure")
    assert ran.code == 7 and "60 × answered 503" in ran.out, ran.said


def test_a_protected_environment_is_asked_little(operator: Operator, site: Site) -> None:
    operator.inventory["protect"] = True
    measures(operator, health={"url": site.url, "p95": "5s", "from": "here", "rate": 20, "requests": 400})
    ran = operator.fab("measure")
    assert ran.code == 2 and "it sends 400 requests" in ran.err and "--really" in ran.err, ran.said
    assert site.asked == 0
    measures(operator, health={"url": site.url, "p95": "5s", "from": "here", "rate": 200})
    assert operator.fab("measure").code == 2
    assert operator.fab("measure", "--really").code == 0


def test_an_override_sends_no_more_than_is_allowed(operator: Operator, site: Site) -> None:
    operator.inventory["protect"] = True
    measures(operator, health={"url": site.url, "p95": "5s", "requests": 60})
    host = operator.inventory["groups"]["all"]["hosts"][1]
    host["override"] = {"app": {"measure": {"health": {"requests": 4000}}}}
    try:
        refused, ran = operator.fab("measure"), operator.fab("measure", "--really")
    finally:
        del host["override"]
    assert refused.code == 2 and "it sends 4000 requests" in refused.err, refused.said
    assert ran.code == 2 and "has other `requests`, or another `from`, on two" in ran.err, ran.said
    assert site.asked == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("helth",), "there is no measure helth: did you mean health?"),
        (("--compare", "20200101T000000Z-0000"), "this machine has no results of a run 20200101T000000Z-0000"),
    ],
)
def test_what_is_not_there(operator: Operator, site: Site, words: tuple[str, ...], says: str) -> None:
    measures(operator, health={"url": site.url, "p95": "5s", "from": "here"})
    ran = operator.fab("measure", *words)
    assert ran.code in (2, 7) and says in ran.err and site.asked == 0, ran.said
    assert json.loads(operator.fab("measure", *words, "--json").out)["exit_code"] == ran.code


def test_a_secret_in_a_bundle_is_told_and_its_value_is_nowhere(operator: Operator) -> None:
    """On real hosts: the value goes there, and is in no answer, no record and no journal."""
    value = "vapi-1234567890-secret"
    operator.env["VAPI_API_KEY"] = value
    app = operator.inventory["apps"]["app"]
    app["secrets"] = {"VAPI_API_KEY": "env:VAPI_API_KEY"}
    measures(operator, bundle={"path": "dist", "never": ["VAPI_API_KEY"], "growth": "10%", "total": "1MB"})
    for host in operator.hosts:
        dist = place(operator, host) / "current/dist"
        dist.mkdir(exist_ok=True)
        (dist / "app-1a2b3c4d5e.js").write_text(f"const key = '{value if host == 'two' else ''}'")
    try:
        ran = operator.fab("measure", "--json")
        text = operator.fab("measure")
        shown = operator.fab("history", ran.json["run"])
        value_too_short = operator.env | {"VAPI_API_KEY": "short"}
        operator.env = value_too_short
        refused = operator.fab("measure")
    finally:
        for host in operator.hosts:
            (place(operator, host) / "current/dist/app-1a2b3c4d5e.js").unlink()
        del app["secrets"]
        operator.env.pop("VAPI_API_KEY")
    assert ran.code == 7, ran.said
    assert [(each["host"], each["verdict"]) for each in ran.json["measures"]] == [("one", "pass"), ("two", "fail")]
    assert "the value of VAPI_API_KEY is in app-1a2b3c4d5e.js" in text.out and "VAPI_API_KEY" in shown.out
    records = "".join(file.read_text() for file in (operator.folder / ".lockstitch").rglob("*.json*"))
    assert "VAPI_API_KEY" in records and not any(value in said for said in (records, ran.said, text.said, shown.said))
    assert refused.code == 2 and "has fewer than 8 characters" in refused.err, refused.said


def test_a_release_is_compared_with_the_last_good_one(operator: Operator, site: Site) -> None:
    """By its folder, which is still there; and by what was recorded with the run that made it."""
    measures(
        operator,
        health={"url": site.url, "p95": "5s", "from": "here", "rate": 200, "requests": 60},
        bundle={"path": "dist", "growth": "10%"},
    )
    apps = [place(operator, host) for host in operator.hosts]
    before = [(path / "current").resolve() for path in apps]
    assert operator.fab("measure", "health").code == 0
    commit(operator, "another release")
    assert operator.fab("deploy").code == 0
    for path, earlier in zip(apps, before, strict=True):
        for folder, size in ((earlier, 2000), (path / "current", 3000 if path == apps[1] else 2100)):
            (folder / "dist").mkdir(exist_ok=True)
            (folder / "dist" / "a.js").write_bytes(random.Random(1).randbytes(size))
    ran = operator.fab("measure", "--json")
    assert ran.code == 7, ran.said
    health, one, two = ran.json["measures"]
    deploys = [each["run"] for each in operator.fab("history", "--json").json["entries"] if each["kind"] == "deploy"]
    assert health["before_run"] == deploys[1] and health["notes"] == [
        each for each in health["notes"] if "p95 was" in each
    ]
    assert (one["verdict"], two["verdict"]) == ("pass", "fail"), ran.said
    assert "+4.9 % since the last good release" in one["notes"][0] and two["says"].startswith("+49."), ran.said
    # By --compare it is that run's numbers, whatever folder is still there.
    same = operator.fab("measure", "bundle", "--compare", ran.json["run"], "--json")
    assert same.code == 0, same.said
    assert [f"+0.0 % since run {ran.json['run']}" in each["notes"][0] for each in same.json["measures"]] == [True] * 2
    asked = site.asked
    other = operator.fab("measure", "--compare", same.json["run"])
    assert other.code == 7 and "has no result of health of app on here" in other.err and site.asked == asked, other.said
    with (operator.folder / ".lockstitch/runs" / same.json["run"] / "events.jsonl").open("a") as record:
        record.write('{"event": "measu\n')
    damaged = operator.fab("measure", "bundle", "--compare", same.json["run"])
    assert damaged.code == 0 and "has 1 damaged lines" in damaged.said, damaged.said


@pytest.mark.parametrize("place", ["hosts", "here"])
def test_an_interrupt_ends_what_is_under_way_everywhere(operator: Operator, site: Site, place: str) -> None:
    site.held.clear()
    slow = {"url": site.url, "p95": "5s", "from": place, "timeout": "30s"}
    measures(operator, before={"kind": "command", "run": "true"}, health=slow)
    running = operator.start("measure", "--json")
    assert site.begun.wait(30)
    ran = operator.ctrl_c(running)
    assert ran.code == 130 and "Traceback" not in ran.said, ran.said
    operator.until_quiet()
    # What was measured until then is told, and the record says how it ended.
    assert [(each["name"], each["verdict"]) for each in ran.json["measures"]] == [("before", "pass")]
    shown = operator.fab("history", ran.json["run"])
    assert "interrupted after" in shown.out and "before" in shown.out, shown.said


def test_a_journal_that_cannot_be_read_is_not_taken_for_no_release_before(operator: Operator) -> None:
    measures(operator, bundle={"path": "dist", "growth": "10%", "total": "1MB"})
    journals = [place(operator, host).parent / ".lockstitch/app/journal.jsonl" for host in operator.hosts]
    for host, journal in zip(operator.hosts, journals, strict=True):
        (place(operator, host) / "current/dist").mkdir(exist_ok=True)
        (place(operator, host) / "current/dist/a.js").write_text("const a = 1")
        journal.rename(journal.with_suffix(".aside"))
        journal.mkdir()
    try:
        ran = operator.fab("measure", "--json")
    finally:
        for journal in journals:
            journal.rmdir()
            journal.with_suffix(".aside").rename(journal)
    assert ran.code == 7 and {each["verdict"] for each in ran.json["measures"]} == {"blind"}, ran.said
