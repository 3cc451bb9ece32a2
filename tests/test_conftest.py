"""What tests start from, whoever starts them, and that none hangs."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.containers.project import ROOT

INNER = """
import signal, subprocess, time

def test_signals():
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTOU, signal.SIGCHLD):
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


def test_a_test_that_hangs_ends_with_the_stack_of_every_thread(tmp_path: Path) -> None:
    done = inner(tmp_path, "-k", "hangs", "-o", "timeout=2", "-o", "faulthandler_timeout=1")
    assert done.returncode == 1 and "Timeout" in done.stdout, done
    # This is what is seen where a worker of xdist hangs, too.
    assert "Timeout" in done.stderr and "in test_hangs" in done.stderr, done


def test_every_test_has_a_bound(request: pytest.FixtureRequest) -> None:
    assert 0 < float(request.config.getini("faulthandler_timeout")) < float(request.config.getini("timeout"))
    assert request.config.getini("timeout_method") == "thread"
