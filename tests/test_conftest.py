"""The state that tests start from, whoever starts them, and that none hangs."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.sandbox.processes import SERVER_MARK, marked
from tests.containers.project import ROOT

INNER = """
import signal, subprocess, time

def test_signals():
    for number in (signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTOU, signal.SIGCHLD):
        assert signal.getsignal(number) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with subprocess.Popen(["sleep", "60"]) as sleeping:
        sleeping.send_signal(signal.SIGHUP)
        assert sleeping.wait(30) == -signal.SIGHUP

def test_hangs():
    time.sleep(60)
"""


def inner(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "test_inner.py"
    file.write_text(INNER)
    (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    options = ["-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", "-c", str(ROOT / "pyproject.toml")]

    def as_nohup_does() -> None:
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTOU):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))

    command = [sys.executable, "-m", "pytest", *options, *words, str(file)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, preexec_fn=as_nohup_does, cwd=ROOT, check=False
    )


def test_tests_set_their_own_signals(tmp_path: Path) -> None:
    done = inner(tmp_path, "-k", "signals")
    assert done.returncode == 0, done.stdout


ENDED = """
import sys, time
import pytest
from scripts.sandbox import Sandbox

@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    with Sandbox({place!r}, 1) as sandbox:
        yield sandbox
    print("the fixture has ended", file=sys.stderr)

def test_one(lab, capfd):
    with capfd.disabled():
        print("up", file=sys.stderr, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("way", "number"),
    [("pytest", signal.SIGTERM), ("scripts/test", signal.SIGHUP), ("scripts/test", signal.SIGINT)],
)
def test_tests_that_are_ended_leave_nothing(tmp_path: Path, way: str, number: signal.Signals) -> None:
    place = tmp_path / "lab"
    file = tmp_path / "test_ended.py"
    file.write_text(ENDED.format(place=str(place)))
    (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    options = ["-s", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", "-c", str(ROOT / "pyproject.toml"), str(file)]
    ways = {"pytest": [sys.executable, "-m", "pytest"], "scripts/test": ["scripts/test", "--no-containers", "-n", "0"]}
    words = [*ways[way], *options]
    # Into a file: a pipe would be held open by what stays behind.
    with (
        (tmp_path / "said").open("w") as said,
        subprocess.Popen(words, cwd=ROOT, stdout=said, stderr=said, start_new_session=True) as running,
    ):
        until = time.monotonic() + 60
        while "up\n" not in (tmp_path / "said").read_text():
            assert time.monotonic() < until and running.poll() is None, (tmp_path / "said").read_text()
            time.sleep(0.05)
        assert marked(SERVER_MARK, place)
        running.send_signal(number)
        code = running.wait(60)
    assert code in ((2,) if way == "pytest" else (130, 143)), code
    assert "the fixture has ended" in (tmp_path / "said").read_text()
    assert not marked(SERVER_MARK, place)


def test_a_test_that_hangs_ends_with_the_stack_of_every_thread(tmp_path: Path) -> None:
    done = inner(tmp_path, "-k", "hangs", "-o", "timeout=2", "-o", "faulthandler_timeout=1")
    assert done.returncode == 1 and "Timeout" in done.stdout, done
    # This is what is seen where a worker of xdist hangs, too.
    assert "Timeout" in done.stderr and "in test_hangs" in done.stderr, done


def test_every_test_has_a_bound(request: pytest.FixtureRequest) -> None:
    assert 0 < float(request.config.getini("faulthandler_timeout")) < float(request.config.getini("timeout"))
    assert request.config.getini("timeout_method") == "thread"
