"""Sides of an app's hosts, and the questions to its sources."""

from __future__ import annotations

from pathlib import Path

from lockstitch.checks.metric_queries import SETTLE, gate_forms, gate_queries, sides, source_queries
from lockstitch.facts.clock import Clock
from lockstitch.facts.site import CheckoutFacts, Facts
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.selection import select
from lockstitch.metrics.measurement import Window
from lockstitch.model.layout import layout
from lockstitch.model.plan import Site
from lockstitch.services.state import ServiceState

NOW = 1_800_000_000.0
INVENTORY = """
metrics:
  access: {kind: access_log, path: /var/log/api.log}
  other: {kind: access_log, path: /var/log/other.log}
apps:
  api:
    repository: git@example.com:acme/api.git
    path: /app/api
    service: {kind: systemd, unit: api}
    health: {url: "http://localhost/healthz"}
    gates:
      p95: {source: access, percentile: 95, max: 300ms}
      errors: {source: other, status: 5xx, max: 5%}
groups:
  one: {hosts: [a, b], apps: [api]}
  two:
    hosts: [c]
    apps: [api]
    override: {api: {gates: {p95: {source: access, percentile: 95, max: 2s}}, health: {url: "http://localhost/up"}}}
"""


def fleet(tmp_path: Path) -> Fleet:
    (tmp_path / "prod.yml").write_text(INVENTORY)
    (known,) = select(InventoryFolder(tmp_path), "prod").fleets
    return known


def facts(host: str, revision: str | None, age: float | None, ahead: float = 0.0) -> Facts:
    """A site that took a release `age` seconds ago, by a clock that is so many seconds ahead."""
    state = ServiceState(True, boot=1, reloaded=None if age is None else round((NOW + ahead - age - 1) * 100))
    at = Site(host, "api", layout("releases", "/app/api", None))
    clock = Clock(NOW + ahead, 0.0, NOW, NOW)
    return Facts(at, CheckoutFacts(revision=revision), service=state, clock=clock)


def test_the_release_that_was_taken_last_is_new_whatever_the_clocks_say() -> None:
    known = sides([facts("a", "new", 100, ahead=9000), facts("b", "old", 400, ahead=-9000)], NOW)
    assert (dict(known.new), known.old) == ({"a": 100.0}, frozenset({"b"}))


def test_facts_that_can_be_read_once_are_enough() -> None:
    known = sides(iter([facts("a", "new", 100), facts("b", "old", 400)]), NOW)
    assert (list(known.new), known.old) == (["a"], frozenset({"b"}))


def test_a_host_of_unknown_revision_is_on_neither_side() -> None:
    known = sides([facts("a", "new", 100), facts("b", None, 50), facts("c", "new", None)], NOW)
    assert (dict(known.new), known.old) == ({"a": 100.0, "c": None}, frozenset())
    assert known.windows("b", 60) == ()


def test_without_any_age_none_is_called_old() -> None:
    assert sides([facts("a", "x", None), facts("b", "y", None)], NOW).old == frozenset()


def test_no_window_reaches_into_the_other_release() -> None:
    known = sides([facts("a", "new", 30), facts("b", "new", 300), facts("c", "old", 900)], NOW)
    for host, age, length in (("a", 30, 28), ("b", 300, 60), ("c", 300, 60)):
        now, before = known.windows(host, 60)
        assert now == Window(-SETTLE - length, -SETTLE)
        assert before == Window(-age - length, -age)


def test_each_site_is_asked_by_its_own_settings(tmp_path: Path) -> None:
    span = (Window(-60, 0),)
    asked = {query.key: query for query in gate_queries(fleet(tmp_path), lambda query: span)}
    assert {key: query.limits for key, query in asked.items()} == {
        ("api", "access", "a"): (0.3,),
        ("api", "access", "b"): (0.3,),
        ("api", "access", "c"): (2.0,),
        ("api", "other", "a"): (),
        ("api", "other", "b"): (),
        ("api", "other", "c"): (),
    }
    assert asked["api", "access", "a"].ignored == ("/healthz",)
    assert asked["api", "access", "c"].ignored == ("/up",)


def test_a_gate_that_differs_is_judged_in_each_form(tmp_path: Path) -> None:
    forms = [(label, tuple(host.name for host in hosts)) for label, _, hosts in gate_forms(fleet(tmp_path), "api")]
    assert forms == [("p95 on a, b", ("a", "b")), ("errors", ("a", "b", "c")), ("p95 on c", ("c",))]


def test_metrics_reads_each_source_once_a_host(tmp_path: Path) -> None:
    asked = [query.key for query in source_queries(fleet(tmp_path), (Window(-60, 0),))]
    assert asked == [("", source, host) for source in ("access", "other") for host in ("a", "b", "c")]


LOGS = """
apps:
  api:
    repository: git@example.com:acme/api.git
    path: /app/api
    user: app
    layout: releases
    service: {kind: systemd, unit: api}
    logs: [/var/log/api/*.log, storage/app.log]
    gates:
      log: {source: logs, match: ERROR, against: before, increase: 0}
      trace: {source: logs, match: Traceback, max: 0}
  shop:
    repository: git@example.com:acme/shop.git
    path: /app/shop
    service: {kind: command, reload: "true", status: "true"}
    gates:
      log: {source: logs, match: ERROR, max: 3}
groups:
  one: {hosts: [a, b], apps: [api, shop]}
"""


def test_logs_are_read_for_each_app_as_its_user(tmp_path: Path) -> None:
    (tmp_path / "prod.yml").write_text(LOGS)
    (known,) = select(InventoryFolder(tmp_path), "prod").fleets
    assert list(known.inventory.metrics) == ["logs"], "it needs no settings"
    for queries in (gate_queries(known, lambda query: (Window(-60),)), source_queries(known, (Window(-60),))):
        assert [query.key for query in queries] == [
            ("api", "logs", "a"),
            ("api", "logs", "b"),
            ("shop", "logs", "a"),
            ("shop", "logs", "b"),
        ]
        api, shop = queries[0], queries[2]
        assert (api.user, api.patterns) == ("app", ("ERROR", "Traceback"))
        assert [place.path or place.unit for place in api.question.places] == [
            "/var/log/api/*.log",
            "/app/api/current/storage/app.log",
            "api",
        ]
        assert (shop.user, shop.patterns, shop.question.places) == (None, ("ERROR",), ())
