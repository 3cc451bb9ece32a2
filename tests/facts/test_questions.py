"""What is asked of hosts about processes and disks, where programs say odd things, much, or nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lockstitch.errors import UsageError
from lockstitch.facts.disks import disks, folders
from lockstitch.facts.processes import processes
from lockstitch.model.probe import TableQuery

HEAD = '#!/bin/sh\n[ "$1" != -o ] || { echo 99; exit; }\n'
LONG = "x" * 4000


class Host:
    """A host whose programs are these small ones, by name."""

    def __init__(self, root: Path) -> None:
        self._root = root
        (root / "bin").mkdir()

    def program(self, name: str, text: str) -> None:
        (self._root / "bin" / name).write_text(text)
        (self._root / "bin" / name).chmod(0o755)

    def ask(self, question: TableQuery[Any]) -> tuple[str, tuple[Any, ...] | None]:
        """What it printed, and the answer where it could answer."""
        env = {"PATH": f"{self._root / 'bin'}:{os.environ['PATH']}"}
        text = question.probe.command.render()
        ran = subprocess.run(["sh", "-c", text], env=env, capture_output=True, text=True, check=False, cwd=self._root)
        return ran.stdout, question.probe.parse(ran.stdout, ran.returncode) if ran.returncode == 0 else None


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def listed(host: Host, *lines: str) -> None:
    """Have ps list these processes, and what asks."""
    printed = "\n".join(["99 9 me 0.0 10 1 S sh", *lines])
    host.program("ps", f"{HEAD}cat <<'end'\n{printed}\nend\n")


def test_the_busiest_are_told_also_where_command_lines_are_long(host: Host) -> None:
    listed(host, *(f"  1 {n} ada {1000 - n}.0 10 1 S java {n} {LONG}" for n in range(1, 301)))
    said, listing = host.ask(processes(top=5))
    assert listing is not None and [p.pid for p in listing] == [1, 2, 3, 4, 5] and len(said) < 256 * 1024
    said, listing = host.ask(processes(top=0))
    assert listing is None and "more than can be told at once" in said.splitlines()[-1]


def test_what_matches_is_a_part_of_the_command_or_the_user(host: Host) -> None:
    listed(host, "1 1 ada 0.0 1 1 S a  b\\n %s $HOME", f"1 2 bob 0.0 1 1 S {LONG} end", "1 3 adam 0.0 1 1 S c ada.py")
    for match, pids in {"ada": [1, 3], "bob": [2], "\\n %s": [1], "a  b": [1], " end": [2], "1 1 S": []}.items():
        _, listing = host.ask(processes(top=0, match=match))
        assert listing is not None and [p.pid for p in listing] == pids, match


def test_numbers_that_make_no_sense() -> None:
    for ask in (lambda: processes(top=-1), lambda: folders("/", -1)):
        with pytest.raises(UsageError):
            ask()


def test_a_network_mount_that_hangs(host: Host) -> None:
    host.program("timeout", "#!/bin/sh\nexit 124\n")
    said, answer = host.ask(disks())
    assert answer is None and "does a network mount hang" in said
    said, answer = host.ask(folders("/"))
    assert answer is None and "longer than five minutes" in said


def test_the_largest_in_a_folder(host: Host, tmp_path: Path) -> None:
    for name, kib in (("a b", 300), ("-x", 200), ("c", 100)):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "content").write_bytes(os.urandom(kib * 1024))
    _, answer = host.ask(folders(str(tmp_path / "in"), 2))
    assert answer is not None and [Path(folder.path).name for folder in answer] == ["in", "a b", "-x"]
