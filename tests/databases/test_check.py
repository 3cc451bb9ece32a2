"""`database.check` and `database.analyze`: what is found of a real database and its vault, and what is recorded."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lockstitch import plans
from lockstitch.checks.app_values import connections
from lockstitch.checks.metric_gates import HostMeasurement, judge_gate
from lockstitch.checks.metric_queries import MetricQuery
from lockstitch.databases.health_check import Thresholds, judge
from lockstitch.engine.read_sources import read_sources
from lockstitch.engine.survey import DatabaseFacts, survey_databases
from lockstitch.errors import ConnectError, HostLostError
from lockstitch.inventory.metrics import GateSettings
from lockstitch.metrics.host import HostValues
from lockstitch.metrics.judgement import Answer
from lockstitch.metrics.measurement import Measurement, Window
from tests.databases.conftest import MakeStore
from tests.databases.dialects import speaks, table
from tests.databases.engines import one_engine
from tests.databases.store import HOST, Ended, Store
from tests.servers import LocalServer


def examined(store: Store, name: str = "main") -> DatabaseFacts:
    found = survey_databases(store.remote, {name: store.database(name)}, {name: store.secret(name)}, state=True)[name]
    assert isinstance(found, DatabaseFacts)
    return found


def levels(store: Store, **limits: int) -> dict[str, str]:
    found = examined(store)
    now = datetime(2026, 1, 1, 1, tzinfo=UTC)
    return {f.check: f.level for f in judge(found.state, Thresholds(**limits), found.vault, now)}


def analyze(store: Store) -> Ended:
    return store.do(lambda shelves: plans.analyze("box", shelves))


def test_the_server_and_the_vault_are_asked_in_one_script(shop: Store, server: LocalServer) -> None:
    assert shop.backup().code == 0 and shop.prove().code == 0
    shop.remote.scripts.clear()
    found = examined(shop)
    assert shop.remote.scripts == [(HOST, ("vault", "server", "state"))]
    assert found.state.version == found.vault.server.server == server.version
    assert [backup.name for backup in found.vault.backups] == shop.names()
    assert {each.name for each in found.state.tables} == {table(server, "orders"), table(server, "customers")}
    assert {check for check, level in levels(shop).items() if level != "pass"} == {"slow"}, "nothing logs them"


def test_every_threshold_can_say_no(shop: Store, server: LocalServer) -> None:
    assert levels(shop, connections=1)["connections"] == "fail"
    assert levels(shop, backup_age=60)["backup"] == "fail" and levels(shop)["backup"] == "warn"
    with server.connect("shop", name="job") as job, job.transaction():
        job.execute("INSERT INTO customers VALUES (41, 'new')")
        job.execute(speaks(server).sleep.format(1.1))
        shop.urls = {"main": server.url("shop", server.superuser)}
        assert levels(shop, long_query=0)["queries"] == "fail" and levels(shop)["queries"] == "pass"


def used_part(store: Store, monkeypatch: pytest.MonkeyPatch) -> Measurement:
    """Return what the source `host` says of an app that has this database."""
    database = store.database()
    monkeypatch.setenv(database.url.removeprefix("env:"), store.urls["main"])
    part = connections(database)
    query = MetricQuery("api", "host", HostValues(kind="host"), database.host, (Window(-60),), values=(part,))
    return read_sources(store.remote, [query])[query.key]


def test_the_used_part_of_the_connections_is_a_value_of_gates(
    shop: Store, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the same question as the check; it rises with each session."""
    before = used_part(shop, monkeypatch)
    allowed = next(room.allowed for room in examined(shop).state.rooms if room.of == "the server")
    with ExitStack() as sessions:
        for _ in range(5):
            sessions.enter_context(server.connect("shop"))
        now = used_part(shop, monkeypatch)
        rooms = [room.used / room.allowed for room in examined(shop).state.rooms]
        assert max(rooms) == pytest.approx(now.values["connections"], abs=1 / allowed)
    assert now.values["connections"] - before.values["connections"] >= 4 / allowed
    assert 0 < now.values["connections"] < 1 and not now.unread
    # The host's own values are there as well.
    assert now.values["memory"] > 0


def test_connections_that_cannot_be_read_are_blind_and_never_none(
    shop: Store, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.urls = {"main": server.url("gone")}
    answer = used_part(shop, monkeypatch)
    assert "connections" not in answer.values
    assert "gone" in answer.unread["connections"]
    gate = GateSettings.model_validate({"source": "host", "value": "connections", "max": "80%"})
    reading = judge_gate("g", gate, [HostMeasurement("a", True, replace(answer, windows=answer.windows * 2), 60.0)])
    assert reading.answer is Answer.BLIND
    assert "connections cannot be read: main: " in reading.says
    shop.urls = {"main": server.url("shop").replace(str(server.port), "1")}
    assert used_part(shop, monkeypatch).unread["connections"]


def test_a_cut_off_restore_and_a_dead_lock_are_told(shop: Store, server: LocalServer) -> None:
    server.create("shop__restoring_20260101T000000Z")
    shop.state().mkdir(parents=True)
    lock = {"run": "r-1", "by": "ada@desk", "message": "backup", "at": "2026-01-01T00:00:00Z"}
    (shop.state() / "lock.json").write_text(json.dumps(lock))
    assert {check: level for check, level in levels(shop).items() if level != "pass"} == {
        "beside": "note",
        "backup": "warn",
        "lock": "warn",
        "slow": "note",
    }


def test_one_database_that_cannot_be_asked_does_not_hide_the_other(server: LocalServer, make_store: MakeStore) -> None:
    server.create("shop")
    store = make_store({"main": server.url("shop"), "gone": server.url("gone")})
    databases = {name: store.database(name) for name in store.urls}
    urls = {name: store.secret(name) for name in store.urls}
    found = survey_databases(store.remote, databases, urls, state=True)
    assert isinstance(found["main"], DatabaseFacts) and found["main"].state.problem == ""
    assert isinstance(found["gone"], DatabaseFacts) and "gone" in found["gone"].state.problem

    def fault(host: object, script: object) -> None:
        raise HostLostError(HOST, "the connection dropped")

    store.remote.faults.append(fault)
    assert {str(error) for error in survey_databases(store.remote, databases, urls, state=True).values()} == {
        f"{HOST}: the connection dropped"
    }


@one_engine
def test_a_host_that_is_away_is_an_error_of_its_databases(shop: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    away = ConnectError(HOST, "no route to it")
    monkeypatch.setattr(shop.remote, "connect", lambda hosts: {host.name: away for host in hosts})
    found = survey_databases(shop.remote, {"main": shop.database()}, {"main": shop.secret("main")}, state=True)
    assert found == {"main": away} and shop.remote.scripts == []


def test_analyzing_is_done_recorded_and_unlocked(shop: Store) -> None:
    ended = analyze(shop)
    assert ended.code == 0 and "shop is analyzed" in ended.said, ended
    (record,) = (entry for entry in shop.journal() if entry["event"] == "analyze")
    assert (record["database"], record["run"], record["by"]) == ("main", shop.last_run, "ada@desk")
    assert shop.leftovers() == [] and "skipping" not in str(ended)


def test_analyzing_what_cannot_be_reached_is_refused(shop: Store, server: LocalServer) -> None:
    shop.urls = {"main": server.url("gone")}
    ended = analyze(shop)
    assert ended.code == 7 and "gone" in ended.said and ended.outcome is None


def test_analyzing_without_a_journal_that_can_be_read_is_refused(shop: Store) -> None:
    assert analyze(shop).code == 0
    journal = next(shop.remote.root.rglob("journal.jsonl"))
    journal.unlink()
    journal.mkdir()
    ended = analyze(shop)
    assert ended.code == 7 and "unreadable" in ended.said and "nothing was begun" in ended.said, ended


def test_analyzing_that_fails_is_told_and_leaves_nothing_locked(shop: Store, server: LocalServer) -> None:
    make = shop.shelves
    shop.shelves = lambda only=(): [server.stop() or shelf for shelf in make(only)]  # type: ignore[func-returns-value,method-assign]
    ended = analyze(shop)
    server.start()
    assert ended.code == 7 and "analyze" in ended.said and shop.leftovers() == [], ended
    assert [entry for entry in shop.journal() if entry["event"] == "analyze"] == []
