"""Notices that wait on this machine: what is damaged or cannot be read is told and kept, and one process has a file."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lockstitch.cli.notifier import Notifier
from lockstitch.cli.session import Session
from lockstitch.engine.journal import now
from lockstitch.engine.notice_delivery import NoticeJob, NoticeResult
from lockstitch.engine.notice_queue import NoticeQueue, WaitingFile, WaitingNotice
from lockstitch.inventory.notify import NotifySettings
from lockstitch.model.notice import Notice
from lockstitch.notifications import channel_types

RUN = "20260101T000000Z-0000"


def notifier(folder: Path, *channels: str) -> Notifier:
    """A notifier of `prod` with these channels, each a command that writes its name down."""
    told = channel_types()["run"]
    to = {name: told.model_validate({"run": f"echo {name} >>{folder}/told"}) for name in channels}
    notify = NotifySettings.model_construct(to=to)
    fleet = SimpleNamespace(inventory=SimpleNamespace(name="prod", notify=notify))
    session = SimpleNamespace(c=SimpleNamespace(selection=SimpleNamespace(fleets=[fleet])), runs=folder / "runs")
    return Notifier(cast(Session, session), "prod")


def waiting(*channels: str) -> WaitingNotice:
    notice = Notice("failed", "error", RUN, "deploy", "prod", now(), "deploy of prod failed")
    return WaitingNotice(notice, channels, {})


def keep(folder: Path, *channels: str) -> Path:
    file = WaitingFile(folder / "notices", RUN)
    file.write(waiting(*channels))
    file.close()
    return file.path


def damage(path: Path, **fields: Any) -> None:
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "notice": {**document["notice"], **fields}}))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: damage(path, at="yesterday"),
        lambda path: damage(path, at="9999-12-31T23:59:59-23:00"),
        lambda path: damage(path, run="20260101T000000Z-1111"),
        lambda path: path.write_text("[" * 100_000),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.with_suffix(".lock").unlink(), path.with_suffix(".lock").mkdir()),
    ],
    ids=["no time", "no time of any zone", "another run", "deep", "no file", "no lock"],
)
def test_what_cannot_be_read_fails_nothing_and_is_told_and_kept(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    path = keep(tmp_path, "team")
    spoil(path)
    made = notifier(tmp_path, "team")
    assert made.results(made.start([], ""), "") == [] and path.exists()
    assert made.notes and "a notice that waits cannot be read: " in made.notes[0]


@pytest.mark.parametrize(
    ("tried", "is_sent"),
    [("", True), ("now", False), ("2026-01-01T00:00:00.000000Z", True), ("2999-01-01T00:00:00.000000Z", True)],
    ids=["never", "just now", "long ago", "by a clock that was set back"],
)
def test_who_only_looks_does_not_try_again_at_once(tried: str, is_sent: bool, tmp_path: Path) -> None:
    file = WaitingFile(tmp_path / "notices", RUN)
    file.write(replace(waiting("team"), tried=now() if tried == "now" else tried))
    file.close()
    made = notifier(tmp_path, "team")
    made.results(made.start([], "", is_patient=False), "")
    assert (tmp_path / "told").exists() == is_sent != file.path.exists()


def test_what_was_not_sent_says_when_it_was_tried(tmp_path: Path) -> None:
    file = WaitingFile(tmp_path / "notices", RUN)
    made = notifier(tmp_path, "team")
    made.keep(file, waiting("team"), [NoticeResult(NoticeJob("team", waiting().notice), problem="it is away")])
    known = file.read()
    assert known is not None and known.tried >= known.notice.at
    file.close()


@contextmanager
def as_another_user(*paths: Path) -> Iterator[None]:
    """Act as a user who owns none of these; as who has no rights to them, where we cannot be another one."""
    if os.geteuid():
        modes = [path.stat().st_mode for path in paths]
        for path in paths:
            path.chmod(0)
        yield
        for path, mode in zip(paths, modes, strict=True):
            path.chmod(mode)
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o777], ids=oct)
def test_the_notices_of_a_colleague_are_told_and_kept(mode: int) -> None:
    """The folder is another user's, or is everybody's and the files in it are another user's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        path = keep(folder, "team")
        path.parent.chmod(mode)
        content, made = path.read_text(), notifier(folder, "team")
        private = [path.parent] if mode == 0o700 else [path, path.with_suffix(".lock")]
        with as_another_user(*private):
            assert made.results(made.start([], ""), "") == []
            if mode == 0o700:
                assert made.file("R2") is None and "notices cannot be kept on this machine" in made.notes[-1]
        assert "a notice that waits cannot be read: permission denied" in made.notes[0]
        assert path.read_text() == content and not (folder / "told").exists()


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "notices").write_text("")
    made = notifier(tmp_path, "team")
    assert made.results(made.start([], ""), "") == []
    assert "cannot be read: not a directory" in made.notes[0] and NoticeQueue(tmp_path / "notices").may_have()


def test_a_channel_that_only_another_checkout_has_is_not_forgotten(tmp_path: Path) -> None:
    keep(tmp_path, "team", "elsewhere")
    first, second = notifier(tmp_path, "team"), notifier(tmp_path, "elsewhere")
    first.results(first.start([], ""), "")
    assert (tmp_path / "told").read_text() == "team\n"
    second.results(second.start([], ""), "")
    assert (tmp_path / "told").read_text() == "team\nelsewhere\n" and not list((tmp_path / "notices").iterdir())


def test_what_was_sent_of_others_is_not_sent_again_where_the_run_is_killed(tmp_path: Path) -> None:
    """A run begins, and asks for no result."""
    keep(tmp_path, "team")
    made = notifier(tmp_path, "team")
    made.start([], "another")
    assert made._late is not None
    made._late.join()
    assert (tmp_path / "told").read_text() == "team\n" and not list((tmp_path / "notices").iterdir())


def test_what_some_have_got_is_not_sent_again(tmp_path: Path) -> None:
    keep(tmp_path, "team")
    made = notifier(tmp_path, "team")
    ((file, known),) = made._abandoned("")
    job = SimpleNamespace(channel="team", notice=known.notice)
    made.keep(file, known, [NoticeResult(cast(Any, job), "", "some addresses are refused", reached=True)])
    file.close()
    assert not list((tmp_path / "notices").iterdir()) and "it is not sent again" in made.notes[0]


def test_a_lock_that_its_owner_removes_meanwhile_is_nobodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file was opened before, and is locked after it was removed: another process locks a new one."""
    locked = fcntl.flock

    def removed(descriptor: int, how: int) -> None:
        (tmp_path / f"{RUN}.lock").unlink()
        locked(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", removed)
    with pytest.raises(BlockingIOError):
        WaitingFile(tmp_path, RUN)
