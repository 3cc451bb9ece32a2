"""The end of a log that is shown when a deploy fails."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lockstitch.model.command import Command
from lockstitch.plans import notes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, said, age in (("app 1.log", "old", 100), ("app 2.log", "new", 50), ("other", "x", 0)):
        (tmp_path / name).write_text(f"{said}\n")
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    return tmp_path


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("app 1.log", "old"),
        ("app *.log", "new"),
        ("app ?.log", "new"),
        ("none*.log", "it is not there, or "),
        ("none", "it is not there, or "),
    ],
)
def test_a_pattern_is_the_newest_file_that_it_names(folder: Path, log: str, said: str) -> None:
    for path in (log, f"{folder}/{log}"):
        command = Command(notes._TAIL, values={"log": path, "current": str(folder)})
        shown = subprocess.run(["sh", "-c", command.render()], capture_output=True, text=True, check=True).stdout
        assert shown.startswith(said), (path, shown)
