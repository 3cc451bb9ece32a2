"""Whole folders: what is put and fetched again is what it was, whatever the names, modes and links."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockstitch.engine.transfer import LocalSource
from lockstitch.engine.transfer.tree import BYTES_A_BATCH, FILES_A_BATCH, TreeEntry, batches, misplaced
from lockstitch.errors import ExitCode, UsageError
from tests.engine.transfer.carried import Place, parts, thing, things

ONCE = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

NAMES = st.one_of(
    st.sampled_from(
        [b"a b", b"it's", b'"', b"new\nline", b"\xff\xfe", b"-rf", b"$(x)", b"*", b"\\n", b"\n", b" ", b"~"]
    ),
    st.binary(min_size=1, max_size=12).filter(lambda name: not {0, ord("/")} & set(name) and name not in (b".", b"..")),
)
MODES = st.sampled_from([0o600, 0o644, 0o755, 0o400, 0o777, 0o640])
FILES = st.tuples(st.just("file"), MODES, st.binary(max_size=300))
LINKS = st.tuples(st.just("link"), st.just(0), NAMES)
TREES = st.recursive(
    st.one_of(FILES, LINKS),
    lambda inner: st.tuples(st.just("folder"), st.sampled_from([0o755, 0o700, 0o555]), st.dictionaries(NAMES, inner)),
    max_leaves=12,
)
FOLDERS = st.dictionaries(NAMES, TREES, max_size=5)


def make(at: bytes, tree: object) -> None:
    """Make a tree of the disk."""
    os.mkdir(at)
    fill(at, tree)


def fill(at: bytes, tree: object) -> None:
    assert isinstance(tree, dict)
    for name, (kind, mode, what) in tree.items():
        path = os.path.join(at, name)
        if kind == "link":
            os.symlink(what, path)
            continue
        if kind == "folder":
            make(path, what)
        else:
            with open(path, "wb") as file:
                file.write(what)
        os.chmod(path, mode)


def there_and_back(place: Place, tree: object) -> None:
    work = Path(tempfile.mkdtemp(dir=place.home))
    try:
        make(os.fsencode(work / "tree"), tree)
        done, moved = place.put(work / "tree", work / "there")
        assert done.code is ExitCode.DONE, done.words
        done, _ = place.get(work / "there", work / "back")
        assert done.code is ExitCode.DONE, done.words
        assert things(work / "back" / "there") == things(work / "there") == things(work / "tree")
        done, moved = place.put(f"{work}/tree/.", work / "there")
        assert done.code is ExitCode.DONE and moved and moved.files == 0, "nothing is sent twice"
        done, moved = place.get(f"{work}/there/.", work / "back" / "there")
        assert done.code is ExitCode.DONE and moved and moved.files == 0, "nothing is fetched twice"
        assert things(work / "back" / "there") == things(work / "tree") and not parts(work)
    finally:
        shutil.rmtree(work, onerror=_open_and_again)


def _open_and_again(do: Callable[..., object], path: str, _: object) -> None:
    os.chmod(os.path.dirname(path), 0o700)
    do(path)


@ONCE
@given(tree=FOLDERS)
def test_a_folder_is_the_same_again(place: Place, tree: object) -> None:
    there_and_back(place, tree)


@settings(ONCE, max_examples=8)
@given(tree=FOLDERS)
def test_a_folder_is_the_same_again_over_ssh(over_ssh: Place, tree: object) -> None:
    there_and_back(over_ssh, tree)


def test_a_folder_that_is_there_receives_it_under_its_name(place: Place, tmp_path: Path) -> None:
    make(os.fsencode(tmp_path / "conf"), {b"a": ("file", 0o644, b"one")})
    (place.home / "srv").mkdir()
    for _ in range(2):
        done, _ = place.put(tmp_path / "conf", "srv")
        assert done.code is ExitCode.DONE, done.words
        assert things(place.home / "srv").keys() == {b"", b"conf", b"conf/a"}
    place.put(f"{tmp_path}/conf/", "new")
    place.put(f"{tmp_path}/conf/.", "new")
    assert things(place.home / "new").keys() == {b"", b"a"}, "a folder that is not there becomes it"
    place.put(tmp_path / "conf" / "a", "srv")
    place.put(tmp_path / "conf" / "a", "srv/b")
    assert set(os.listdir(place.home / "srv")) == {"conf", "a", "b"}
    done, _ = place.put(tmp_path / "conf" / "a", "none/")
    assert done.code is ExitCode.CHECK_SAID_NO and "there is no folder ./none/" in done.words
    done, _ = place.put(tmp_path / "conf" / "a", "none/a")
    assert done.code is ExitCode.CHECK_SAID_NO and "there is no folder ./none" in done.words
    before = things(place.home)
    done, _ = place.put(tmp_path / "conf", "srv/a")
    assert done.code is ExitCode.CHECK_SAID_NO and "./srv/a is a file there" in done.words
    assert things(place.home) == before


def test_modes_are_kept_or_set(place: Place, tmp_path: Path) -> None:
    make(os.fsencode(tmp_path / "d"), {b"a": ("file", 0o755, b"one"), b"s": ("folder", 0o700, {})})
    place.put(tmp_path / "d", "d", 0o640)
    assert thing(os.fsencode(place.home / "d" / "a"))[1] == 0o640
    assert thing(os.fsencode(place.home / "d" / "s"))[1] == 0o700
    _, moved = place.put(f"{tmp_path}/d/.", "d")
    assert moved and moved.files == 1 and thing(os.fsencode(place.home / "d" / "a"))[1] == 0o755
    (place.home / "d").chmod(0o711)
    place.put(f"{tmp_path}/d/.", "d")
    assert thing(os.fsencode(place.home / "d"))[1] == 0o711, "the folder that receives it keeps its own"


def test_links_are_not_followed(place: Place, tmp_path: Path) -> None:
    make(os.fsencode(tmp_path / "d"), {b"s": ("folder", 0o755, {b"a": ("file", 0o644, b"new")})})
    outside = place.home / "outside"
    outside.mkdir()
    (place.home / "d").mkdir()
    (place.home / "d" / "s").symlink_to(outside)
    done, _ = place.put(f"{tmp_path}/d/.", "d")
    assert done.code is ExitCode.CHECK_SAID_NO and "./d/s is not a folder there" in done.words
    assert list(outside.iterdir()) == []
    # The same the other way: a link here, where the host has a folder.
    make(os.fsencode(place.home / "there"), {b"s": ("folder", 0o755, {b"a": ("file", 0o644, b"bad")})})
    (tmp_path / "to" / "there").mkdir(parents=True)
    (tmp_path / "to" / "there" / "s").symlink_to(outside)
    done, _ = place.get("there", tmp_path / "to")
    assert done.code is ExitCode.CHECK_SAID_NO and "is a link here, and not followed" in done.words
    assert list(outside.iterdir()) == []


def test_a_link_in_the_place_of_a_file_stays(place: Place, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("new")
    (place.home / "real").mkdir()
    (place.home / "real" / "it's").write_text("old")
    (place.home / "link").symlink_to("real/it's")
    done, _ = place.put(tmp_path / "a", "link")
    assert done.code is ExitCode.DONE, done.words
    assert (place.home / "link").is_symlink() and (place.home / "real" / "it's").read_text() == "new"


def test_special_files_are_refused_by_name(place: Place, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    os.mkfifo(tmp_path / "d" / "pipe")
    with pytest.raises(UsageError, match="d/pipe: a pipe cannot be sent; nothing was sent"):
        LocalSource(str(tmp_path / "d"))
    os.mkfifo(place.home / "pipe")
    done, _ = place.get("pipe", tmp_path)
    assert done.code is ExitCode.CHECK_SAID_NO and "./pipe is a special file" in done.words
    (place.home / "d").mkdir()
    os.mkfifo(place.home / "d" / "deep")
    done, _ = place.get("d", tmp_path / "to")
    assert done.code is ExitCode.CHECK_SAID_NO and "./d/deep is a special file" in done.words
    assert not (tmp_path / "to").exists()


def test_what_is_not_there(place: Place, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none: no such file or directory"):
        LocalSource(str(tmp_path / "none"))
    done, _ = place.get("none", tmp_path)
    assert done.code is ExitCode.CHECK_SAID_NO and done.words.startswith("api1: there is no none")


@pytest.mark.parametrize(
    ("paths", "bad"),
    [
        (["", "a", "a/b"], None),
        (["", "a/b"], "a/b"),
        (["", "../a"], "../a"),
        (["", "/etc"], "/etc"),
        (["", "a", "a/.."], "a/.."),
        (["", "a", "a//b"], "a//b"),
    ],
)
def test_what_a_host_says_of_its_folder_is_within_it(paths: list[str], bad: str | None) -> None:
    assert misplaced([TreeEntry(path, "folder", 0o755) for path in paths]) == bad


def test_nothing_is_within_a_file_or_a_link() -> None:
    for kind in ("file", "link"):
        entries = [TreeEntry("", "folder", 0o755), TreeEntry("a", kind, 0o644), TreeEntry("a/b", "file", 0o644)]
        assert misplaced(entries) == "a/b"


@given(st.lists(st.integers(0, BYTES_A_BATCH)))
def test_batches_hold_everything_in_order(sizes: list[int]) -> None:
    made = list(batches(sizes, lambda size: size))
    assert [size for batch in made for size in batch] == sizes
    assert all(len(batch) <= FILES_A_BATCH and (len(batch) == 1 or sum(batch) <= BYTES_A_BATCH) for batch in made)
