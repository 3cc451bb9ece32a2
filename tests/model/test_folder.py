"""Folders that somebody cannot write in: what is said, and what is typed about it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lockstitch.facts.state_files import NEAR
from lockstitch.model.folder import UnwritableFolder, folder_hint, parse_folder

NEW = UnwritableFolder("/srv/api", "/srv", "deploy", "deploy")
THERE = UnwritableFolder("/srv/a b", "/srv/a b", "deploy", "deploy")


def test_a_folder_that_is_not_there_is_made_and_nothing_above_it_changes_hands() -> None:
    state = UnwritableFolder("/srv/.lockstitch/api", "/srv", "deploy", "deploy")
    assert folder_hint([NEW, state]) == "on the host: sudo install -d -o deploy -g deploy /srv/api /srv/.lockstitch/api"
    assert str(NEW) == "/srv/api is not there, and deploy may not make it in /srv"


def test_a_folder_that_is_there_changes_hands_alone() -> None:
    assert folder_hint([THERE]) == "on the host: sudo chown deploy '/srv/a b'"
    assert "chown deploy '/srv/a b'" in folder_hint([NEW, THERE]) and "/srv/api" in folder_hint([NEW, THERE])
    assert str(THERE) == "/srv/a b cannot be written by deploy"


def test_a_mode_and_no_folder() -> None:
    assert folder_hint([NEW], "700") == "on the host: sudo install -d -o deploy -g deploy -m 700 /srv/api"
    assert folder_hint([]) == ""


def test_what_is_cut_off_is_a_folder_still() -> None:
    assert parse_folder("/x") == UnwritableFolder("/x", "/x")
    assert parse_folder("ada dev /a b\t/a b/c") == UnwritableFolder("/a b/c", "/a b", "ada", "dev")


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/usr/sbin/runuser").exists(), reason="root may write anywhere")
def test_the_shell_finds_it(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    for above in (closed, *closed.parents[:-1]):
        if above.stat().st_uid == os.geteuid():
            above.chmod(above.stat().st_mode | 0o005)
    run = ["sh", "-c", f'{NEAR}may_write "$1"', "sh", f"{closed}/a/b"]
    if os.geteuid() == 0:
        run = ["runuser", "-u", "nobody", "--", *run]
    told = subprocess.run(run, capture_output=True, text=True, check=True, cwd="/").stdout
    folder = parse_folder(told.removeprefix("unwritable ").rstrip("\n"))
    assert (folder.path, folder.near) == (f"{closed}/a/b", str(closed)) and folder.user and folder.group
