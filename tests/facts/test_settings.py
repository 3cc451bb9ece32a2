"""The question for settings on a host: paths that may not be read are told, whoever asks."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import lockstitch.facts

FOLDER = Path(lockstitch.facts.__file__).parent
TEXT = (FOLDER / "settings.sh").read_text()
HIDDEN = (FOLDER / "env_file.sh").read_text() + TEXT[TEXT.index("for ls_path in") : TEXT.index("if [ -r")]
NOBODY = 65534


@pytest.fixture
def state() -> Iterator[Path]:
    """The state folder of an app, on a path that everybody may enter."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        (state / "settings").mkdir(parents=True)
        for path in (Path(folder), state, state / "settings"):
            path.chmod(0o755)
        yield state
        for path in (state, state / "settings"):
            path.chmod(0o755)


def hidden(state: Path) -> set[str]:
    """The names of what nobody may read of a journal and a folder of kept files."""
    given = {"PATH": os.environ["PATH"], "journal": str(state / "journal.jsonl"), "kept": str(state / "settings")}
    # Root may read everything.
    user = NOBODY if os.geteuid() == 0 else None
    said = subprocess.run(["sh", "-c", HIDDEN], env=given, capture_output=True, text=True, check=True, user=user).stdout
    return {Path(line.split()[1]).name for line in said.splitlines() if line.startswith("unrecorded ")}


def test_what_may_not_be_read_is_not_taken_for_nothing(state: Path) -> None:
    assert hidden(state) == set(), "no journal is there, and no kept file"
    (state / "journal.jsonl").touch(mode=0o600)
    (state / "journal.jsonl").chmod(0)
    assert hidden(state) == {"journal.jsonl"}
    (state / "journal.jsonl").chmod(0o644)
    for mode in (0o000, 0o100, 0o444):
        (state / "settings").chmod(mode)
        assert hidden(state) == {"settings"}, oct(mode)
    state.chmod(0)
    assert hidden(state) == {"journal.jsonl", "settings"}, "a folder above them is closed"
