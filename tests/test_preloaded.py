"""A preloaded `fab` is what a fresh one is, and its server ends with the process that uses it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.containers.project import Running
from tests.preloaded import FAB, ROOT

TELLS = """
import json, os, signal, sys, threading
import lockstitch.cli
from fabric import task
from invoke import Collection

@task
def tell(c, code=0):
    mask = os.umask(0)
    print(json.dumps({
        "folder": os.getcwd(), "env": dict(os.environ), "words": sys.argv, "path": [os.path.realpath(path) for path in sys.path], "umask": mask,
        "leader": os.getsid(0) == os.getpid() == os.getpgid(0), "threads": threading.active_count(),
        "fds": sorted(os.listdir("/proc/self/fd"))[:-1], "streams": [os.isatty(fd) for fd in (0, 1, 2)],
        "encodings": [(s.encoding, s.errors, s.line_buffering) for s in (sys.stdin, sys.stdout, sys.stderr)],
        "handlers": [str(signal.getsignal(s)) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE)],
        "blocked": [str(s) for s in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
        "zone": __import__("time").tzname, "pyc": sys.dont_write_bytecode,
    }), flush=True)
    print("an error", file=sys.stderr)
    sys.exit(code)

namespace = Collection(tell)
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "fabfile.py").write_text(TELLS)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "TZ": "Asia/Kolkata", "ODD": "a\nb"}


@pytest.mark.parametrize("more", [{}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONUNBUFFERED": "1"}])
def test_a_preloaded_one_finds_what_a_fresh_one_finds(
    tmp_path: Path, env: dict[str, str], more: dict[str, str]
) -> None:
    said = []
    for preloaded in (False, True):
        ran = Running([str(FAB), "tell", "--code", "7"], tmp_path, env | more, preloaded=preloaded).finish(60)
        assert (ran.code, ran.err) == (7, "an error\n"), ran.said
        said.append(json.loads(ran.out))
    fresh, preloaded_one = said
    assert preloaded_one == fresh


def test_what_looks_at_the_program_that_loads_it_is_as_in_a_fresh_one(tmp_path: Path, env: dict[str, str]) -> None:
    typo = [Running([str(FAB), "tel"], tmp_path, env, preloaded=each).finish(60) for each in (False, True)]
    assert [(ran.code, ran.err) for ran in typo] == [(2, typo[0].err)] * 2 and "did you mean tell" in typo[0].err, typo


def test_a_signal_ends_it(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "fabfile.py").write_text(
        "import time\nfrom fabric import task\n@task\ndef wait(c):\n    print('here', flush=True)\n    time.sleep(60)\n"
    )
    running = Running([str(FAB), "wait"], tmp_path, env, preloaded=True)
    with running:
        running.until("here", 30)
        assert running.process.poll() is None
        running.signal(signal.SIGKILL)
        assert running.process.wait(30) == -signal.SIGKILL


def test_the_server_ends_with_who_uses_it(tmp_path: Path, env: dict[str, str]) -> None:
    user = (
        "import os, sys, signal; from pathlib import Path\n"
        "from tests.containers.project import Running; from tests.preloaded import FAB\n"
        "Running([str(FAB), '--version'], Path(sys.argv[1]), dict(os.environ), preloaded=True).finish(60)\n"
        "print(open(f'/proc/self/task/{os.getpid()}/children').read(), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    words = [sys.executable, "-c", user, str(tmp_path)]
    done = subprocess.run(words, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60)
    (server,) = map(int, done.stdout.split())
    # Its end is an event: the pidfd of a process can be waited for.
    try:
        gone = os.pidfd_open(server)
    except ProcessLookupError:
        return
    assert select.select([gone], [], [], 30)[0], "the server is still there"
    os.close(gone)
