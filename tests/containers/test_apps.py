"""The sample apps themselves, on this machine. That they serve, and their faults, are met in the tests of deploys."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.containers.repos import APPS, make_repository


def test_the_same_files_make_the_same_revisions(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    once, again = (make_repository("api", folder) for folder in (tmp_path, tmp_path / "again"))
    assert again.revisions == once.revisions
    assert len(set(again.revisions.values())) == 3 + 6


def test_migrations_go_up_and_down_and_count_their_runs(tmp_path: Path) -> None:
    def migrate(*words: str) -> list[str]:
        command = [sys.executable, "migrate.py", *words]
        environment = {"STATE": str(tmp_path)}
        done = subprocess.run(command, cwd=path, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    path = make_repository("api", tmp_path).path
    assert path.parent != APPS
    assert migrate("up") == ["up 001_jobs", "up 002_owner"]
    assert migrate("down", "002_owner") == ["down 002_owner"]
    assert migrate("status") == ["001_jobs"]
    assert migrate("runs") == ["2"]
