"""The facts of git about the file of a runbook."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lockstitch.engine.runbooks.files import FileVersion, file_version


def test_the_last_commit_of_a_file_and_whether_it_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "release.yml"
    path.write_text("stages: []\n")
    assert file_version(path) == FileVersion()
    git = ["git", "-C", str(tmp_path)]
    who = ["-c", "user.name=Zoë", "-c", "user.email=zoe@example.com"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    version = file_version(path)
    assert (version.commit, version.author, version.is_changed) == (head, "Zoë", False) and version.date[4] == "-"
    path.write_text("stages: [a]\n")
    assert file_version(path).is_changed
    monkeypatch.setenv("PATH", str(tmp_path))
    assert file_version(path) == FileVersion()
