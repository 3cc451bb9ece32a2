"""Sources that hosts are asked for and sources asked from here, in one measurement."""

from __future__ import annotations

import json
from pathlib import Path

from lockstitch.checks.metric_queries import MetricQuery
from lockstitch.engine.read_sources import read_sources
from lockstitch.metrics.access_log import AccessLog
from lockstitch.metrics.measurement import Window
from lockstitch.metrics.prometheus import Prometheus
from lockstitch.model.host import Address, Host
from tests.local import LocalRemote
from tests.metrics.test_prometheus import says, stand_in, success

HOSTS = [Host(name, Address(name)) for name in ("web1", "web2")]
WINDOWS = (Window(-60),)


def test_each_source_is_asked_where_it_is(tmp_path: Path) -> None:
    remote = LocalRemote(tmp_path)
    log = AccessLog(kind="access_log", path="no.log")
    with stand_in(says(success("scalar", [1, "5"]))) as url:
        web = Prometheus.model_validate({"kind": "prometheus", "url": url})
        queries = [
            MetricQuery("api", name, source, host, WINDOWS)
            for host in HOSTS
            for name, source in (("a", log), ("p", web))
        ]
        found = read_sources(remote, queries)
    assert list(found) == [("api", "a", "web1"), ("api", "p", "web1"), ("api", "a", "web2"), ("api", "p", "web2")]
    assert "there is no such file" in found["api", "a", "web1"].blind
    assert "none of the HTTP API" in found["api", "p", "web2"].blind


def test_a_source_asked_from_here_needs_no_host(tmp_path: Path) -> None:
    asked: list[str] = []
    remote = LocalRemote(tmp_path)
    remote.faults.append(lambda host, script: asked.append(host.name))
    with stand_in(says(json.dumps({"status": "error", "error": "no"}), 400)) as url:
        web = Prometheus.model_validate({"kind": "prometheus", "url": url})
        found = read_sources(remote, [MetricQuery("", "p", web, host, WINDOWS) for host in HOSTS])
    assert {answer.blind for answer in found.values()} == {"it answered 400: no"}
    assert asked == []
