"""What `database.check` says of what it is told: every threshold at its edge, and that it always says something."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.databases.backup import Backup, BackupDirectoryFacts, ServerFacts
from lockstitch.databases.health import (
    ActiveQuery,
    DatabaseState,
    Pool,
    Replica,
    Room,
    Slot,
    Slow,
    SpareDatabase,
    Standby,
    Table,
    Waiting,
)
from lockstitch.databases.health_check import SlowCount, Thresholds, judge, slow_since
from lockstitch.model.finding import Finding
from lockstitch.report.database import databases_json, databases_text

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
ASKED = frozenset({"room", "query", "migration", "waiting", "standby", "replica", "slot", "table", "beside"})
WELL = DatabaseState(
    "16.2", "shop", "app", up=90, size=5 << 20, rooms=(Room("the server", 3, 97),), grant="GRANT it;", asked=ASKED
)
BACKED_UP = BackupDirectoryFacts(
    (Backup("main-1", at="2026-07-01T11:00:00Z", sha256="00", proven="2026-07-01T11:30:00Z"),)
)
LIMITS = Thresholds(80, 300, 30, 60, 7200)


def found(
    state: DatabaseState = WELL, vault: BackupDirectoryFacts = BACKED_UP, differ: str = ""
) -> tuple[Finding, ...]:
    return judge(state, LIMITS, vault, NOW, "fab -H prod", differ)


def of(check: str, findings: tuple[Finding, ...]) -> Finding:
    (finding,) = (f for f in findings if f.check == check)
    return finding


def told(findings: tuple[Finding, ...]) -> dict[str, str]:
    """The level of each check; of several of one check the last."""
    return {f.check: f.level for f in findings}


def test_a_database_that_is_well_passes_every_check() -> None:
    checks = ("connections", "queries", "migrations", "locks", "replication", "backup", "proof")
    assert told(found()) == dict.fromkeys(checks, "pass")


@given(st.integers(0, 10_000), st.integers(0, 5_000), st.integers(1, 100))
def test_connections_are_too_many_from_the_percentage_on(used: int, allowed: int, percent: int) -> None:
    state = replace(WELL, rooms=(Room("the server", used, allowed),))
    finding = of("connections", judge(state, Thresholds(connections=percent), BACKED_UP, NOW))
    assert finding.level == ("fail" if used * 100 >= percent * allowed else "pass")
    assert (
        str(used) in finding.says and str(allowed) in finding.says and bool(finding.hint) == (finding.level == "fail")
    )


def test_the_fullest_of_several_limits_counts() -> None:
    rooms = (Room("the server", 3, 97), Room("the login app", 4, 5))
    levels = [f.level for f in found(replace(WELL, rooms=rooms)) if f.check == "connections"]
    assert levels == ["pass", "fail"]


@given(st.integers(0, 900))
def test_a_query_may_run_for_so_long_and_no_longer(seconds: int) -> None:
    query = ActiveQuery(77, "app", "web", "192.0.2.1", "active", seconds, "SELECT 1", "SELECT end(77);")
    finding = of("queries", found(replace(WELL, queries=(query,))))
    assert finding.level == ("fail" if seconds > 300 else "pass")
    if seconds > 300:
        assert "77 (app web from 192.0.2.1): active for" in finding.says
        assert finding.hint == "to end 77: fab -H prod database.shell, SELECT end(77);"


def test_a_dump_of_ours_is_no_long_query() -> None:
    assert (
        of("queries", found(replace(WELL, queries=(ActiveQuery(7, application="lockstitch", seconds=9999),)))).level
        == "pass"
    )


@pytest.mark.parametrize(("seconds", "level"), [(0, "pass"), (30, "pass"), (31, "fail"), (None, "warn")])
def test_a_lock_may_be_waited_for_for_so_long(seconds: int | None, level: str) -> None:
    holder = ActiveQuery(5, "app", "job", "", "idle in transaction", 400, "UPDATE t", "SELECT end(5);")
    between = ActiveQuery(6, "app", "web", "", "active", 90, "ALTER TABLE t", "SELECT end(6);")
    waiting = (
        Waiting(between, seconds, "relation AccessExclusiveLock", "public.t", (holder,)),
        Waiting(ActiveQuery(7, text="SELECT 1"), seconds, "relation AccessShareLock", "public.t", (between,)),
    )
    finding = of("locks", found(replace(WELL, waiting=waiting)))
    assert finding.level == level
    if level != "pass":
        assert (
            "6 waits for" in finding.says and "behind 5 (app job): idle in transaction for 6 min 40 s" in finding.says
        )
        assert finding.hint == "to end 5: fab -H prod database.shell, SELECT end(5);"


@pytest.mark.parametrize(
    ("replica", "level"),
    [
        (Replica("b", "192.0.2.2", "streaming", 0, 0), "pass"),
        (Replica("b", "192.0.2.2", "streaming", 60, 10), "pass"),
        (Replica("b", "192.0.2.2", "streaming", 61, 10), "fail"),
        (Replica("b", "192.0.2.2", "streaming", None, None), "pass"),
        (Replica("b", "192.0.2.2", "streaming", 0, 1 << 40), "warn"),
        (Replica("b", "192.0.2.2", "catchup", None, 10), "warn"),
        (Replica("b"), "note"),
    ],
)
def test_a_replica_may_be_so_far_behind(replica: Replica, level: str) -> None:
    finding = of("replication", found(replace(WELL, replicas=(replica,))))
    assert finding.level == level and "the replica b" in finding.says


@pytest.mark.parametrize(
    ("standby", "level", "says"),
    [
        (Standby(0, 0, connected=True), "pass", "0 s behind its primary"),
        (Standby(61, 9, connected=True), "fail", "1 min 1 s behind"),
        (Standby(1, 9, connected=True, paused=True), "pass", "replaying is paused"),
        (Standby(5, None, connected=False), "warn", "not connected to its primary"),
        (Standby(500, None, connected=False), "fail", "not connected to its primary"),
        (Standby(None, 9, connected=True), "pass", "an unknown time behind its primary (9 B)"),
        (Standby(None, 1 << 40, connected=True), "warn", "an unknown time behind its primary"),
    ],
)
def test_a_standby_is_judged_by_its_own_place(standby: Standby, level: str, says: str) -> None:
    finding = of("replication", found(replace(WELL, standby=standby)))
    assert finding.level == level and says in finding.says


def test_a_slot_that_nobody_reads_from_is_told() -> None:
    finding = found(replace(WELL, slots=(Slot("gone", 3 << 30, "SELECT drop('gone');"),)))[5]
    assert (finding.level, finding.hint) == ("warn", "if its replica is gone: SELECT drop('gone');")
    assert "keeps 3.0 GiB on the disk" in finding.says


def test_what_cannot_be_seen_is_told_and_not_taken_for_well() -> None:
    state = replace(WELL, hidden=4, asked=ASKED - {"query", "replica"}, problems=("ERROR:  canceled",))
    levels = told(found(state))
    assert "queries" not in levels and "replication" not in levels
    note, warning = (f for f in found(state) if f.check == "sight")
    assert (note.level, note.hint) == ("note", "GRANT it;") and "4 sessions" in note.says
    assert (warning.level, warning.says) == ("warn", "could not be asked for: queries, replicas\nERROR:  canceled")


def test_a_database_that_does_not_answer_fails_and_its_vault_is_still_judged() -> None:
    findings = found(
        DatabaseState(problem="FATAL: too many clients"), replace(BACKED_UP, server=ServerFacts(problem="x"))
    )
    assert told(findings) == {"server": "fail", "backup": "pass", "proof": "pass"}


@pytest.mark.parametrize("kind", ["before", "undone", "restoring", "proving", "new"])
def test_what_lockstitch_keeps_beside_it_is_a_note(kind: str) -> None:
    finding = of("beside", found(replace(WELL, besides=(SpareDatabase(f'sh"op__{kind}_1', kind, 1 << 30),))))
    assert finding.level == "note" and "1.0 GiB" in finding.says
    if kind in ("before", "undone"):
        assert f'DROP DATABASE "sh""op__{kind}_1";' in finding.hint


@given(st.integers(-100, 20_000), st.sampled_from([0, 3600, 7200]))
def test_the_newest_backup_may_be_so_old(seconds: int, longest: int) -> None:
    at = (NOW - timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    limits = replace(LIMITS, backup_age=longest)
    finding = of("backup", judge(WELL, limits, BackupDirectoryFacts((Backup("main-1", at=at),)), NOW))
    assert finding.level == ("fail" if longest and seconds > longest else "pass")


def test_no_backup_is_a_no_only_where_its_age_is_looked_at() -> None:
    broken = BackupDirectoryFacts((Backup("main-1", problem="it has no manifest"),))
    assert of("backup", found(vault=broken)).level == "fail"
    (finding,) = (f for f in judge(WELL, Thresholds(), broken, NOW, "fab -H prod") if f.check == "backup")
    assert (finding.level, finding.hint) == ("warn", "fab -H prod backup")


def test_what_stands_against_the_next_backup_is_told() -> None:
    unproven = BackupDirectoryFacts((Backup("main-1", at="2026-07-01T11:00:00Z"),))
    assert of("proof", found(vault=unproven)).level == "warn"
    assert of("tools", found(differ="the server is 16, the tools are 17")).level == "note"
    old = replace(BACKED_UP, server=ServerFacts(problem="pg_dump is too old"), lock="ada since 11:00, run r-1")
    assert of("tools", found(vault=old)).says == "it could not be backed up: pg_dump is too old"
    locked = of("lock", found(vault=old))
    assert locked.level == "warn" and locked.hint == "fab -H prod lock.show" and "ada" in locked.says


TEXTS = st.text(max_size=40)
NUMBERS = st.none() | st.integers(0, 1 << 45)
QUERIES = st.builds(ActiveQuery, st.integers(0, 9999), TEXTS, TEXTS, TEXTS, TEXTS, NUMBERS, TEXTS, TEXTS)
STATES = st.builds(
    DatabaseState,
    version=TEXTS,
    database=TEXTS,
    user=TEXTS,
    up=NUMBERS,
    size=NUMBERS,
    hidden=st.integers(0, 3),
    standby=st.none() | st.builds(Standby, NUMBERS, NUMBERS, st.booleans(), st.booleans()),
    rooms=st.lists(st.builds(Room, TEXTS, st.integers(0, 200), st.integers(0, 200)), max_size=2).map(tuple),
    queries=st.lists(QUERIES, max_size=2).map(tuple),
    waiting=st.lists(st.builds(Waiting, QUERIES, NUMBERS, TEXTS, TEXTS, st.tuples(QUERIES)), max_size=2).map(tuple),
    replicas=st.lists(st.builds(Replica, TEXTS, TEXTS, TEXTS, NUMBERS, NUMBERS), max_size=2).map(tuple),
    slots=st.lists(st.builds(Slot, TEXTS, NUMBERS, TEXTS), max_size=1).map(tuple),
    tables=st.lists(st.builds(Table, TEXTS, st.integers(0, 1 << 50), NUMBERS, NUMBERS, TEXTS), max_size=2).map(tuple),
    besides=st.lists(st.builds(SpareDatabase, TEXTS, TEXTS, NUMBERS), max_size=1).map(tuple),
    asked=st.frozensets(st.sampled_from(sorted(ASKED))),
    problems=st.lists(TEXTS, max_size=2).map(tuple),
    problem=st.just("") | TEXTS,
)


@given(STATES)
def test_whatever_is_told_is_judged_and_shown_safely(state: DatabaseState) -> None:
    findings = found(state)
    assert findings and all(f.check and f.says and f.level in ("pass", "note", "warn", "fail") for f in findings)
    judged = {"main": (state, findings)}
    text = databases_text(judged)
    assert not set(text) & set(map(chr, (*range(9), *range(11, 32), 127, 0x202E)))
    no = any(f.level == "fail" for f in findings)
    assert text.splitlines()[-1].startswith("main: NO: " if no else "main: all within its thresholds")
    data: Any = json.loads(json.dumps(databases_json(judged)))["databases"]["main"]
    assert data["passed"] is not no and len(data["findings"]) == len(findings)


def test_what_is_shown_reads_as_a_person_wants_it() -> None:
    query = ActiveQuery(77, "app", "web", "192.0.2.1", "active", 400, "SELECT 1", "SELECT end(77);")
    state = replace(WELL, queries=(query,), tables=(Table("public.orders", 3 << 20, 300, 2, ""),), standby=None)
    lines = databases_text({"main": (state, found(state))}).splitlines()
    assert lines[0] == "main: shop as app, server 16.2, 5.0 MiB on disk, up for 1 min 30 s"
    assert lines[1] == "  pass  connections  3 of the 97 that the server allows (3 %); it fails from 80 % on"
    assert lines[2:5] == [
        "  FAIL  queries      1 for more than 5 min",
        "                     77 (app web from 192.0.2.1): active for 6 min 40 s: SELECT 1",
        "                     HINT: to end 77: fab -H prod database.shell, SELECT end(77);",
    ]
    assert "  public.orders  3.0 MiB  300          2     never" in lines
    assert lines[-1] == "main: NO: queries"


def test_texts_of_others_can_be_masked() -> None:
    query = ActiveQuery(1, text="x secret")
    state = DatabaseState(
        queries=(query,), waiting=(Waiting(query, by=(query,)),), problems=("secret",), problem="secret"
    )
    assert "secret" not in repr(state.masked(lambda text: text.replace("secret", "***")))


@pytest.mark.parametrize(("used", "most", "level"), [(199, 200, "pass"), (200, 200, "fail"), (900, 0, "pass")])
def test_connections_may_be_limited_by_their_number(used: int, most: int, level: str) -> None:
    state = replace(WELL, rooms=(Room("the server", used, 5000),))
    finding = of("connections", judge(state, Thresholds(most_connections=most), BACKED_UP, NOW))
    assert finding.level == level and (f"or {most} on" in finding.says) == bool(most)


@pytest.mark.parametrize("seconds", [0, 1, None])
def test_a_migration_at_work_is_told_whatever_its_age(seconds: int | None) -> None:
    query = ActiveQuery(
        7, "app", "lockstitch migrate api", "", "active", seconds, "ALTER TABLE t ADD c int", "CANCEL 7;"
    )
    finding = of("migrations", found(replace(WELL, migrations=(query,))))
    assert finding.level == "warn" and "lockstitch migrate api" in finding.says
    assert "fab -H prod lock.show" in finding.hint and "CANCEL 7;" in finding.hint


@pytest.mark.parametrize(
    ("ahead", "level", "says"),
    [(0, "pass", "as on the host"), (-10, "pass", "as on"), (11, "warn", "ahead of"), (-3600, "warn", "behind")],
)
def test_the_servers_time_is_told_beside_the_hosts(ahead: int, level: str, says: str) -> None:
    finding = of("clock", found(replace(WELL, now="2026-07-01T12:00:00Z", ahead=ahead)))
    assert finding.level == level and "it is 2026-07-01T12:00:00Z there" in finding.says and says in finding.says


@pytest.mark.parametrize(
    ("waiting", "seconds", "level"), [(0, 0, "pass"), (0, 90, "pass"), (2, 5, "warn"), (1, 6, "fail")]
)
def test_who_waits_for_a_connection_of_a_pooler_does_so_not_for_long(waiting: int, seconds: int, level: str) -> None:
    pool = Pool("shop/app", "transaction", 9, waiting, 3, 1, seconds)
    finding = of("pools", found(replace(WELL, pools=(pool,))))
    assert finding.level == level
    assert f"shop/app (transaction): 9 clients, {waiting} wait; 3 connections busy, 1 idle" in finding.says


def test_a_pooler_that_does_not_tell_is_no_pooler_that_is_well() -> None:
    finding = of("pools", found(replace(WELL, pools=(), pool_problem="ERROR: not allowed")))
    assert finding.level == "fail" and "ERROR: not allowed" in finding.says


def slow(state: DatabaseState) -> dict[str, str]:
    return {finding.level: finding.says for finding in found(state) if finding.check == "slow"}


def test_slow_queries_are_those_since_the_last_check() -> None:
    state = replace(WELL, up=90_000, slow=Slow(40, 9000, 10, False, "SET it;"))
    now = NOW.timestamp()
    since = slow_since(state, SlowCount(now - 7200, 28, 8000), now)
    assert [f.says for f in found(since) if f.check == "slow"] == [
        "12 of 1000 in the 2 h since the last check took longer than 10 s, which it calls slow",
        "slow queries are not logged",
    ]
    for earlier in (
        None,
        SlowCount(now - 90_001, 28, 8000),
        SlowCount(now - 60, 41, 8000),
        SlowCount(now + 60, 28, 8000),
    ):
        assert slow_since(state, earlier, now) == state, "it began anew since, or a clock was set back"
    assert slow(replace(WELL, slow=Slow(None, None, 1.5, True))) == {
        "pass": "queries are logged that take longer than 1.5 s"
    }
    assert slow(replace(WELL, slow=Slow(None, None, 0, False, "SET it;"))) == {"note": "slow queries are not logged"}
