"""Metric sources that are read: one script a host, and what a host that cannot be asked is."""

from __future__ import annotations

import random
import time
from pathlib import Path

from lockstitch.checks.metric_queries import MetricQuery
from lockstitch.engine.read_sources import read_sources
from lockstitch.errors import ConnectError, ExitCode
from lockstitch.metrics.access_log import AccessLog
from lockstitch.metrics.measurement import Window
from lockstitch.model.host import Address, Host
from lockstitch.model.plan import Script
from lockstitch.model.results import Observer, Result, nobody
from lockstitch.remote.fake import FakeRemote
from tests.local import LocalRemote

ANSWER = """file /var/log/a.log
now 1000 900 0
lines 4 0
format combined
first 900
newest 999
gap 1
status 1 200 3
status 1 500 1
times 1 0 4
end
"""


def query(host: str, app: str, name: str = "access") -> MetricQuery:
    source = AccessLog(kind="access_log", path="/var/log/a.log")
    return MetricQuery(app, name, source, Host(host, Address(host)), (Window(-60, 0),))


def test_all_questions_to_a_host_travel_in_one_script() -> None:
    remote = FakeRemote()
    remote.answer("*", "access_log*", output=ANSWER)
    asked = [query(host, app, name) for host in ("a", "b") for app in ("api", "web") for name in ("one", "two")]
    measured = read_sources(remote, asked)
    assert list(measured) == [each.key for each in asked]
    assert all(answer.windows[0].statuses == {200: 3, 500: 1} for answer in measured.values())
    assert len(remote.ran) == 8
    assert len({id(step.script) for step in remote.ran}) == 2


def test_fifty_hosts_take_one_round_trip_each_and_answer_with_less_than_two_kilobytes(tmp_path: Path) -> None:
    source, now = random.Random(5), int(time.time())
    lines = [
        f'192.0.2.7 - - [{time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now - 58 + n // 50))}] "GET /a/{n} HTTP/1.1" '
        f'{source.choice((200, 204, 301, 404, 500, 503))} 612 "-" "-" rt={source.lognormvariate(-2, 2):.3f}\n'
        for n in range(2800)
    ]
    (tmp_path / "access.log").write_text("".join(lines))
    source_of = AccessLog(kind="access_log", path=str(tmp_path / "access.log"))
    # A watch reads the newest window, and once more the one before.
    windows = (Window(-31, -2), Window(-60, -31))
    hosts = [Host(f"web{n}", Address(f"web{n}")) for n in range(50)]
    asked = [MetricQuery("api", "access", source_of, host, windows, (0.3,)) for host in hosts]
    remote = Counting(tmp_path)
    measured = read_sources(remote, asked)
    assert {sum(window.total for window in answer.windows) for answer in measured.values()} <= set(range(2600, 2801))
    assert all(len(window.durations.buckets) > 100 for window in measured["api", "access", "web0"].windows)
    assert sorted(remote.bytes) == sorted(host.name for host in hosts)
    assert max(remote.bytes.values()) < 2000


class Counting(LocalRemote):
    """Hosts that are folders, and how many bytes each answered with."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.bytes: dict[str, int] = {}

    def run(self, host: Host, script: Script, observe: Observer = nobody) -> tuple[Result, ...]:
        assert host.name not in self.bytes
        results = super().run(host, script, observe)
        self.bytes[host.name] = sum(len(result.output) for result in results)
        return results


def test_a_host_that_is_away_is_blind_and_says_so() -> None:
    remote = FakeRemote()
    remote.answer("*", "access_log*", output=ANSWER)
    remote.connect_error("b", ConnectError("b", "no route"))
    measured = read_sources(remote, [query("a", "api"), query("b", "api")])
    answer = measured["api", "access", "b"]
    assert (answer.blind, answer.away) == ("b: no route", ExitCode.UNREACHABLE)
    assert not measured["api", "access", "a"].blind
