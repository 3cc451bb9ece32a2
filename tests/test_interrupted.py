"""Scripts that are interrupted leave no process: neither what they run, nor hosts of the sandbox."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.sandbox.processes import SERVER_MARK, marked
from tests.containers.project import ROOT

MARK = "LOCKSTITCH_TEST_INTERRUPTED"


def ours(tmp_path: Path) -> set[int]:
    return marked(MARK, tmp_path)


@contextmanager
def running(tmp_path: Path, *words: str, folder: Path = ROOT) -> Iterator[subprocess.Popen[str]]:
    """A script, all of whose processes carry a mark; whatever is left of it is killed."""
    env = {**os.environ, MARK: str(tmp_path)}
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen(
            words, cwd=folder, env=env, stdout=said, stderr=said, text=True, start_new_session=True
        )
    try:
        yield process
    finally:
        for pid in ours(tmp_path):
            os.kill(pid, signal.SIGKILL)
        process.wait(30)


def until(true: Callable[[], object], tmp_path: Path, process: subprocess.Popen[str] | None = None) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end and (process is None or process.poll() is None), (tmp_path / "said").read_text()
        time.sleep(0.02)


def runs(tmp_path: Path, program: str) -> bool:
    words = [Path(f"/proc/{pid}/cmdline") for pid in ours(tmp_path)]
    return any(program in path.read_text() for path in words if path.exists())


STARTS = """
import os, time
from pathlib import Path
import pytest
from scripts.sandbox import Sandbox

@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    Path({folder!r}, f"sets-up-{{os.getpid()}}").touch()
    with Sandbox(tmp_path_factory.mktemp("lab"), 2) as sandbox:
        yield sandbox

def test_one(lab):
    Path({folder!r}, f"tests-{{os.getpid()}}").touch()
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("moment", "number"), [("sets-up", signal.SIGINT), ("sets-up", signal.SIGTERM), ("tests", signal.SIGHUP)]
)
def test_tests_in_workers(tmp_path: Path, moment: str, number: signal.Signals) -> None:
    # A file is one worker's.
    for name in ("test_one.py", "test_two.py"):
        (tmp_path / name).write_text(STARTS.format(folder=str(tmp_path)))
    (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    options = [
        "-n",
        "2",
        "-p",
        "no:cacheprovider",
        f"--rootdir={tmp_path}",
        "-c",
        str(ROOT / "pyproject.toml"),
        str(tmp_path),
    ]
    with running(tmp_path, "scripts/test", "--no-containers", *options) as process:
        until(lambda: len(list(tmp_path.glob(f"{moment}-*"))) == 2, tmp_path, process)
        # As the terminal does it, whose every process hears of Ctrl-C and of its end.
        (os.kill if number is signal.SIGTERM else os.killpg)(process.pid, number)
        assert process.wait(60) == (130 if number is signal.SIGINT else 143)
        until(lambda: not ours(tmp_path), tmp_path)


def test_checks(tmp_path: Path) -> None:
    with running(tmp_path, "scripts/check") as process:
        until(lambda: runs(tmp_path, "mypy"), tmp_path, process)
        process.terminate()
        assert process.wait(60) == 143
        until(lambda: not ours(tmp_path), tmp_path)


@pytest.mark.parametrize("moment", ["starts", "deploys"])
def test_the_demo(tmp_path: Path, moment: str) -> None:
    clone = tmp_path / "clone"
    for name in ("scripts", "lockstitch", "tasks"):
        shutil.copytree(ROOT / name, clone / name)
    (clone / "hosts").mkdir()
    for name in ("fabfile.py", "fabric.yaml"):
        shutil.copy(ROOT / name, clone)
    (clone / ".venv").symlink_to(ROOT / ".venv")
    place = clone / ".sandbox"
    moments = {
        "starts": lambda: marked(SERVER_MARK, place),
        "deploys": lambda: runs(tmp_path, "/fab\0-H\0sandbox\0deploy"),
    }
    with running(tmp_path, "scripts/demo", folder=clone) as process:
        until(moments[moment], tmp_path, process)
        process.terminate()
        assert process.wait(60) == 143
        assert not ours(tmp_path) and not place.exists() and not list((clone / "hosts").iterdir())


def test_the_benchmarks(tmp_path: Path) -> None:
    with running(tmp_path, "scripts/bench", "fleet", "--hosts", "2") as process:
        until(lambda: runs(tmp_path, "scripts.sandbox.server"), tmp_path, process)
        process.send_signal(signal.SIGHUP)
        assert process.wait(60) == 128 + signal.SIGHUP
        until(lambda: not ours(tmp_path), tmp_path)


def test_a_number_that_is_somebody_elses_by_now_is_left_alone() -> None:
    """The number of a process that ended long ago is still noted, and belongs to another one by then."""
    with subprocess.Popen(["sleep", "60"]) as stranger:
        script = f'. scripts/children.sh; start sleep 60; echo $last; beside="$beside {stranger.pid}"; exit 3'
        ended = subprocess.run(["sh", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
        alive = stranger.poll() is None
        stranger.kill()
    assert ended.returncode == 3 and alive, ended.stderr
    assert not Path(f"/proc/{ended.stdout.strip()}").exists()
