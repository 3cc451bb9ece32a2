"""Requests from a real Prometheus with a prepared history; and stand-ins for servers that hang or lie."""

from __future__ import annotations

import json
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from lockstitch.engine.web import fetch
from lockstitch.metrics.base import WebReply
from lockstitch.metrics.measurement import Measurement, Question, Window
from lockstitch.metrics.prometheus import Prometheus
from lockstitch.model.host import Address, Host
from tests.metrics.prometheus import PrometheusServer, Row, programs
from tests.servers import folder

EVERY = 15.0
# How long ago the release was taken, in seconds.
SWITCH = 300.0
# When the prepared history was made; it goes on a while, for a machine that is slow.
PREPARED = time.time()
LATER = -900.0
COUNTER, HISTOGRAM, START = "http_requests_total", "http_request_duration_seconds", "process_start_time_seconds"


def windows_of(length: float = SWITCH) -> tuple[Window, ...]:
    """Return the window since the switch, and as long a one before it: as they are from now."""
    since = time.time() - PREPARED
    return Window(-since - length, -since), Window(-since - 2 * length, -since - length)


def times(now: float, begin: float, end: float = LATER) -> list[float]:
    """Return the times of scrapes from so many seconds ago to so many seconds ago."""
    return [now - ago for ago in frange(begin, end)]


def frange(begin: float, end: float) -> Iterator[float]:
    ago = begin
    while ago >= end:
        yield ago
        ago -= EVERY


def rising(at: Sequence[float], step: float, first: float = 0.0) -> list[tuple[float, float]]:
    return [(time, first + step * n) for n, time in enumerate(at)]


def history(now: float) -> Iterator[Row]:
    """A history of several hosts; each is scraped every 15 s, at odd seconds."""
    old, new = times(now, 1203, SWITCH + 1), times(now, SWITCH - 8)
    # It was restarted at the switch: its counters fell to 0, and its first error came two scrapes later.
    web1 = {"instance": "web1.example.com:8000", "job": "api"}
    yield START, web1, [*((at, now - 90000) for at in old), *((at, now - SWITCH + 1) for at in new)]
    yield COUNTER, {**web1, "status": "200", "path": "/"}, [*rising(old, 10, 5000), *rising(new, 20, 7)]
    yield COUNTER, {**web1, "status": "500", "path": "/"}, rising(new[2:], 1, 3)
    yield COUNTER, {**web1, "status": "200", "path": "/healthz"}, rising([*old, *new], 100)
    for edge, share in (("0.1", 0.5), ("0.25", 0.9), ("0.5", 0.96), ("+Inf", 1.0)):
        counts = [*rising(old, 100 * share), *rising(new, 200 * share)]
        yield f"{HISTOGRAM}_bucket", {**web1, "le": edge}, counts
    # It goes on as it was, by its address.
    every = times(now, 1203)
    web2 = {"instance": "192.0.2.2:8000", "job": "api"}
    yield COUNTER, {**web2, "status": "200"}, rising(every, 10, 90000)
    yield HISTOGRAM, {**web2, "quantile": "0.95"}, [(at, 0.2) for at in every]
    # It fell in the middle of the window, and nobody knows when its process began.
    fallen = {"instance": "fallen:8000", "job": "api", "status": "2xx"}
    yield COUNTER, fallen, [*rising(times(now, 1203, 151), 10), *rising(times(now, 150), 10, 4)]
    # It began, or was first scraped, in the window: what it has counted before is not known.
    yield COUNTER, {"instance": "late:8000", "job": "api", "status": "200"}, rising(times(now, 100), 10, 7000)
    yield COUNTER, {"instance": "stale:8000", "job": "api", "status": "200"}, rising(times(now, 1203, 200), 10)
    yield COUNTER, {"instance": "nan:8000", "job": "api", "status": "200"}, [(at, float("nan")) for at in every]
    yield COUNTER, {"instance": "bare:8000", "job": "api"}, rising(every, 1)
    memory = "process_resident_memory_bytes"
    yield memory, web1, [(at, 5e8) for at in [*old, *new]]
    yield memory, {**web1, "job": "shop"}, [(at, 1e8) for at in [*old, *new]]
    yield memory, {"instance": "nan:8000", "job": "api"}, [(at, float("nan")) for at in every]
    # Another application on the first host.
    yield COUNTER, {**web1, "job": "shop", "status": "500"}, rising([*old, *new], 1000)


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    found = programs()
    if found is None:
        pytest.skip("Prometheus cannot be had: there is no apt-get")
    with folder() as root:
        secret = bcrypt.hashpw(b"pass word", bcrypt.gensalt(4)).decode()
        users = f"basic_auth_users:\n  ada: {secret}\n"
        running = PrometheusServer(found, root, history(PREPARED), users, "ada:pass word")
        yield running
        running.stop()


@pytest.fixture
def source(server: PrometheusServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Prometheus]:
    monkeypatch.setenv("PROMETHEUS_PASSWORD", "pass word")

    def make(**settings: Any) -> Prometheus:
        login = {"user": "ada", "password": "env:PROMETHEUS_PASSWORD"}
        return prometheus(server.url, **{**login, "labels": {"job": "api"}, "ignore": ["/healthz"], **settings})

    return make


def prometheus(url: str, **settings: Any) -> Prometheus:
    return Prometheus.model_validate({"kind": "prometheus", "url": url, **settings})


def host(name: str, address: str | None = None) -> Host:
    return Host(name, Address(name, address))


def read(
    source: Prometheus,
    *hosts: Host,
    windows: tuple[Window, ...] = (),
    limits: tuple[float, ...] = (),
    since: float | None = None,
) -> Mapping[str, Measurement]:
    query = source.web_query(
        {each: Question(windows or windows_of(), limits, since=since) for each in hosts}, time.time()
    )
    return query.parse(fetch(query.requests, query.seconds))


def test_a_restart_at_the_switch(source: Callable[..., Prometheus]) -> None:
    answer = read(source(), host("web1.example.com"), limits=(0.25, 0.3, 9.0))["web1.example.com"]
    assert answer.blind == ""
    now, before = answer.windows
    # The process began in the window: its first value counts too, and so does its first error.
    assert now.statuses == {200: 20 * 19 + 7, 500: 17 + 3}
    # Nothing of the time before is in it, and nothing of it in the time before.
    assert before.statuses == {200: 10 * 19, 500: 0}
    assert now.durations.total == 200 * 19
    assert now.longer_than(0.25) == now.perhaps_longer_than(0.25)
    assert now.longer_than(0.25).bad == round(200 * 19 * 0.1)
    # 0.3 s lies between two buckets; and nothing is known beyond the last one.
    assert (now.longer_than(0.3).bad, now.perhaps_longer_than(0.3).bad) == (152, 380)
    assert (now.longer_than(9.0).bad, now.perhaps_longer_than(9.0).bad) == (0, 152)
    assert now.durations.percentile(0.5) == (0.0, 0.25) or now.durations.percentile(0.5) == (0.0, 0.1)
    assert now.durations.percentile(0.99) == (0.5, None)
    assert answer.about == f"{COUNTER} and {HISTOGRAM}, scraped every 15 s"


@pytest.mark.parametrize(("name", "seconds"), [("web1.example.com", 20.0), ("web1.example.com", 60.0), ("web2", 20.0)])
def test_windows_that_follow_one_another_add_up(source: Callable[..., Prometheus], name: str, seconds: float) -> None:
    """A reading of a watch: each window is asked with only the one before it, and scrapes come now and then."""
    hosts = host(name, "192.0.2.2" if name == "web2" else None)
    taken = PREPARED - SWITCH
    edges = [taken + seconds * number for number in range(int(SWITCH / seconds) + 1)]
    total: dict[int, int] = {}
    for begin, end in zip(edges, edges[1:], strict=False):
        windows = (Window(begin - seconds, begin), Window(begin, end)) if begin > taken else (Window(begin, end),)
        answer = read(source(), hosts, windows=windows, since=taken)[name]
        for status, count in answer.windows[-1].statuses.items():
            total[status] = total.get(status, 0) + count
    whole = read(source(), hosts, windows=(Window(taken, PREPARED),), since=taken)[name].windows[0]
    assert total == whole.statuses
    # Without that time each window loses what was counted before its first scrape.
    alone = read(source(), hosts, windows=(Window(edges[-2], edges[-1]),))[name].windows[0]
    assert alone.total < answer.windows[-1].total


def test_nothing_of_the_old_release_is_counted_for_the_new_one(source: Callable[..., Prometheus]) -> None:
    taken = PREPARED - SWITCH
    first = read(source(), host("web2", "192.0.2.2"), windows=(Window(taken, taken + 40),), since=taken)["web2"]
    assert first.windows[0].total == 10, "the scrape before the release is no base"


def test_health_checks_of_the_app_do_not_count(source: Callable[..., Prometheus]) -> None:
    first = host("web1.example.com")
    question = Question(windows_of(), (), ("/healthz",))
    query = source(ignore=[]).web_query({first: question}, time.time())
    answer = query.parse(fetch(query.requests, 10))[first.name]
    assert answer.windows[0].statuses[200] == 20 * 19 + 7
    assert read(source(ignore=[]), first)[first.name].windows[0].statuses[200] > 1000


def test_a_process_that_goes_on(source: Callable[..., Prometheus]) -> None:
    """A host that is known by its address, whose durations are quantiles."""
    answer = read(source(), host("web2", "192.0.2.2"))["web2"]
    now, before = answer.windows
    assert now.statuses[200] in (180, 190) and before.statuses[200] in (180, 190)
    assert now.untimed == now.total, "quantiles cannot be added up"
    assert "summary" in answer.untimed_hint


def test_a_reset_is_a_drop(source: Callable[..., Prometheus]) -> None:
    (now, _) = read(source(), host("fallen"))["fallen"].windows
    # One scrape is lost in the fall: 4 was counted since.
    assert now.statuses[200] in (10 * 8 + 4 + 10 * 9, 10 * 9 + 4 + 10 * 10, 10 * 8 + 4 + 10 * 10)
    assert now.grouped == now.total, "only the kind of status is known"


def test_a_first_sample_counts_only_if_its_process_is_known_to_have_begun(source: Callable[..., Prometheus]) -> None:
    (now, before) = read(source(), host("late"))["late"].windows
    assert (now.statuses[200], before.total) == (60, 0)


@pytest.mark.parametrize(
    ("name", "blind", "hint"),
    [
        ("ghost", "whose instance is ghost", "it has 192.0.2.2:8000, bare:8000"),
        ("stale", "its newest sample is 3 min", "scraped"),
        ("nan", "values that are no numbers", ""),
        ("bare", "no label has the HTTP status", "status_label"),
    ],
)
def test_blind(source: Callable[..., Prometheus], name: str, blind: str, hint: str) -> None:
    answers = read(source(), host(name), host("web2", "192.0.2.2"))
    assert blind in answers[name].blind, answers[name]
    assert hint in answers[name].hint
    assert not answers["web2"].blind, "the others are read"


@pytest.mark.parametrize(
    ("settings", "blind", "hint"),
    [
        ({"requests": "requests_total"}, "it has no series of requests_total", "`requests`"),
        ({"labels": {"job": "elsewhere"}}, "it has no series of http_requests_total", "`labels`"),
        ({"status_label": "path"}, "'/' is no HTTP status", "status_label"),
        ({"user": "eve"}, "it answered 401: the login is not accepted", "password"),
        ({"user": "", "password": None}, "it answered 401", "token"),
        ({"password": "env:LOCKSTITCH_NOT_SET"}, "env:LOCKSTITCH_NOT_SET cannot be had", ""),
    ],
)
def test_blind_by_settings(source: Callable[..., Prometheus], settings: dict[str, Any], blind: str, hint: str) -> None:
    answer = read(source(**settings), host("web1.example.com"))["web1.example.com"]
    assert blind in answer.blind, answer
    assert hint in answer.hint


def test_hosts_with_another_name_there(source: Callable[..., Prometheus]) -> None:
    for there in ("web1.example.com", "web1.example.com:8000"):
        answer = read(source(hosts={"api1": there}), host("api1"))["api1"]
        assert answer.windows[0].statuses[500] == 20, there
    assert read(source(hosts={"api1": "web1.example.com:9"}), host("api1"))["api1"].blind


def test_values(source: Callable[..., Prometheus]) -> None:
    first = host("web1.example.com")
    heap = 'process_resident_memory_bytes{job="api"}'
    both = read(source(values={"memory": heap}), first)[first.name]
    assert both.values == {"memory": 5e8} and both.windows[0].total > 0
    alone = source(values={"memory": heap, "all": "sum by (instance) (process_resident_memory_bytes)"}, requests="")
    answers = read(alone, first, host("nan"), host("ghost"))
    assert (answers[first.name].blind, answers[first.name].values) == ("", {"memory": 5e8, "all": 6e8})
    assert len(answers[first.name].windows) == 2
    assert answers["nan"].blind and "has 0 series" in answers["ghost"].blind
    several = source(values={"memory": "process_resident_memory_bytes"}, requests="")
    answer = read(several, first)[first.name]
    assert "has 2 series" in answer.blind and "max by (instance)" in answer.hint
    assert "parse error" in read(source(values={"memory": "sum("}), first)[first.name].blind


def test_an_address_that_two_hosts_share_is_neither(source: Callable[..., Prometheus]) -> None:
    answers = read(source(), host("web2", "192.0.2.2"), host("web3", "192.0.2.2"))
    assert answers["web2"].blind and answers["web3"].blind
    assert "hosts: {web3: …}" in answers["web3"].hint


def test_times_in_epoch_seconds(source: Callable[..., Prometheus]) -> None:
    absolute = Window(PREPARED - SWITCH, PREPARED), Window(PREPARED - 2 * SWITCH, PREPARED - SWITCH)
    for windows in (absolute, (absolute[0], windows_of()[1])):
        answer = read(source(), host("web1.example.com"), windows=windows)["web1.example.com"]
        assert answer.windows[0].statuses[500] == 20


Handler = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def stand_in(answer: Handler) -> Iterator[str]:
    """A server on loopback that is no Prometheus."""

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def says(body: object, status: int = 200, **headers: str) -> Handler:
    def answer(request: BaseHTTPRequestHandler) -> None:
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    return answer


def success(kind: str, result: object, **more: object) -> dict[str, object]:
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


@pytest.mark.parametrize(
    ("answer", "blind"),
    [
        (says("<html>404</html>", 404), "it answered 404, and nothing of the HTTP API of Prometheus"),
        (says("{"), "nothing of the HTTP API"),
        (says([]), "nothing of the HTTP API"),
        (says("[" * 100_000), "nothing of the HTTP API"),
        (says({"status": "error", "errorType": "bad_data", "error": "parse error"}, 400), "400: parse error"),
        (says({"status": "error", "error": "query timed out"}, 503), "503: query timed out"),
        (says({"status": "success"}), "none of the HTTP API"),
        (says(success("vector", [])), "none of the HTTP API"),
        (says(success("scalar", [1, "NaN"])), "its own time"),
        (says(success("scalar", [1])), "none of the HTTP API"),
        (says(success("scalar", [1, "1"], warnings=["a part is missing"])), "not whole"),
        (says("", 302, Location="http://127.0.0.1:1/"), "it answered 302"),
    ],
)
def test_a_server_that_lies(answer: Handler, blind: str) -> None:
    with stand_in(answer) as url:
        found = read(prometheus(url), host("a"), host("b"))
    assert set(found) == {"a", "b"}
    assert blind in found["a"].blind, found


def test_a_large_answer_takes_little_memory() -> None:
    """Series become numbers as soon as they are read: the JSON of 50 hosts would take ten times as much."""
    now, samples = 1e9, 40_000
    rows = [[now - 1200 + 15 * n, str(n * 7)] for n in range(80)]
    result = [
        {"metric": {"__name__": COUNTER, "instance": "a", "status": "200", "worker": str(n)}, "values": rows}
        for n in range(samples // 80)
    ]
    replies = [success("scalar", [now, str(now)]), success("vector", []), success("matrix", result)]
    bodies = [WebReply(200, json.dumps(reply)) for reply in replies]
    query = prometheus("http://a").web_query({host("a"): Question((Window(-300),))}, now)
    tracemalloc.start()
    answer = query.parse(bodies)["a"]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.windows[0].statuses == {200: 19 * 7 * samples // 80}
    assert most < 60 * samples


LIES: list[object] = [
    [{}],
    [{"metric": {"__name__": COUNTER, "instance": "a"}, "values": [[1]]}],
    [{"metric": {"__name__": COUNTER, "instance": "a"}, "values": [["x", "1"]]}],
    [{"metric": [], "values": []}],
    {"a": 1},
    ["x"],
    None,
    [{"metric": {"__name__": COUNTER, "instance": "a", "status": "200"}, "histograms": []}],
    [{"metric": {"__name__": COUNTER, "instance": "a", "status": "200"}, "values": []}],
]


@pytest.mark.parametrize("result", LIES, ids=str)
def test_series_that_are_none(result: object) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        scalar = "query=time" in request.path
        says(success("scalar", [1, "1000"]) if scalar else success("matrix", result))(request)

    with stand_in(answer) as url:
        assert read(prometheus(url), host("a"))["a"].blind


def hang(request: BaseHTTPRequestHandler) -> None:
    time.sleep(5)


def drip(request: BaseHTTPRequestHandler) -> None:
    """Send a byte now and then, so that no single wait is long."""
    request.send_response(200)
    request.end_headers()
    for _ in range(50):
        request.wfile.write(b" ")
        request.wfile.flush()
        time.sleep(0.1)


def drip_headers(request: BaseHTTPRequestHandler) -> None:
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy":
        request.wfile.write(bytes([byte]))
        request.wfile.flush()
        time.sleep(0.1)


@pytest.mark.parametrize("answer", [hang, drip, drip_headers], ids=lambda each: each.__name__)
def test_a_server_that_hangs(answer: Handler) -> None:
    with stand_in(answer) as url:
        began = time.monotonic()
        found = read(prometheus(url, timeout="500ms"), host("a"))
        assert time.monotonic() - began < 2
    assert found["a"].blind == "it did not answer in time"


def test_nobody_there() -> None:
    assert "it cannot be reached: " in read(prometheus("http://127.0.0.1:1"), host("a"))["a"].blind


def test_a_secret_is_looked_up_once(tmp_path: Path) -> None:
    count = tmp_path / "count"
    with stand_in(says({"status": "error", "error": "no"}, 400)) as url:
        read(prometheus(url, token=f"cmd:echo x >>{count}; echo token"), host("a"))
    assert count.read_text() == "x\n"


def test_a_bearer_token_and_no_secret_in_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_TOKEN", "t0k3n-of-ours")
    heard: list[str | None] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        heard.append(request.headers["Authorization"])
        says({"status": "error", "error": "no"}, 403)(request)

    with stand_in(answer) as url:
        monkeypatch.setenv("THE_URL", url)
        found = read(prometheus("env:THE_URL", token="env:THE_TOKEN"), host("a"))
    assert set(heard) == {"Bearer t0k3n-of-ours"}
    assert "403" in found["a"].blind
    monkeypatch.setenv("THE_URL", "http://user:s3cr3t-word@127.0.0.1:1")
    assert "s3cr3t" not in read(prometheus("env:THE_URL"), host("a"))["a"].blind
