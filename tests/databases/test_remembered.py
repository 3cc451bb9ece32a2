"""What was found against a backup is remembered until the same look passes: it is not counted on meanwhile."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lockstitch.databases.retention import BROKEN, why_kept
from lockstitch.report.database import backups_text
from tests.databases import damage
from tests.databases.conftest import MakeProject
from tests.databases.dialects import table
from tests.databases.engines import one_engine, only_postgres
from tests.databases.store import Store
from tests.postgres import APP, SUPERUSER, LocalPostgres


@pytest.fixture
def two(shop: Store) -> Store:
    """The shop with two backups."""
    assert shop.backup().code == 0 and shop.backup("newer").code == 0
    return shop


def problems(store: Store) -> dict[str, str]:
    return {backup.name: backup.problem for backup in store.backups()}


def newest(store: Store) -> str:
    found = store.look(servers=False)["main"].newest
    return found.name if found else ""


def listed(store: Store) -> str:
    return backups_text(store.look(servers=False), {})


def marks(store: Store) -> list[Path]:
    return sorted((store.state() / "damaged").glob("*"))


def instead(store: Store, program: str, text: str) -> None:
    """On the host this is done before a program begins."""
    real = shutil.which(program, path=store.remote.env["PATH"])
    tools = store.root / "tools"
    tools.mkdir()
    (tools / program).write_text(f'#!/bin/sh\n{text}\nexec {real} "$@"\n')
    (tools / program).chmod(0o755)
    store.remote.env["PATH"] = f"{tools}:{store.remote.env['PATH']}"


def test_what_verify_found_is_remembered_until_the_file_is_back(two: Store, tmp_path: Path) -> None:
    first, newer = two.names()
    file = damage.largest(two.vault / newer).relative_to(two.vault / newer)
    shutil.copytree(two.vault / newer, tmp_path / "offsite")
    damage.flipped(0.5)(two.vault / newer)
    assert two.verify(newer).code == 7
    assert problems(two)[first] == "" and newest(two) == first
    said = problems(two)[newer]
    assert said.startswith("damaged, says backup.verify of 20") and f"{file}: FAILED" in said
    assert said in listed(two) and f"backup.verify {newer}" in said
    assert two.verify().code == 0, "the newest is one that can be counted on"
    assert two.verify(newer).code == 7
    (mark,) = marks(two)
    assert mark.stat().st_mode & 0o777 == 0o600
    shutil.copy(tmp_path / "offsite" / file, two.vault / newer / file)
    assert "damaged" in problems(two)[newer], "that it is whole again is shown by looking"
    assert two.verify(newer).code == 0
    assert problems(two) == {first: "", newer: ""} and newest(two) == newer and marks(two) == []
    assert two.leftovers() == []


def test_what_is_damaged_keeps_no_place_of_a_good_one(two: Store) -> None:
    """Of what is kept it is no part, and it is not removed either."""
    first, newer = two.names()
    two.settings["keep"] = {"last": 1, "daily": 0, "weekly": 0}
    damage.cut(0.5)(two.vault / newer)
    assert two.verify(newer).code == 7
    kept = why_kept(two.backups(), two.database().keep)
    assert kept[newer] == BROKEN and kept[first] == "last 1 of 1"
    assert two.prune().code == 0 and two.names() == [first, newer]


def test_where_nothing_can_be_counted_on_that_is_said(shop: Store) -> None:
    assert "no backup yet" in shop.prove().said
    assert shop.backup().code == 0
    (name,) = shop.names()
    damage.without_file(shop.vault / name)
    assert shop.verify().code == 7
    ended = shop.prove()
    assert ended.code == 7 and "no backup that can be counted on" in ended.said, ended
    assert "main has no backup that can be counted on" in listed(shop)


def test_rows_that_differ_are_not_forgotten_because_the_sums_are_right(two: Store, tmp_path: Path) -> None:
    _, newer = two.names()
    shutil.copytree(two.vault / newer, tmp_path / "offsite")
    orders = table(two.server, "orders")
    damage.edited(f'"{orders}":{{"rows":300,', f'"{orders}":{{"rows":301,')(two.vault / newer)
    damage.resealed(two.vault / newer)
    assert two.prove(newer).code == 7
    said = problems(two)[newer]
    assert said.startswith("it could not be restored, says backup.prove of 20") and orders in said
    ended = two.verify(newer)
    assert ended.code == 0 and "stays on record until backup.prove" in str(ended), ended
    assert problems(two)[newer] == said
    file = damage.largest(two.vault / newer).relative_to(two.vault / newer)
    damage.longer(two.vault / newer)
    assert two.verify(newer).code == 7
    shutil.copy(tmp_path / "offsite" / file, two.vault / newer / file)
    assert two.verify(newer).code == 0 and problems(two)[newer] == said, "it was the same dump all the time"
    # Another manifest is another backup: what was found says nothing of it.
    shutil.copy(tmp_path / "offsite" / "manifest.json", two.vault / newer)
    assert two.verify(newer).code == 0 and problems(two)[newer] == ""


# It was written where the function was in the way; a restore has no search_path.
UNRESTORABLE = (
    "CREATE FUNCTION limited() RETURNS int LANGUAGE sql AS 'SELECT 10'",
    "CREATE FUNCTION small(n int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN n < limited(); END'",
    "CREATE TABLE checked (n int CHECK (small(n)))",
    "INSERT INTO checked VALUES (1)",
)


@only_postgres
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_dump_that_cannot_be_restored_is_remembered_until_it_is_proven(
    two: Store, server: LocalPostgres, jobs: int
) -> None:
    two.settings["jobs"] = jobs
    for line in UNRESTORABLE:
        server.sql(line, "shop", APP)
    assert two.backup("unrestorable").code == 0
    name = two.names()[-1]
    assert two.prove(name).code == 7
    assert "limited() does not exist" in problems(two)[name] and newest(two) != name
    assert "COPY checked" not in problems(two)[name], "what is told of a row is left out"
    assert two.verify(name).code == 0 and problems(two)[name]
    # As if the server it is proven on had been the reason.
    (mark,) = marks(two)
    assert two.prove(newest(two)).code == 0 and marks(two) == [mark]
    mark.rename(mark.with_name(newest(two)))
    good = two.names()[1]
    assert problems(two)[good] and two.prove(good).code == 0
    assert problems(two)[good] == "" and marks(two) == []


@only_postgres
@pytest.mark.parametrize(
    "hurt", ["no server", "a session that is ended", "a worker that is killed", "an extension that is not there"]
)
def test_what_is_wrong_around_it_says_nothing_of_the_dump(two: Store, server: LocalPostgres, hurt: str) -> None:
    _, newer = two.names()
    if hurt == "no server":
        two.scratch = server.url("postgres", SUPERUSER, port=1)
    said = {
        "no server": "unused",
        "a session that is ended": "FATAL:  terminating connection due to administrator command",
        "a worker that is killed": "a worker process died unexpectedly",
        "an extension that is not there": 'ERROR:  extension "postgis" is not available',
    }[hurt]
    instead(two, "pg_restore", f"case $* in *--list*) ;; *) echo 'pg_restore: error: {said}' >&2; exit 1 ;; esac")
    assert two.prove(newer).code == 7
    assert problems(two)[newer] == "" and newest(two) == newer and marks(two) == []


@only_postgres
def test_lines_of_workers_that_write_at_the_same_time_hide_no_reason(two: Store) -> None:
    _, newer = two.names()
    said = (
        "pg_restore:pg_restore: processing data for table x\\n"
        ' error: COPY failed for table "checked": ERROR:  function limited() does not exist\\n'
        "CONTEXT:  COPY checked, line 1\\n"
        "pg_restore: executing SEQUENCE SET orders_id_seq\\n"
    )
    instead(two, "pg_restore", f"case $* in *--list*) ;; *) printf '{said}' >&2; exit 1 ;; esac")
    assert two.prove(newer).code == 7
    why = problems(two)[newer]
    assert "limited() does not exist" in why and "orders_id_seq" not in why and "COPY checked," not in why, why


@one_engine
def test_a_look_that_is_cut_off_has_found_nothing(two: Store) -> None:
    _, newer = two.names()
    instead(two, "sha256sum", "case $* in -c*) kill -TERM 0; exec sleep 30 ;; esac")
    assert "the shell on the host ended" in two.verify(newer).said
    assert problems(two)[newer] == "" and marks(two) == []


@one_engine
def test_a_mark_that_cannot_be_read_is_one_all_the_same(two: Store) -> None:
    _, newer = two.names()
    (two.state() / "damaged").mkdir()
    for text in (b"", b"{\n", b"\xff\x00\n", b'["x"]\n', b'{"at":5,"why":{}}\n'):
        (two.state() / "damaged" / newer).write_bytes(text)
        assert problems(two)[newer].startswith("damaged, says backup.verify of")
    assert two.verify(newer).code == 0 and problems(two)[newer] == ""


@one_engine
def test_half_a_mark_is_none(two: Store) -> None:
    _, newer = two.names()
    (two.state() / "damaged").mkdir()
    (two.state() / "damaged" / f".{newer}").write_text('{"at":"2026-')
    assert problems(two)[newer] == ""


@only_postgres
def test_a_text_in_another_encoding_is_proven_in_it(server: LocalPostgres, two: Store) -> None:
    """What is no UTF-8 at all can be in SQL_ASCII."""
    for encoding, value in (("SQL_ASCII", r"E'\377\376'"), ("LATIN1", r"E'\374'")):
        server.drop("shop")
        server.sql(f"CREATE DATABASE shop OWNER {APP} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
        server.sql("CREATE TABLE words (word text)", "shop", APP)
        insert = f"INSERT INTO words SELECT convert_from({value}::bytea, '{encoding}')"
        server.sql("SET client_encoding = UTF8; " + insert if encoding == "LATIN1" else insert, "shop", APP)
        assert two.backup(encoding).code == 0
        name = two.names()[-1]
        manifest = two.manifest(name)
        assert (manifest["encoding"], manifest["collate"], manifest["ctype"]) == (encoding, "C", "C")
        assert two.prove(name).code == 0, two.prove(name)


@only_postgres
def test_a_locale_that_the_other_server_lacks_does_not_keep_it_from_being_proven(two: Store) -> None:
    _, newer = two.names()
    assert two.manifest(newer)["collate"] == "C.UTF-8"
    damage.edited('"collate":"C.UTF-8"', '"collate":"tlh_QO.UTF-8"')(two.vault / newer)
    damage.resealed(two.vault / newer)
    ended = two.prove(newer)
    assert ended.code == 0, ended


@one_engine
def test_a_vault_that_is_made_is_its_users_alone(shop: Store) -> None:
    shop.settings["directory"] = "var/bk"
    assert shop.backup().code == 0
    assert (shop.home / "var" / "bk").stat().st_mode & 0o777 == 0o700
    assert (shop.home / "var").stat().st_mode & 0o777 != 0o700
    mine = shop.home / "mine"
    mine.mkdir()
    mine.chmod(0o750)
    shop.settings["directory"] = "mine"
    assert shop.backup().code == 0 and mine.stat().st_mode & 0o777 == 0o750


@one_engine
def test_a_label_that_is_too_long_is_refused_before_anything(make_project: MakeProject) -> None:
    project = make_project()
    ran = project.fab("backup", "--label", "x" * 201)
    assert ran.code == 2 and "201 characters long, and may have 200" in ran.said, ran.said
    assert "asking" not in ran.said and not project.store.vault.exists()
    long = project.fab("backup", "--label", "ä " * 100)
    assert long.code == 0, long.said
    (backup,) = project.store.backups()
    assert backup.label == "ä " * 100 and backup.good
    listed = project.fab("backup.list")
    assert listed.code == 0 and backup.name in listed.out
    (project.store.vault / backup.name / "database.dump").write_bytes(b"no more")
    assert project.fab("backup.verify").code == 7
    told = project.fab("backup.list")
    assert "damaged, says backup.verify of" in told.out and "main has no backup" in told.out, told.said
    (answer,) = project.fab("backup.list", "--json").json["databases"]["main"]["backups"]
    assert answer["good"] is False and "database.dump: FAILED" in answer["problem"]
