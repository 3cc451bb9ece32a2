"""Whatever is not as it was dumped is found, said, and ends with 7; nothing is changed by looking."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.databases import damage
from tests.databases.dialects import speaks
from tests.databases.engines import one_engine, only_postgres
from tests.databases.store import SHOP, Store
from tests.servers import LocalServer

FILE = "is damaged"
CASES: dict[str, tuple[damage.Damage, str]] = {
    "the first byte": (damage.flipped(0), FILE),
    "a byte of the head": (damage.flipped(0.02), FILE),
    "a byte in the middle": (damage.flipped(0.5), FILE),
    "a byte near the end": (damage.flipped(0.98), FILE),
    "the last byte": (damage.flipped(1), FILE),
    "half a file": (damage.cut(0.5), FILE),
    "a file without its last byte": (damage.cut(-1), FILE),
    "an empty file": (damage.cut(0), FILE),
    "a file that is longer": (damage.longer, FILE),
    "a missing file": (damage.without_file, FILE),
    "an extra file": (damage.extra_file, "has files its manifest lacks"),
    "no manifest": (damage.without_manifest, "has no manifest"),
    "an empty manifest": (damage.empty_manifest, "has no manifest"),
    "a manifest without its end": (damage.cut_manifest(1), "cut off"),
    "a manifest without its files": (damage.cut_manifest(3), "cut off"),
    "a manifest cut in a line": (damage.half_manifest, "cut off"),
    "another number of rows": (damage.edited('"rows":300,', '"rows":301,'), "was changed"),
    "another sum of all rows": (damage.edited('"rows":340,', '"rows":341,'), "was changed"),
    "another time": (damage.edited('"at":"20', '"at":"19'), "was changed"),
    "another revision": (damage.edited('"label":""', '"label":"x"'), "was changed"),
    "another sum": (damage.edited('"sha256":"[0-9a-f]{4}', '"sha256":"0000'), "was changed"),
    "another size of a file": (
        damage.edited(r'\{"name":"database([^"]*)","bytes":', r'{"name":"database\1","bytes":1'),
        "was changed",
    ),
    "a file's name": (damage.edited('"name":"database', '"name":"dutubase'), "was changed"),
    "a table less": (damage.edited(r'"public.customers":.*\n', ""), "was changed"),
    "no JSON at all": (damage.no_json, "cut off"),
}
FOLDERS = ("a byte in the middle", "a missing file", "an extra file", "an empty file")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, local_server: LocalServer) -> dict[int, Store]:
    """A store for each number of jobs with one backup in it; the server is not needed again."""
    stores = {}
    local_server.reset()
    local_server.create("shop", *SHOP)
    for jobs in speaks(local_server).jobs:
        root = tmp_path_factory.mktemp(f"jobs{jobs}")
        store = stores[jobs] = Store(root, local_server, {"main": local_server.url("shop")}, jobs=jobs)
        assert store.backup().code == 0
        shutil.copytree(store.vault / store.names()[0], root / "saved")
    return stores


def restored(store: Store) -> Path:
    """The backup as it was made."""
    (name,) = store.names()
    shutil.rmtree(store.vault / name)
    shutil.copytree(store.root / "saved", store.vault / name)
    return store.vault / name


@one_engine
@pytest.mark.parametrize("jobs, what", [*((1, what) for what in CASES), *((2, what) for what in FOLDERS)])
def test_damage_is_found_and_said(made: dict[int, Store], jobs: int, what: str) -> None:
    store = made[jobs]
    folder = restored(store)
    hurt, said = CASES[what]
    hurt(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    ended = store.verify(folder.name)
    assert ended.code == 7, ended
    assert said in str(ended) and folder.name in str(ended), ended
    assert "HINT" in ended.said or "next" in ended.said
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert store.leftovers() == []


@one_engine
@pytest.mark.parametrize("what", ["the last byte", "no manifest", "another number of rows"])
def test_what_is_damaged_is_neither_proven_nor_restored(made: dict[int, Store], what: str) -> None:
    store = made[1]
    folder = restored(store)
    hurt, said = CASES[what]
    hurt(folder)
    for refused in (store.prove(folder.name), store.restore(folder.name)):
        assert refused.code == 7 and said in str(refused), refused
    assert store.server.databases() == ["shop"] and store.leftovers() == []


@only_postgres
def test_files_of_a_folder_in_each_others_places_are_found(made: dict[int, Store]) -> None:
    folder = restored(made[2])
    damage.swapped_files(folder)
    ended = made[2].verify(folder.name)
    assert ended.code == 7 and str(ended).count("FAILED") >= 2, ended


@only_postgres
def test_every_damaged_file_is_named_and_no_other(made: dict[int, Store]) -> None:
    folder = restored(made[2])
    files = sorted((folder / "database").glob("*.dat*"))
    for file in files[1:]:
        file.unlink()
    ended = made[2].verify(folder.name)
    assert all(file.name in str(ended) for file in files[1:]) and files[0].name not in str(ended), ended


@one_engine
def test_what_was_proven_is_verified_as_before(made: dict[int, Store]) -> None:
    """The proof is added to the manifest, which is otherwise as it was; proven twice is proven once."""
    store = made[1]
    folder = restored(store)
    for _ in range(2):
        assert store.prove(folder.name).code == 0
        assert (folder / "manifest.json").read_text().count('"proven":') == 1
        assert store.verify(folder.name).code == 0
        assert store.backups()[0].proven
    text = (folder / "manifest.json").read_text().splitlines()
    assert [line for line in text if '"proven"' not in line] == (
        store.root / "saved" / "manifest.json"
    ).read_text().splitlines()
    damage.edited('"rows":300,', '"rows":301,')(folder)
    assert store.verify(folder.name).code == 7


def test_a_whole_one_needs_no_server(made: dict[int, Store]) -> None:
    store = made[1]
    name = restored(store).name
    with store.server.stopped():
        assert store.verify(name).code == 0
        assert store.prune().code == 0
        assert store.backup().code == 7
        assert [b.good for b in store.backups()] == [True]


@one_engine
def test_a_backup_that_is_not_there_is_a_usage_error(made: dict[int, Store]) -> None:
    restored(made[1])
    ended = made[1].verify("main-20200101T000000Z-0000")
    assert ended.code == 2 and "there is no backup" in ended.said, ended


def test_damage_to_a_dump_is_found(made: dict[int, Store]) -> None:
    """Whatever its file is called: the cases above are of the files that one engine writes."""
    store = made[1]
    for hurt in (damage.flipped(0.5), damage.cut(-1), damage.without_file, damage.extra_file):
        folder = restored(store)
        assert (folder / speaks(store.server).file).exists()
        hurt(folder)
        assert store.verify(folder.name).code == 7


def test_a_dump_that_cannot_be_read_is_found(made: dict[int, Store]) -> None:
    """Even where every sum is right: it was damaged before they were taken."""
    store = made[1]
    for data in speaks(store.server).unreadable_ones((restored(store) / speaks(store.server).file).read_bytes()):
        folder = restored(store)
        rewritten(folder, speaks(store.server).file, data)
        ended = store.verify(folder.name)
        assert ended.code == 7 and speaks(store.server).unreadable in str(ended), ended


def rewritten(folder: Path, file: str, data: bytes) -> None:
    """Another file is in the place of a dump, and the manifest says that it is right."""
    (folder / file).write_bytes(data)
    text = (folder / "manifest.json").read_text()
    files = {each["name"]: each for each in json.loads(text)["files"]}
    before = sums(files)
    changed = {**files[file], "bytes": len(data), "sha256": sha256(data).hexdigest()}
    text = text.replace(compact(files[file]), compact(changed))
    text = text.replace(before, sums({**files, file: changed}))
    (folder / "manifest.json").write_text(text)
    damage.resealed(folder)


def sums(files: dict[str, Any]) -> str:
    """The sum of the lines of all files."""
    return sha256("".join(f"{compact(each)}\n" for each in files.values()).encode()).hexdigest()


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
