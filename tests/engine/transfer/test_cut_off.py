"""Transfers that are cut off: nothing looks whole that is not, and the next one goes on where it was."""

from __future__ import annotations

import hashlib
import os
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockstitch.engine.fanout import FanoutOptions
from lockstitch.engine.transfer import DownloadRequest, LocalSource, PartNames, TransferProgress, UploadRequest, carry
from lockstitch.errors import ExitCode
from lockstitch.model.host import Host
from lockstitch.model.plan import Script
from lockstitch.remote import FileMode
from scripts.sandbox import Sandbox
from tests.engine.transfer.carried import HOST, Place, parts

CHUNK = 1 << 16
WHOLE = 5 * CHUNK + 17
# Nothing, one byte, and both sides of every boundary.
CUTS = sorted({0, 1, WHOLE, *(n * CHUNK + more for n in range(1, 6) for more in (-1, 0, 1))})


@pytest.fixture(autouse=True, params=["small", "big"])
def small_pieces(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The checksum of a big file is made while it is carried, that of a small one before."""
    for where in ("upload", "download") if request.param == "big" else ():
        monkeypatch.setattr(f"lockstitch.engine.transfer.{where}.BIG_FILE", 1)
    monkeypatch.setattr("lockstitch.engine.transfer.local_source.CHUNK", CHUNK)
    monkeypatch.setattr("lockstitch.remote.local._BUFFER", 1)


def content(size: int, seed: int = 0) -> bytes:
    return b"".join(hashlib.sha256(f"{seed} {n}".encode()).digest() for n in range(size // 32 + 1))[:size]


class Cut:
    """The connection drops once, after so many bytes."""

    def __init__(self, after: int, mode: FileMode) -> None:
        self.after, self.mode, self.left = after, mode, 1

    def __call__(self, host: Host, path: str, mode: FileMode) -> int | None:
        if not self.left or mode != self.mode:
            return None
        self.left -= 1
        return self.after


@pytest.mark.parametrize("after", CUTS)
def test_a_put_goes_on_where_it_was(place: Place, tmp_path: Path, after: int) -> None:
    (tmp_path / "big").write_bytes(content(WHOLE))
    (place.home / "big").write_bytes(b"old")
    place.local.cuts.append(Cut(after, "wb"))
    done, _ = place.put(tmp_path / "big", "big")
    if after < WHOLE:
        assert done.code is ExitCode.UNREACHABLE and "the connection dropped" in done.words
        assert (place.home / "big").read_bytes() == b"old"
        (part,) = parts(place.home)
        assert part.stat().st_mode & 0o777 == 0o600 and content(WHOLE).startswith(part.read_bytes())
        there = part.stat().st_size
        assert there in (after, after - 1), "all that was written, but what a buffer held"
        done, moved = place.put(tmp_path / "big", "big")
        assert moved and moved.size == WHOLE - there and moved.resumed == (there > 0)
    assert done.code is ExitCode.DONE, done.words
    assert (place.home / "big").read_bytes() == content(WHOLE) and not parts(place.home)


@pytest.mark.parametrize("after", CUTS)
def test_a_get_goes_on_where_it_was(place: Place, tmp_path: Path, after: int) -> None:
    (place.home / "big").write_bytes(content(WHOLE))
    to = tmp_path / "to"
    to.mkdir()
    (to / "big").write_bytes(b"old")
    place.local.cuts.append(Cut(after, "rb"))
    done, _ = place.get("big", to)
    if after < WHOLE:
        assert done.code is ExitCode.UNREACHABLE, done.words
        assert (to / "big").read_bytes() == b"old"
        (part,) = parts(to)
        assert part.stat().st_mode & 0o777 == 0o600 and content(WHOLE).startswith(part.read_bytes())
        there = part.stat().st_size
        done, moved = place.get("big", to)
        assert moved and moved.size == WHOLE - there and moved.resumed == (there > 0)
    assert done.code is ExitCode.DONE, done.words
    assert (to / "big").read_bytes() == content(WHOLE) and not parts(to)


@pytest.mark.parametrize("way", ["put", "get"])
def test_a_part_of_something_else_is_thrown_away(place: Place, tmp_path: Path, way: str) -> None:
    near, far = tmp_path / "near", place.home
    near.mkdir()
    source = near if way == "put" else far
    (source / "big").write_bytes(content(WHOLE))
    place.local.cuts.append(Cut(3 * CHUNK, "wb" if way == "put" else "rb"))
    act: Callable[[], object] = lambda: place.put(near / "big", "big") if way == "put" else place.get("big", near)  # noqa: E731
    act()
    (part,) = parts(far if way == "put" else near)
    damaged = bytearray(part.read_bytes())
    damaged[5] ^= 1
    part.write_bytes(bytes(damaged) + b"more")
    act()
    assert (far / "big").read_bytes() == (near / "big").read_bytes() == content(WHOLE)
    assert not parts(near, far)


@pytest.mark.parametrize("way", ["put", "get"])
def test_of_a_folder_only_the_rest_is_carried(place: Place, tmp_path: Path, way: str) -> None:
    near, far = tmp_path / "near", place.home
    near.mkdir()
    folder = (near if way == "put" else far) / "d"
    folder.mkdir()
    for name in "abc":
        (folder / name).write_bytes(content(2 * CHUNK, ord(name)))
    opened: list[str] = []

    def second(host: Host, path: str, mode: FileMode) -> int | None:
        opened.append(path)
        return CHUNK if len(opened) == 2 else None

    place.local.cuts.append(second)
    done, _ = place.put(near / "d", "d") if way == "put" else place.get("d", near)
    assert done.code is ExitCode.UNREACHABLE
    done, moved = place.put(f"{near}/d/.", "d") if way == "put" else place.get("d", near)
    assert done.code is ExitCode.DONE, done.words
    assert moved and moved.resumed >= 1 and moved.size == 3 * CHUNK
    assert all((near / "d" / name).read_bytes() == (far / "d" / name).read_bytes() for name in "abc")
    assert not parts(near, far)


def test_a_file_that_changes_while_it_is_sent(place: Place, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(content(WHOLE))
    (place.home / "big").write_bytes(b"old")

    def change(host: Host, path: str, mode: FileMode) -> None:
        big.write_bytes(content(WHOLE, 2))

    place.local.cuts.append(change)
    done, _ = place.put(big, "big")
    assert done.code is ExitCode.CHECK_SAID_NO
    assert done.words == f"api1: {big} was changed while it was sent; ./big is as it was"
    assert (place.home / "big").read_bytes() == b"old" and not parts(place.home)


def test_a_file_that_changes_while_it_is_fetched(place: Place, tmp_path: Path) -> None:
    log, to = place.home / "log", tmp_path / "to"
    log.write_bytes(content(WHOLE))
    to.mkdir()
    (to / "log").write_bytes(b"old")

    def told(progress: TransferProgress) -> None:
        log.write_bytes(content(WHOLE, 2))

    done, _ = carry(place.remote, [HOST], DownloadRequest("log", to), place.names, FanoutOptions(), told)
    assert done["api1"].code is ExitCode.CHECK_SAID_NO
    assert f"./log was changed while it was fetched; {to}/log is as it was" in done["api1"].words
    assert (to / "log").read_bytes() == b"old" and not parts(to)


def test_a_log_that_grows_while_it_is_fetched(place: Place, tmp_path: Path) -> None:
    (place.home / "d").mkdir()
    log = place.home / "d" / "log"
    log.write_bytes(content(WHOLE))

    def grow(*about: object) -> None:
        with log.open("ab") as file:
            file.write(b"one more line\n")

    place.local.cuts.append(grow)
    done, _ = place.get("d/log", tmp_path)
    assert done.code is ExitCode.DONE, done.words
    got, more = (tmp_path / "log").read_bytes(), b"one more line\n"
    assert got in (content(WHOLE), content(WHOLE) + more, content(WHOLE) + 2 * more), "as it was at one moment"
    # In a folder, before each question and each answer.
    place.local.faults.append(grow)
    done, _ = place.get("d", tmp_path)
    assert done.code is ExitCode.DONE, done.words
    got = (tmp_path / "d" / "log").read_bytes()
    assert log.read_bytes().startswith(got) and got.startswith(content(WHOLE)) and got.endswith(b"line\n")


def test_a_log_that_grows_while_it_is_sent(place: Place, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(content(WHOLE))

    def grow(*about: object) -> None:
        with log.open("ab") as file:
            file.write(b"one more line\n")

    place.local.cuts.append(grow)
    done, _ = place.put(log, "log")
    assert done.code is ExitCode.DONE, done.words
    assert (place.home / "log").read_bytes() == content(WHOLE), "as it was when it was looked at"


def test_a_file_that_is_replaced_while_it_is_sent(place: Place, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(content(WHOLE))

    def replace(host: Host, path: str, mode: FileMode) -> None:
        (tmp_path / "new").write_bytes(content(WHOLE + CHUNK, 2))
        (tmp_path / "new").rename(big)

    place.local.cuts.append(replace)
    done, _ = place.put(big, "big")
    assert done.code is ExitCode.CHECK_SAID_NO and "was changed while it was sent" in done.words
    assert os.listdir(place.home) == []


def test_the_checksum_of_a_big_file_is_made_while_it_is_carried(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for where in ("upload", "download"):
        monkeypatch.setattr(f"lockstitch.engine.transfer.{where}.BIG_FILE", 1)
    opened, late, prefix = threading.Event(), list[bool](), LocalSource.prefix

    def after_opening(*of: Any) -> str:
        late.append(opened.wait(10))
        return prefix(*of)

    def on_the_host(host: Host, script: Script) -> None:
        if "head -c" in script.steps[0].command.render():
            late.append(opened.wait(10))

    (tmp_path / "big").write_bytes(content(WHOLE))
    monkeypatch.setattr(LocalSource, "prefix", after_opening)
    place.local.cuts.append(lambda host, path, mode: opened.set())
    done, _ = place.put(tmp_path / "big", "big")
    assert done.code is ExitCode.DONE and late == [True], "while the file was open on the host"
    opened.clear()
    place.local.faults.append(on_the_host)
    done, _ = place.get("big", tmp_path / "to")
    assert done.code is ExitCode.DONE and late == [True, True]
    done, moved = place.get("big", tmp_path / "to")
    assert moved and moved.unchanged == 1, "of the same size is compared before"
    (tmp_path / "to" / "big").write_bytes(content(WHOLE, 2))
    done, moved = place.get("big", tmp_path / "to")
    assert moved and moved.files == 1 and (tmp_path / "to" / "big").read_bytes() == content(WHOLE)
    done, moved = place.put(tmp_path / "big", "big")
    assert moved and moved.unchanged == 1


def test_a_file_that_is_replaced_is_fetched_whole(place: Place, tmp_path: Path) -> None:
    new = content(WHOLE + CHUNK, 2)
    (place.home / "conf").write_bytes(content(WHOLE))
    place.local.cuts.append(lambda host, path, mode: (place.home / "conf").write_bytes(new) and None)
    done, _ = place.get("conf", tmp_path)
    assert done.code is ExitCode.DONE, done.words
    assert (tmp_path / "conf").read_bytes() == new, "and not as much of the new one as the old one had"


def test_what_arrives_damaged_does_not_stay(place: Place, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(content(WHOLE))

    def damage(host: Host, script: Script) -> None:
        for part in parts(place.home):
            with part.open("r+b") as file:
                file.write(b"damage")

    place.local.faults.append(damage)
    done, _ = place.put(tmp_path / "big", "big")
    assert done.code is ExitCode.CHECK_SAID_NO
    assert done.words == "api1: ./big did not arrive as it was sent, and is as it was"
    assert os.listdir(place.home) == []


def test_two_at_the_same_time_never_mix(place: Place, tmp_path: Path) -> None:
    """Of each content two people, with names of their own; one's two processes have a slot each."""
    sources = [content(WHOLE, 1), content(WHOLE, 2), content(WHOLE, 1), content(WHOLE, 2)]
    together = threading.Barrier(len(sources))
    ended: list[ExitCode] = []

    def one(number: int) -> None:
        (tmp_path / str(number)).write_bytes(sources[number])
        with PartNames(tmp_path / ("mine" if number < 2 else f"others{number}")) as names:
            together.wait()
            source = LocalSource(str(tmp_path / str(number)))
            done, _ = carry(place.remote, [HOST], UploadRequest(source, "big"), names, FanoutOptions())
            ended.append(done["api1"].code)

    for _ in range(5):
        threads = [threading.Thread(target=one, args=[number]) for number in range(len(sources))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (place.home / "big").read_bytes() in sources and not parts(place.home)
    assert set(ended) == {ExitCode.DONE}


def test_names_are_the_same_again_and_nobody_elses(tmp_path: Path) -> None:
    with PartNames(tmp_path / "a") as mine:
        name = mine.part("api1", "big", "sum")
        with PartNames(tmp_path / "a") as beside:
            assert beside.part("api1", "big", "sum") != name, "another process beside it"
    with PartNames(tmp_path / "a") as again:
        assert again.part("api1", "big", "sum") == name
        assert len({name, again.part("api2", "big", "sum"), again.part("api1", "b", "igsum")}) == 3
    with PartNames(tmp_path / "b") as other:
        assert other.part("api1", "big", "sum") != name
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").touch()
    with PartNames(tmp_path / "file" / "not") as nowhere:
        assert nowhere.part("a").startswith(".lockstitch-"), "where nothing can be kept it works as well"


@pytest.mark.parametrize("way", ["put", "get"])
def test_a_connection_that_drops_in_the_middle(over_ssh: Place, sandbox: Sandbox, tmp_path: Path, way: str) -> None:
    near, far = tmp_path / "near", over_ssh.home / "far"
    near.mkdir()
    far.mkdir(exist_ok=True)
    whole = content(200 * CHUNK)
    ((near if way == "put" else far) / "big").write_bytes(whole)
    dropped: list[int] = []

    def told(progress: TransferProgress) -> None:
        if progress.transferred >= progress.of // 2 and not dropped:
            dropped.append(progress.transferred)
            sandbox.do("api1", "drop")

    what = (
        UploadRequest(LocalSource(str(near / "big")), "far/big") if way == "put" else DownloadRequest("far/big", near)
    )
    done, _ = carry(over_ssh.remote, [HOST], what, over_ssh.names, FanoutOptions(), told)
    assert done["api1"].code is ExitCode.UNREACHABLE, done["api1"].words
    target = far if way == "put" else near
    assert not (target / "big").exists()
    done, moved = carry(over_ssh.remote, [HOST], what, over_ssh.names, FanoutOptions(), told)
    assert done["api1"].code is ExitCode.DONE, done["api1"].words
    assert moved["api1"].resumed == 1 and moved["api1"].size < len(whole)
    assert (target / "big").read_bytes() == whole and not parts(target)
    (far / "big").unlink()


@pytest.mark.parametrize("way", ["put", "get"])
def test_memory_does_not_grow_with_the_file(place: Place, tmp_path: Path, way: str) -> None:
    with ((tmp_path if way == "put" else place.home) / "big").open("wb") as file:
        file.truncate(50 << 20)
    tracemalloc.start()
    try:
        done, _ = place.put(tmp_path / "big", "big") if way == "put" else place.get("big", tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 5 << 20
    finally:
        tracemalloc.stop()
    assert done.code is ExitCode.DONE, done.words
