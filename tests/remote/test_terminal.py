"""A program at a terminal that hangs up."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from tests.containers.project import ROOT

# It has no controlling terminal, so that no signal comes from the kernel; what it runs does not end by itself.
PROGRAM = """
import signal, sys
from lockstitch.remote import terminal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
terminal.PATIENCE = 0.1
try:
    terminal.run_at_terminal(["sh", "-c", f"trap '' HUP; echo $$ >{sys.argv[1]}; mv {sys.argv[1]} {sys.argv[1]}.pid; read x; sleep 300"])
except KeyboardInterrupt:
    print("the terminal is gone, and this is written nowhere", flush=True)
    sys.exit(130)
"""


def test_what_runs_at_a_terminal_ends_with_it(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    words = [sys.executable, "-c", PROGRAM, str(tmp_path / "shell")]
    with subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, start_new_session=True
    ) as process:
        os.close(theirs)
        while not (tmp_path / "shell.pid").exists():
            assert process.poll() is None
            os.sched_yield()
        os.close(ours)
        assert process.wait(30) == 130
    assert not Path("/proc", (tmp_path / "shell.pid").read_text().strip()).exists()
