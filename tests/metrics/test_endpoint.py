"""Metrics pages asked from the host: the real one of a Prometheus, and stand-ins for JSON and for what goes wrong."""

from __future__ import annotations

import os
import shutil
import time
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from lockstitch.checks.metric_queries import MetricKey, MetricQuery
from lockstitch.engine.ask import Query, ask
from lockstitch.engine.read_sources import read_sources
from lockstitch.metrics.endpoint import Endpoint
from lockstitch.metrics.intervals import Proportion
from lockstitch.metrics.measurement import Measurement, Question, Snapshot, Window
from lockstitch.model.host import Address, Host
from lockstitch.model.probe import Probe
from tests.local import LocalRemote
from tests.metrics.prometheus import PrometheusServer, programs
from tests.metrics.test_prometheus import Handler, hang, says, stand_in
from tests.servers import folder

HOST = Host("web1", Address("web1"))


class Reader:
    """Reads a source again and again, as a watch does."""

    def __init__(self, root: Path, source: Endpoint) -> None:
        self.remote, self.source = LocalRemote(root), source
        self.snapshots: dict[MetricKey, list[Snapshot]] = {}

    def __call__(
        self, *windows: Window, since: float | None = None, switch: float | None = None, limits: tuple[float, ...] = ()
    ) -> Measurement:
        query = MetricQuery(
            "api", "page", self.source, HOST, windows or (Window(-60),), limits, since=since, switch=switch
        )
        return read_sources(self.remote, [query], snapshots=self.snapshots)[query.key]


def endpoint(url: str, **settings: Any) -> Endpoint:
    return Endpoint.model_validate({"kind": "endpoint", "url": url, "timeout": "2s", **settings})


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    found = programs()
    if found is None:
        pytest.skip("Prometheus cannot be had: there is no apt-get")
    with folder() as root:
        running = PrometheusServer(found, root, [("up", {"instance": "a"}, [(time.time() - 60, 1.0)])])
        yield running
        running.stop()


def request(server: PrometheusServer, path: str, times: int) -> None:
    for _ in range(times):
        try:
            urllib.request.urlopen(server.url + path).read()
        except urllib.error.HTTPError as error:
            error.close()


def test_a_real_page(server: PrometheusServer, tmp_path: Path) -> None:
    """All that a process has counted that is younger than the release; then what it counts between two readings."""
    source = endpoint(
        f"{server.url}/metrics",
        requests="prometheus_http_requests_total",
        durations="prometheus_http_request_duration_seconds",
        ignore=["/metrics", "/-/ready"],
        values={"goroutines": "go_goroutines"},
    )
    read = Reader(tmp_path, source)
    request(server, "/api/v1/query?query=up", 20)
    request(server, "/api/v1/query?query=(", 5)
    taken = time.time()
    first = read(Window(taken, taken + 2), since=taken, switch=taken - 300, limits=(0.1, 0.15))
    assert first.blind == "", first
    assert first.windows[0].statuses == {200: 20, 400: 5}
    timed = first.windows[0].durations
    assert timed.total == 25 and timed.longer == {0.1: 0, 0.15: 0}
    assert first.values["goroutines"] > 5
    assert first.about.startswith("25 requests since its process began")

    time.sleep(max(0.0, taken + 2 - time.time()) + 0.1)
    read(Window(taken, taken + 2), since=taken, switch=taken - 300)
    request(server, "/api/v1/query?query=up", 7)
    time.sleep(2.1)
    windows = Window(taken, taken + 2), Window(taken + 2, taken + 4)
    both = read(*windows, since=taken, switch=taken - 300)
    assert both.blind == "", both
    assert [window.statuses[200] for window in both.windows] == [20, 7]
    assert both.windows[1].durations.total == 7


def test_without_a_release_it_is_the_average_since_it_began(server: PrometheusServer, tmp_path: Path) -> None:
    source = endpoint(f"{server.url}/metrics", requests="prometheus_http_requests_total", durations="")
    answer = Reader(tmp_path, source)(Window(-86400))
    assert answer.blind == "" and answer.windows[0].total > 0
    assert answer.windows[0].untimed == answer.windows[0].total
    time.sleep(1.1)
    part = Reader(tmp_path, source)(Window(-1))
    assert part.windows[0].total < answer.windows[0].total


def test_a_process_older_than_the_release_is_blind_until_the_second_reading(
    server: PrometheusServer, tmp_path: Path
) -> None:
    source = endpoint(f"{server.url}/metrics", requests="prometheus_http_requests_total", durations="")
    read = Reader(tmp_path, source)
    time.sleep(3)
    taken = time.time()
    first = read(Window(taken - 0.5, taken), since=taken - 0.5)
    assert "what it had counted at the begin of the window is not known" in first.blind
    time.sleep(1.5)
    request(server, "/api/v1/query?query=up", 3)
    time.sleep(1.5)
    again = read(Window(taken, taken + 3), since=taken - 0.5)
    assert again.blind == "" and again.windows[0].statuses[200] >= 3


PAGE = """\
# HELP http_requests_total requests
# TYPE http_requests_total counter
http_requests_total{method="GET",status="200",path="/a b"} 90 1700000000000
http_requests_total{status="500",path="/x{y}\\"z\\\\"} 10.0 # {trace_id="a"} 1.0 1700000000.0
http_requests_total{status="200",path="/healthz"} 1e3
http_requests_created{status="200"} 1.7e+09
http_request_duration_seconds_bucket{le="0.25"} 60
http_request_duration_seconds_bucket{le="+Inf",} 100
http_request_duration_seconds_sum 3.5
process_start_time_seconds START
# EOF
"""


def page(text: str) -> Handler:
    return lambda request: says(text.replace("START", str(time.time() - 50)))(request)


def test_text_and_open_metrics(tmp_path: Path) -> None:
    with stand_in(page(PAGE)) as url:
        read = Reader(tmp_path, endpoint(url, ignore=["/healthz"]))
        answer = read(Window(-60), limits=(0.25, 0.5))
    assert answer.blind == "", answer
    assert answer.windows[0].statuses == {200: 90, 500: 10}
    assert answer.windows[0].longer_than(0.25) == Proportion(40, 100)
    assert (answer.windows[0].longer_than(0.5).bad, answer.windows[0].perhaps_longer_than(0.5).bad) == (0, 40)


def test_only_what_is_read_leaves_the_host(tmp_path: Path) -> None:
    lines = "".join(f"go_other_{number} 1\n" for number in range(2000))
    with stand_in(page(PAGE + lines)) as url:
        probe = endpoint(url).probe(Question((Window(-60),)))
        whole = Probe("endpoint", probe.command, lambda text, code: text)
        text = ask(LocalRemote(tmp_path), [Query("web1", HOST, (whole,))])["web1"].facts[0]
    assert "go_other" not in text and len(text) < 1000
    assert text.splitlines()[-1] == "200"


STATUS = {"requests": {"total": 200, "failed": 30}, "process": {"started": 1.0}, "queue": {"waiting": 4}}
JSON = {"format": "json", "total": "requests.total", "bad": "requests.failed", "started": "process.started"}


def test_json(tmp_path: Path) -> None:
    status = {**STATUS, "process": {"started": round((time.time() - 40) * 1000)}}
    with stand_in(says(status)) as url:
        answer = Reader(tmp_path, endpoint(url, **JSON, values={"waiting": "queue.waiting"}))(Window(-60))
        values = Reader(tmp_path, endpoint(url, format="json", values={"waiting": "queue.waiting"}))(Window(-60))
    assert (answer.blind, answer.windows[0].share, answer.values) == ("", Proportion(30, 200), {"waiting": 4.0})
    assert (values.values, len(values.windows)) == ({"waiting": 4.0}, 1)


@pytest.mark.parametrize(
    ("answer", "settings", "blind"),
    [
        (says("no", 404), {}, "answered 404"),
        (says("", 302, Location="/"), {}, "answered 302"),
        (hang, {"timeout": "300ms"}, "does not answer"),
        (page("a 1\n"), {}, "has no counter http_requests_total"),
        (page(PAGE.replace("process_start", "other")), {}, "does not say when its process began"),
        (page(PAGE.replace("START", "9e12")), {}, "does not say when its process began"),
        (page(PAGE + 'http_requests_total{status="2"\n'), {}, "a line is not understood"),
        (page(PAGE + "http_requests_total many\n"), {}, "a line is not understood"),
        (page(PAGE.replace(" 90 ", " NaN ")), {}, "values that are no numbers"),
        (page(PAGE.replace("status=", "state=")), {}, "no label has the HTTP status"),
        (page(PAGE), {"values": {"queue": "jobs_waiting"}}, "has no value jobs_waiting"),
        (says("<html>"), JSON, "did not answer with JSON"),
        (says("[" * 100000), JSON, "did not answer with JSON"),
        (says({"requests": 1}), JSON, "has no number at requests.total"),
        (says({**STATUS, "requests": {"total": 1, "failed": 2}}), JSON, "2 bad of 1"),
        (says({**STATUS, "process": {"started": True}}), JSON, "has no number at process.started"),
        (says({**STATUS, "process": {"started": 10**400}}), JSON, "has no number at process.started"),
    ],
)
def test_blind(tmp_path: Path, answer: Handler, settings: dict[str, Any], blind: str) -> None:
    with stand_in(answer) as url:
        measured = Reader(tmp_path, endpoint(url, **settings))()
    assert blind in measured.blind, measured


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({"token": "env:PAGE_KEY"}, 'Bearer k"e$y\\ 1'),
        ({"user": "ada", "password": "env:PAGE_KEY"}, "Basic " + b64encode(b'ada:k"e$y\\ 1').decode()),
    ],
)
def test_a_login_by_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], header: str
) -> None:
    """Sent as a header, and seen neither in a command line of the host nor in what is blind."""
    monkeypatch.setenv("PAGE_KEY", 'k"e$y\\ 1')
    sent: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        sent.append(request.headers["Authorization"])
        page(PAGE if sent[-1] == header else "no")(request)

    spy = tmp_path / "curl"
    spy.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{tmp_path}/words\nexec {shutil.which("curl")} "$@"\n')
    spy.chmod(0o755)
    with stand_in(answer) as url:
        read = Reader(tmp_path, endpoint(url, ignore=["/healthz"], **settings))
        read.remote.env["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
        assert read().blind == ""
        read.source = endpoint(f"{url}/", **settings, requests="other")
        assert read().blind
        monkeypatch.delenv("PAGE_KEY")
        assert "PAGE_KEY cannot be had: it is not set" in read().blind
    assert sent == [header, header]
    assert url in (tmp_path / "words").read_text()
    for secret in ('k"e$y', header.split(" ", 1)[1]):
        assert secret not in (tmp_path / "words").read_text()


def test_a_login_that_is_not_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        says(f"no: {request.headers['Authorization']}", 401)(request)

    monkeypatch.setenv("PAGE_KEY", "sesame")
    with stand_in(answer) as url:
        measured = Reader(tmp_path, endpoint(url, token="env:PAGE_KEY"))()
    assert "answered 401" in measured.blind and "sesame" not in measured.blind
    assert "`token`" in measured.hint


def test_nobody_there(tmp_path: Path) -> None:
    measured = Reader(tmp_path, endpoint("http://127.0.0.1:1/metrics"))()
    assert "does not answer: " in measured.blind and "curl" in measured.hint
