"""Nothing that is there is touched, and what cannot be written whole is not written at all."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lockstitch.cli.scaffold import write
from lockstitch.cli.scaffold.files import template
from lockstitch.cli.scaffold.init import begin
from lockstitch.errors import InventoryError, LockstitchError, UsageError
from tests.cli.scaffold.newcomer import held

FILES = {"a.txt": b"a", "tasks/b.py": b"b", "tasks/c/d.py": b"d", ".e": b"e"}
TOPS = ("fabfile.py", "fabric.yaml", "tasks", "hosts", ".gitignore", "requirements.txt", "README.md")


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        write.put(tmp_path / "x" / "y" / "ops", FILES)
    finally:
        os.umask(umask)
    assert held(tmp_path / "x" / "y" / "ops") == FILES
    assert (tmp_path / "x" / "y" / "ops").stat().st_mode & 0o777 == 0o750
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("there", ["empty", "notes.txt", ".git/config", ".venv/pyvenv.cfg"])
def test_a_folder_that_is_there_may_hold_other_things(tmp_path: Path, there: str) -> None:
    folder = tmp_path / "ops"
    folder.mkdir()
    mine = {} if there == "empty" else {there: b"mine"}
    for name in mine:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"mine")
    write.put(folder, FILES)
    assert held(folder) == {**FILES, **mine}


@pytest.mark.parametrize("top", TOPS)
@pytest.mark.parametrize("kind", ["file", "folder", "dangling"])
def test_what_is_in_the_way_is_named_before_anything_is_asked(tmp_path: Path, top: str, kind: str) -> None:
    def ask(question: str) -> str:
        raise AssertionError(f"asked {question}")

    if kind == "file":
        (tmp_path / top).write_text("mine")
    elif kind == "folder":
        (tmp_path / top).mkdir()
    else:
        (tmp_path / top).symlink_to("nowhere")
    before = held(tmp_path)
    with pytest.raises(UsageError, match=rf"holds already: {top}; nothing was written"):
        begin(str(tmp_path), {}, ask=ask)
    assert held(tmp_path) == before
    assert os.listdir(tmp_path) == [top]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "ops").write_text("mine")
    with pytest.raises(UsageError, match="is no folder"):
        begin(str(tmp_path / "ops"), {})
    with pytest.raises(NotADirectoryError):
        begin(str(tmp_path / "ops" / "inner"), {})
    assert held(tmp_path) == {"ops": b"mine"}


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_move_that_fails_leaves_the_folder_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: BaseException
) -> None:
    (tmp_path / "mine").write_text("mine")
    moves, rename = [0], Path.rename

    def failing(self: Path, to: Path) -> Path:
        moves[0] += 1
        if moves[0] == number + 1:
            raise error
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(type(error)):
        write.put(tmp_path, FILES)
    assert held(tmp_path) == {"mine": b"mine"}
    assert os.listdir(tmp_path) == ["mine"]


def test_what_comes_into_the_way_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = write._write

    def slow(folder: Path, files: write.FileContents) -> None:
        plain(folder, files)
        (tmp_path / "tasks").mkdir()
        (tmp_path / "tasks" / "theirs").write_text("theirs")

    monkeypatch.setattr(write, "_write", slow)
    with pytest.raises(UsageError, match="holds already: tasks"):
        write.put(tmp_path, FILES)
    assert held(tmp_path) == {"tasks/theirs": b"theirs"}
    assert os.listdir(tmp_path) == ["tasks"]


def test_a_disk_that_is_full_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []
    plain = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        written.append(self)
        if len(written) == 3:
            raise OSError(28, "No space left on device", str(self))
        return plain(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write.put(tmp_path / "ops", FILES)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("there", [False, True])
def test_an_inventory_that_cannot_be_read_is_not_written(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "ops"
    if there:
        folder.mkdir()
    with pytest.raises(InventoryError, match=r"^hosts/prod.yml:\d+: apps.api.service: give either"):
        begin(str(folder), {"service": "gunicorn"})
    assert folder.exists() == there
    assert held(tmp_path) == {}


def test_git_init_is_run_where_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As in a hook of another repository.
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))
    begin(str(tmp_path / "with"), {}, git=True)
    begin(str(tmp_path / "without"), {})
    assert (tmp_path / "with" / ".git" / "HEAD").is_file()
    assert not (tmp_path / "without" / ".git").exists()
    assert not (tmp_path / "other").exists()
    monkeypatch.delenv("GIT_DIR")
    there = tmp_path / "there"
    subprocess.run(["git", "init", "-q", str(there)], check=True)
    before = held(there / ".git")
    begin(str(there), {}, git=True)
    assert held(there / ".git") == before
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LockstitchError, match="git is not installed here"):
        begin(str(tmp_path / "no-git"), {}, git=True)
    assert not (tmp_path / "no-git").exists()


def test_a_dry_one_shows_the_inventory_and_writes_nothing(tmp_path: Path) -> None:
    said = begin(str(tmp_path / "ops"), {"app": "shop"}, dry=True)
    assert said.startswith("would be made in ")
    assert "    path: /srv/shop" in said
    assert os.listdir(tmp_path) == []


def test_the_template_copies_no_task() -> None:
    found = template()
    assert set(found) == {"fabfile.py", "fabric.yaml", "tasks/__init__.py"}
    assert found["fabric.yaml"] == (Path(__file__).resolve().parents[3] / "fabric.yaml").read_bytes()
