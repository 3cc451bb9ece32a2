"""What `keep` says goes, out of a real vault; everything else stays, and a dry run removes nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lockstitch.databases import health_check
from lockstitch.databases.retention import doomed, why_kept
from lockstitch.inventory.database import DatabaseSettings
from lockstitch.report.database import backups_text
from tests.databases.conftest import MakeProject, MakeStore
from tests.databases.engines import one_engine
from tests.databases.store import Store
from tests.servers import LocalServer

pytestmark = one_engine
# Of a month: each day two, the last days proven by nobody.
TIMES = [f"2026-10-{day:02}T{hour:02}:00:00Z" for day in range(1, 29) for hour in (2, 14)]
KEEP = {"last": 3, "daily": 5, "weekly": 2, "monthly": 1}


def fill(store: Store, times: list[str]) -> list[str]:
    """Backups of these times, copied from one that was made; their names, oldest first."""
    assert store.backup().code == 0
    (made,) = store.names()
    names = []
    for at in times:
        name = f"main-{at.replace('-', '').replace(':', '')}-0000"
        shutil.copytree(store.vault / made, store.vault / name)
        file = store.vault / name / "manifest.json"
        was = json.loads(file.read_text())["at"]
        file.write_text(file.read_text().replace(made, name).replace(f'"at":"{was}"', f'"at":"{at}"', 1))
        names.append(name)
    shutil.rmtree(store.vault / made)
    return names


def prove(folder: Path) -> None:
    first, *rest = (folder / "manifest.json").read_text().splitlines(keepends=True)
    proof = '"proven":{"at":"2026-11-01T00:00:00Z","run":"r","by":"ada"},\n'
    (folder / "manifest.json").write_text("".join([first, proof, *rest]))


def test_what_no_rule_keeps_goes_and_the_rest_stays(server: LocalServer, make_store: MakeStore) -> None:
    server.create("shop")
    store = make_store(keep=KEEP)
    names = fill(store, TIMES)
    prove(store.vault / names[4])
    broken, alien = names[7], store.vault / "notes.txt"
    (store.vault / broken / "manifest.json").unlink()
    alien.write_text("mine")
    other = store.vault / "shop-20200101T000000Z-0000"
    other.mkdir()
    held = {names[10]: "release r of api@api1"}
    backups = store.backups()
    gone = {b.name for b in doomed(backups, store.database().keep, held)}
    assert 40 < len(gone) < len(names)
    ended = store.prune(held)
    assert ended.code == 0, ended
    assert set(store.names()) == set(names) - gone | {alien.name, other.name}
    assert {names[4], names[10], broken, names[-1]} <= set(store.names())
    assert all(name in ended.said for name in gone)
    assert store.leftovers() == []
    assert [entry["names"].split() for entry in store.journal() if entry["event"] == "prune"] == [sorted(gone)]
    again = store.prune(held)
    assert (again.code, set(store.names())) == (0, set(names) - gone | {alien.name, other.name})


def test_keep_is_what_the_inventory_says(make_store: MakeStore, server: LocalServer) -> None:
    server.create("shop")
    assert (
        vars(make_store().database().keep)
        == DatabaseSettings.model_fields["keep"].get_default(call_default_factory=True).model_dump()
    )
    assert vars(make_store(keep=KEEP).database().keep) == KEEP


def test_a_dry_run_removes_nothing_and_a_real_one_spares_what_a_release_holds(make_project: MakeProject) -> None:
    project = make_project(keep={"last": 1, "daily": 0, "weekly": 0})
    names = fill(project.store, TIMES[:4])
    release = "20261001T120000Z-0123456789ab"
    app = project.store.home / "api"
    (app / "releases" / release).mkdir(parents=True)
    (app.parent / ".lockstitch" / "api").mkdir(parents=True)
    record = {"event": "release", "app": "api", "release": release, "revision": "0" * 40, "verdict": "good"}
    (app.parent / ".lockstitch" / "api" / "journal.jsonl").write_text(
        json.dumps({**record, "backup": names[1]}, separators=(",", ":")) + "\n"
    )
    project.inventory["apps"] = {
        "api": {
            "repository": "/nowhere",
            "layout": "releases",
            "path": "api",
            "database": "main",
            "service": {"kind": "command", "reload": "true", "status": "true"},
        }
    }
    project.inventory["groups"]["backend"]["apps"] = ["api"]
    dry = project.fab("--dry", "backup.prune")
    assert dry.code == 0 and project.store.names() == names, dry.said
    for name in (names[0], names[2]):
        assert name in dry.out, dry.said
    ran = project.fab("backup.prune")
    assert ran.code == 0, ran.said
    assert project.store.names() == [names[1], names[3]]
    listed = project.fab("backup.list")
    assert f"release {release}" in listed.out, listed.said
    again = project.fab("backup.prune")
    assert again.code == 0 and "every backup is kept" in again.out, again.said
    journal = app.parent / ".lockstitch" / "api" / "journal.jsonl"
    kept = journal.read_bytes()
    journal.write_bytes(b"\0" * 200 + kept + b"\0" * 200)
    damaged = project.fab("backup.prune")
    assert damaged.code == 0 and "every backup is kept" in damaged.out, damaged.said
    shown = project.fab("history")
    assert shown.code == 0 and release in shown.out, shown.said
    journal.unlink()
    journal.mkdir()
    for words in (("backup.prune",), ("history",), ("rollback",), ("status",), ("disk.clean",)):
        refused = project.fab(*words)
        assert refused.code == 7, (words, refused.said)
        assert "unreadable: .lockstitch/api/journal.jsonl: it is no file" in refused.said, (words, refused.said)
    assert project.store.names() == [names[1], names[3]]
    shutil.rmtree(app.parent / ".lockstitch")
    shutil.rmtree(app)


def spoil_vault(store: Store) -> str:
    store.vault.rename(store.vault.with_name("away"))
    store.vault.symlink_to("/nowhere/vault")
    return f"{store.vault.name}: "


def spoil_journal(store: Store) -> str:
    (store.state() / "journal.jsonl").unlink()
    (store.state() / "journal.jsonl").mkdir()
    return "journal.jsonl: it is no file"


def spoil_marks(store: Store) -> str:
    (store.state() / "damaged").symlink_to("/nowhere/damaged")
    return "damaged: "


@pytest.mark.parametrize("spoil", [spoil_vault, spoil_journal, spoil_marks])
def test_a_vault_that_cannot_be_read_is_not_an_empty_one(
    server: LocalServer, make_store: MakeStore, spoil: Callable[[Store], str]
) -> None:
    server.create("shop")
    store = make_store(keep={"last": 1, "daily": 0, "weekly": 0})
    fill(store, TIMES[:3])
    why = spoil(store)
    before = sorted(store.home.rglob("*"))
    for ended in (store.prune(), store.backup(), store.verify(), store.prove()):
        assert ended.code == 7, ended
        assert "unreadable: " in ended.said and why in ended.said
    found = store.look(servers=False)["main"]
    findings = list(health_check.backups(found, 60.0, datetime.now(UTC), "fab -H box"))
    assert {finding.level for finding in findings} == {"fail"} and any(why in finding.says for finding in findings)
    assert sorted(store.home.rglob("*")) == before


def test_a_dump_from_the_future_takes_nobodys_place_and_is_told(server: LocalServer, make_store: MakeStore) -> None:
    """Made when the host's clock was years ahead: it would be the newest for years."""
    server.create("shop")
    store = make_store(keep={"last": 2, "daily": 0, "weekly": 0})
    names = fill(
        store, ["2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z", "2020-01-03T00:00:00Z", "2099-01-01T00:00:00Z"]
    )
    found = store.look(servers=False)["main"]
    assert found.newest and found.newest.name == names[2] and [b.name for b in found.future] == [names[3]]
    said = {f.says: f.level for f in health_check.backups(found, 60.0, datetime.now(UTC), "fab -H box")}
    assert any(names[3] in text and level == "warn" for text, level in said.items())
    assert any(names[2] in text and level == "fail" for text, level in said.items()), "and the newest is years old"
    shown = backups_text({"main": found}, why_kept(found.backups, store.database().keep, {}, found.future))
    assert f"! {names[3]} is dated 2099-01-01T00:00:00Z, and on its host it is {found.now}" in shown
    assert store.prune().code == 0
    assert store.names() == names[1:]


def test_one_dump_that_cannot_be_removed_keeps_no_other_and_no_next_one(
    server: LocalServer, make_store: MakeStore, tmp_path: Path
) -> None:
    server.create("shop")
    store = make_store(keep={"last": 1, "daily": 0, "weekly": 0})
    names = fill(store, TIMES[:4])
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "rm").write_text(
        f"#!/bin/sh\ncase $* in *{names[1]}*) echo \"rm: cannot remove 'x': Permission denied\" >&2; exit 1 ;; esac\n"
        'exec /bin/rm "$@"\n'
    )
    (tools / "rm").chmod(0o755)
    store.remote.env["PATH"] = f"{tools}:{store.remote.env['PATH']}"
    ended = store.prune()
    assert ended.code == 0, ended
    gone = store.vault / f".{names[1]}.part"
    assert f"{gone} cannot be removed: Permission denied" in ended.said and f"sudo rm -rf -- '{gone}'" in ended.said
    assert store.names() == [names[3]] and gone.exists()
    made = store.backup()
    assert made.code == 0 and f"{gone} cannot be removed" in made.said, made
    assert len(store.names()) == 2
