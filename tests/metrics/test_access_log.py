"""Access logs counted by the script that runs on hosts, in every awk that is here."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lockstitch.engine.ask import Query, ask
from lockstitch.metrics.access_log import AccessLog
from lockstitch.metrics.measurement import Measurement, Question, Window
from lockstitch.model.host import Address, Host
from tests.awks import AWKS, awk_folder
from tests.local import LocalRemote

HOST = Host("web1", Address("web1"))
LAST = (Window(-300),)
Measure = Callable[..., Measurement]


@pytest.fixture(params=AWKS)
def measure(request: pytest.FixtureRequest, tmp_path: Path) -> Measure:
    """Ask for a source's measurement, with one awk on the host."""
    folder = awk_folder(request.param, tmp_path)
    if folder is None:
        pytest.skip(f"{request.param} cannot be had")
    remote = LocalRemote(tmp_path / "homes", env={"PATH": f"{folder}:{os.environ['PATH']}"})

    def carry_out(
        path: Path | str, *, windows: Sequence[Window] = LAST, limits: Sequence[float] = (), **settings: Any
    ) -> Measurement:
        source = AccessLog(kind="access_log", path=str(path), **settings)
        reply = ask(remote, [Query("web1", HOST, (source.probe(Question(tuple(windows), tuple(limits))),))])["web1"]
        answer = reply.facts[0]
        assert isinstance(answer, Measurement)
        return answer

    return carry_out


def local(at: float) -> str:
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(at))


def combined(at: float, status: int = 200, path: str = "/", more: str = "") -> str:
    return f'192.0.2.7 - - [{local(at)}] "GET {path} HTTP/1.1" {status} 612 "-" "Mozilla/5.0 (X11)"{more}\n'


def written(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("".join(lines))
    return path


def recent(count: int, seconds: float = 240) -> list[float]:
    """Return times of requests in order, up to the last second that is over."""
    now = time.time() - 2
    return [now - seconds + seconds * n / count for n in range(1, count + 1)]


FORMATS: dict[str, tuple[Callable[[float, int, float], str], dict[str, str]]] = {
    "nginx with rt=": (
        lambda at, status, s: combined(at, status, more=f' "-" rt={s:.3f} uct="0.000" urt="{s:.3f}"'),
        {},
    ),
    "nginx with seconds": (lambda at, status, s: combined(at, status, more=f" {s:.3f} -"), {}),
    "nginx as JSON": (
        lambda at, status, s: (
            f'{{"time_iso8601":"{time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(at))}",'
            f'"request":"GET /a HTTP/1.1","status": "{status}","request_time":"{s:.3f}"}}\n'
        ),
        {},
    ),
    "Caddy": (
        lambda at, status, s: (
            f'{{"level":"info","ts":{at:.7f},"logger":"http.log.access","msg":"handled request","request":'
            f'{{"remote_ip":"192.0.2.7","method":"GET","uri":"/a","headers":{{"Accept":["*/*"]}}}},"duration":{s:.9f},'
            f'"size":12,"status":{status},"resp_headers":{{"Server":["Caddy"]}}}}\n'
        ),
        {},
    ),
    "Apache with %D": (
        lambda at, status, s: combined(at, status, more=f" {s * 1e6:.0f}"),
        {"format": '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i" %D'},
    ),
    "gunicorn with %(D)s": (
        lambda at, status, s: combined(at, status, more=f" {s * 1e6:.0f}"),
        {"format": '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" %(D)s'},
    ),
    "nginx by its log_format": (
        lambda at, status, s: f"{at:.3f}|{status}|{s / 2:.3f}, {s / 2:.3f}|{s:.3f}|/a\n",
        {"format": "'$msec|$status|'\n  '$upstream_response_time|$request_time|$uri';"},
    ),
}


@pytest.mark.parametrize("form", list(FORMATS))
def test_formats(measure: Measure, tmp_path: Path, form: str) -> None:
    line, settings = FORMATS[form]
    at = recent(400)
    log = written(
        tmp_path / "access.log",
        [line(t, 503 if n % 20 == 0 else 200, 0.8 if n % 10 == 0 else 0.1) for n, t in enumerate(at)],
    )
    measured = measure(log, limits=[0.5], **settings)
    assert measured.blind == ""
    (requests,) = measured.windows
    assert dict(requests.statuses) == {200: 380, 503: 20}
    assert (requests.longer_than(0.5).bad, requests.longer_than(0.5).total, requests.untimed) == (40, 400, 0)
    low, high = requests.durations.percentile(0.95) or (0, 0)
    assert 0.75 < low <= 0.8 < (high or 0) < 0.85


def test_a_format_without_durations_counts_errors_and_says_what_to_add(measure: Measure, tmp_path: Path) -> None:
    log = written(tmp_path / "access.log", [combined(at) for at in recent(50)])
    measured = measure(log, limits=[0.5])
    assert measured.windows[0].untimed == 50
    assert measured.windows[0].longer_than(0.5).total == 0
    assert "rt=$request_time" in measured.untimed_hint


def test_windows_are_apart_and_a_request_belongs_to_the_one_it_began_in(measure: Measure, tmp_path: Path) -> None:
    now = int(time.time())
    lines = [combined(now - 400 + n, more=" 0.000") for n in range(400)]
    # It ended in the second window, and began before it.
    lines.insert(350, combined(now - 50, 500, more=" 70.000"))
    log = written(tmp_path / "access.log", lines)
    windows = (Window(now - 300, now - 100), Window(now - 100, now - 10))
    before, after = measure(log, windows=windows).windows
    assert dict(before.statuses) == {200: 200, 500: 1}
    assert dict(after.statuses) == {200: 90}


def test_of_nginx_upstreams_the_times_add_up_and_the_last_status_counts(measure: Measure, tmp_path: Path) -> None:
    at = recent(10)
    lines = [f"[{local(t)}] 502, 200 : 504 0.004, 0.012 : 0.001\n" for t in at]
    log = written(tmp_path / "access.log", lines)
    form = "[$time_local] $status $upstream_response_time"
    assert "lines were not understood" in measure(log, format=form).blind
    lines = [f"[{local(t)}] 200 0.400, 0.300 : 0.001\n" for t in at] + [f"[{local(at[-1])}] 502 -\n"]
    measured = measure(written(log, lines), format=form, limits=[0.7])
    assert (measured.windows[0].longer_than(0.7).bad, measured.windows[0].untimed) == (10, 1)


def test_what_does_not_count(measure: Measure, tmp_path: Path) -> None:
    at = recent(5)
    lines = [combined(t, path=path) for t in at for path in ("/healthz", "/healthz?a=1", "/metrics/a", "/healthzone")]
    lines += [combined(t).replace("Mozilla/5.0", "ELB-HealthChecker/2.0") for t in at]
    lines += [combined(t, status=101, more=" 900.000") for t in at]
    measured = measure(written(tmp_path / "access.log", lines), ignore=["/healthz", "/metrics"], limits=[1])
    assert dict(measured.windows[0].statuses) == {200: 5}


def test_rotation_is_followed(measure: Measure, tmp_path: Path) -> None:
    at = recent(100)
    log = tmp_path / "access.log"
    written(tmp_path / "access.log.2", [combined(t) for t in at[:20]])
    written(tmp_path / "access.log.1", [combined(t) for t in at[20:60]])
    written(log, [combined(t) for t in at[60:]])
    assert measure(log).windows[0].total == 100


def test_a_window_that_begins_in_a_compressed_file_is_blind(measure: Measure, tmp_path: Path) -> None:
    (tmp_path / "access.log.1.gz").write_bytes(b"\x1f\x8b")
    log = written(tmp_path / "access.log", [combined(t) for t in recent(10)])
    assert "compressed" in measure(log).blind


def test_a_log_that_is_not_up_to_date_is_blind(measure: Measure, tmp_path: Path) -> None:
    old = [t - 600 for t in recent(100)]
    log = written(tmp_path / "access.log", [combined(t) for t in old])
    assert "its newest line is 10 min" in measure(log).blind


def test_little_traffic_is_not_a_log_that_is_not_up_to_date(measure: Measure, tmp_path: Path) -> None:
    now = time.time()
    log = written(tmp_path / "access.log", [combined(now - age) for age in (1500, 1000, 600, 250)])
    measured = measure(log)
    assert (measured.blind, measured.windows[0].total) == ("", 1)


def test_a_skewed_clock_changes_nothing(measure: Measure, tmp_path: Path) -> None:
    # The log has the host's own clock, in a zone of its own.
    now = time.time()
    lines = [
        combined(t).replace(local(t), time.strftime("%d/%b/%Y:%H:%M:%S +0530", time.gmtime(t + 19800)))
        for t in recent(10)
    ]
    log = written(tmp_path / "access.log", lines)
    assert measure(log, windows=[Window(now - 300, now + 60)]).windows[0].total == 10


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_log_is_blind(measure: Measure, tmp_path: Path, content: str) -> None:
    assert "it has no line" in measure(written(tmp_path / "access.log", [content])).blind


def test_a_wrong_path_is_blind(measure: Measure, tmp_path: Path) -> None:
    assert "there is no such file" in measure(tmp_path / "none-*.log").blind
    assert "is no file" in measure(tmp_path).blind


def test_another_kind_of_log_is_blind_and_shows_a_line(measure: Measure, tmp_path: Path) -> None:
    lines = [combined(t) for t in recent(20)]
    lines[3:3] = ["2026/11/29 08:00:00 [error] 7#7: upstream timed out\n"]
    assert "upstream timed out" in measure(written(tmp_path / "error.log", lines)).blind


def test_one_odd_line_in_many_is_left_out(measure: Measure, tmp_path: Path) -> None:
    lines = [combined(t) for t in recent(500)]
    lines[3:3] = ['192.0.2.9 - - [x] "\\x16\\x03" 400 0\n']
    measured = measure(written(tmp_path / "access.log", lines))
    assert (measured.blind, measured.windows[0].total) == ("", 500)


def test_quotes_and_brackets_in_requests_change_nothing(measure: Measure, tmp_path: Path) -> None:
    lines = [combined(t, path='/a\\"500\\"[1/Jan/1970', more=" 0.100") for t in recent(20)]
    assert dict(measure(written(tmp_path / "access.log", lines)).windows[0].statuses) == {200: 20}


def test_a_large_log_is_read_from_its_end(measure: Measure, tmp_path: Path) -> None:
    source = random.Random(3)
    now = time.time()
    old = [combined(now - 7200 + n * 0.2, 500, more=f" {source.random():.3f}") for n in range(30_000)]
    new = [combined(t, more=" 0.100") for t in recent(2000)]
    log = written(tmp_path / "access.log", [*old, *new])
    assert log.stat().st_size > 2 << 20
    assert dict(measure(log).windows[0].statuses) == {200: 2000}


def test_several_files_of_a_pattern_are_added_up(measure: Measure, tmp_path: Path) -> None:
    for name in ("a", "b c"):
        written(tmp_path / f"shop-{name}.log", [combined(t) for t in recent(10)])
    assert measure(tmp_path / "shop-*.log").windows[0].total == 20
