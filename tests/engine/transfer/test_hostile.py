"""`get` from hosts that lie: nothing outside `--to` is written, whatever a host tells and whatever stands there."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from lockstitch.engine.fanout import FanoutOptions
from lockstitch.engine.nofollow import FolderBelow
from lockstitch.engine.transfer import DownloadRequest, PartNames, carry, host_scripts
from lockstitch.errors import ExitCode, LockstitchError
from lockstitch.model.host import Host
from lockstitch.model.plan import Script
from lockstitch.model.results import HostResult, Observer, Result, StepOutput, nobody
from lockstitch.remote import FileMode
from tests.engine.transfer.carried import HOST, Place, things

BAD = b"bad"


class Liar:
    """A host that tells of any tree: (path, kind, what a link leads to); every file of it holds `BAD`."""

    def __init__(self, *tree: tuple[str, str, str], then: Callable[[], None] = lambda: None) -> None:
        self.tree, self.then = [("", "d", ""), *tree], then

    def run(self, host: Host, script: Script, observe: Observer = nobody) -> tuple[Result, ...]:
        (step,) = script.steps
        path = str(step.command.values.get("ls_path", ""))
        for line in self._lines(step.command.text, path):
            observe(StepOutput(host.name, "", step.name, line))
        return (Result(step.name, 0, "", 0),)

    def _lines(self, text: str, path: str) -> Iterable[str]:
        if text.endswith(host_scripts.LIST):
            told = "".join(f"{kind} 755 {len(BAD)}\0{at}\0{link}\0" for at, kind, link in self.tree) + "end 0\0\0\0"
            return ["= folder", base64.b64encode(told.encode()).decode()]
        assert text.endswith(host_scripts.SUMS)
        sums = "".join(f"{hashlib.sha256(BAD).hexdigest()}  {path}/{at}\0" for at, kind, _ in self.tree if kind == "f")
        return [base64.b64encode(sums.encode()).decode()]

    @contextmanager
    def open(self, host: Host, path: str, mode: FileMode, start: int = 0) -> Iterator[BinaryIO]:
        with open(os.devnull, "r+b") as file:
            file.read = lambda size=-1, left=[BAD]: left.pop() if left else b""  # type: ignore[method-assign,misc]
            yield file
        self.then()

    def connect(self, hosts: Iterable[Host]) -> dict[str, LockstitchError]:
        return {}

    def interrupt(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    (tmp_path / "victim" / "sub").mkdir(parents=True)
    (tmp_path / "victim" / "file").write_text("mine")
    return tmp_path / "victim"


def got(liar: Liar, names: PartNames, to: Path, folders: dict[str, str] | None = None) -> HostResult:
    done, _ = carry(liar, [HOST], DownloadRequest("app", to, folders or {}), names, FanoutOptions())
    return done["api1"]


DIR = ("sub", "d", "")
LINK = ("sub", "l", "{victim}")
FILES = [("file", "f", ""), DIR, ("sub/file", "f", "")]


@pytest.mark.parametrize(
    "trees",
    [
        [[("app", "l", "{victim}")], [("app", "d", ""), ("app/file", "f", "")]],
        [[LINK], [DIR, ("sub/file", "f", "")]],
        [[DIR, LINK, ("sub/file", "f", "")]],
        [[LINK, ("sub/file", "f", "")]],
        [[("../victim/file", "f", "")]],
        [[("{victim}/file", "f", "")]],
        [[DIR, ("sub/../../../victim/file", "f", "")]],
        [[("a\n/../../victim/file", "f", "")]],
        [[("file", "l", "{victim}/file")], [("file", "f", "")]],
    ],
    ids=repr,
)
def test_no_tree_leads_out(
    tmp_path: Path, victim: Path, names: PartNames, trees: list[list[tuple[str, str, str]]]
) -> None:
    before = things(victim)
    for tree in trees:
        told = [tuple(part.format(victim=victim) for part in entry) for entry in tree]
        got(Liar(*told), names, tmp_path / "to")  # type: ignore[arg-type]
        assert things(victim) == before


def test_what_an_earlier_get_has_brought_is_not_followed(place: Place, tmp_path: Path, victim: Path) -> None:
    """On the host `app` is a link first, and a real folder later."""
    before, to = things(victim), tmp_path / "to"
    (place.home / "srv").mkdir()
    (place.home / "srv" / "app").symlink_to(victim)
    assert place.get("srv/.", to)[0].code is ExitCode.DONE and (to / "app").is_symlink()
    (place.home / "srv" / "app").unlink()
    (place.home / "srv" / "app").mkdir()
    (place.home / "srv" / "app" / "file").write_text("bad")
    for what in ("srv/app", "srv/.", "srv/app/"):
        done, _ = place.get(what, to)
        assert done.code is ExitCode.CHECK_SAID_NO and "is a link here, and not followed" in done.words, done.words
        assert things(victim) == before


def test_the_folder_of_a_host_is_not_followed_either(tmp_path: Path, victim: Path, names: PartNames) -> None:
    """From one host a link may arrive whose name is that of another host."""
    before, to = things(victim), tmp_path / "to"
    to.mkdir()
    (to / "api1").symlink_to(victim)
    for dry in (True, False):
        done, _ = carry(
            Liar(*FILES), [HOST], DownloadRequest("app", to, {"api1": "api1"}), names, FanoutOptions(), dry=dry
        )
        assert done["api1"].code is ExitCode.CHECK_SAID_NO and "not followed" in done["api1"].words
    assert things(victim) == before


def test_a_link_that_is_swapped_in_meanwhile(tmp_path: Path, victim: Path, names: PartNames) -> None:
    before, to = things(victim), tmp_path / "to"

    def swap() -> None:
        if not (to / "app" / "sub").is_symlink() and (to / "app" / "sub").exists():
            os.rename(to / "app" / "sub", to / "away")
            (to / "app" / "sub").symlink_to(victim)

    got(Liar(*FILES, then=swap), names, to)
    assert (to / "app" / "sub").is_symlink() and things(victim) == before


def test_special_files_and_other_names_of_a_file(tmp_path: Path, victim: Path, names: PartNames) -> None:
    to = tmp_path / "to"
    (to / "app").mkdir(parents=True)
    os.link(victim / "file", to / "app" / "file")
    done = got(Liar(*FILES), names, to)
    assert done.code is ExitCode.DONE, done.words
    assert (victim / "file").read_text() == "mine" and (to / "app" / "file").read_bytes() == BAD
    (to / "app" / "file").unlink()
    os.mkfifo(to / "app" / "file")
    thread = threading.Thread(target=got, args=(Liar(*FILES), names, to), daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "it waits for somebody to write into a pipe"
    assert (to / "app" / "file").is_fifo()


def test_a_folder_that_was_opened_stays_the_same(tmp_path: Path, victim: Path) -> None:
    (tmp_path / "to" / "sub").mkdir(parents=True)
    with FolderBelow(tmp_path / "to").of("sub/file") as (at, name):
        (tmp_path / "to" / "sub").rename(tmp_path / "away")
        (tmp_path / "to" / "sub").symlink_to(victim)
        os.close(os.open(name, os.O_CREAT | os.O_WRONLY, dir_fd=at))
    assert (tmp_path / "away" / "file").exists() and (victim / "file").read_text() == "mine"
    with pytest.raises(NotADirectoryError), FolderBelow(tmp_path / "to").of("sub/file"):
        pass
