"""A real Bugsink on loopback: installed once into a cache, with a database that has its tables and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.unpacked import folder

_VERSION = "2.6.2"
READY_SECONDS = 60.0
_CONF = """
from bugsink.settings.default import *
SECRET_KEY = "of-these-tests-only-and-of-no-other-server-anywhere"
SNAPPEA = {"TASK_ALWAYS_EAGER": True}
EMAIL_BACKEND = "bugsink.email_backends.QuietConsoleEmailBackend"
BUGSINK = {"BASE_URL": "http://127.0.0.1", "SINGLE_USER": True, "SINGLE_TEAM": True, "PHONEHOME": False}
"""
_MAKE = """
from bsmain.models import AuthToken
from projects.models import Project
project = Project.objects.create(name="shop")
print("made", project.id, project.sentry_key.hex, AuthToken.create_full_access().token)
"""
_SEND = """
import json, sys
import sentry_sdk
given = json.loads(sys.argv[1])
sentry_sdk.init(given["dsn"], release=given["release"], shutdown_timeout=10)
for number, text in enumerate(given["texts"]):
    # What waits to be sent is kept up to a hundred.
    if number % 50 == 49:
        sentry_sdk.flush(10)
    with sentry_sdk.new_scope() as scope:
        scope.fingerprint = [text]
        sentry_sdk.capture_message(text)
sentry_sdk.flush(10)
"""


def installed() -> Path | None:
    """The folder of its programs, which are installed where they are not; None where that cannot be done."""
    place = folder(f"bugsink-{_VERSION}")
    if not (place / "whole").exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        # Our pip installs it, and what is used of it is compiled when it is: half the time of a whole environment.
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place / "venv")], check=True)
        words = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(place / "venv/bin/python"),
            "install",
            "-q",
            "--no-compile",
        ]
        words += ["--disable-pip-version-check", f"bugsink=={_VERSION}"]
        if subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            return None
        (place / "bugsink_conf.py").write_text(_CONF)
        _program(place, place, "bugsink-manage", "migrate")
        (place / "whole").touch()
    return place / "venv/bin"


def _program(place: Path, cwd: Path, *words: str, stdin: str = "") -> str:
    done = subprocess.run(
        [str(place / "venv/bin" / words[0]), *words[1:]],
        cwd=cwd,
        input=stdin,
        text=True,
        capture_output=True,
        env=_env(cwd),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _env(cwd: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(cwd), "PYTHONDONTWRITEBYTECODE": "", "HOME": str(cwd)}


class BugsinkServer:
    """One server, with a project."""

    def __init__(self, programs: Path, root: Path) -> None:
        self.root, self.port, self._place = root, free_port(), programs.parent.parent
        for name in ("bugsink_conf.py", "db.sqlite3"):
            shutil.copy(self._place / name, root / name)
        said = _program(self._place, root, "bugsink-manage", "shell", stdin=_MAKE)
        (line,) = (line for line in said.splitlines() if line.startswith("made "))
        _, self.project, self._key, self.token = line.split()
        words = [str(programs / "gunicorn"), f"--bind=127.0.0.1:{self.port}", "--threads=4", "bugsink.wsgi"]
        with (root / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *words], cwd=root, stdout=log, stderr=log, env=_env(root)
            )
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                self.issues()
                return
            except OSError:
                assert self._process.poll() is None and time.monotonic() < until, (root / "log").read_text()[-3000:]
                time.sleep(0.1)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def issues(self) -> list[dict[str, Any]]:
        """Its issues, as it tells them."""
        asked = urllib.request.Request(
            f"{self.url}/api/canonical/0/issues/?project={self.project}",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        with urllib.request.urlopen(asked, timeout=20) as answer:
            rows: list[dict[str, Any]] = json.load(answer)["results"]
        return rows

    def report(self, release: str, *texts: str) -> None:
        """Report errors as an app of this release does, by its SDK: each text is an issue of its own."""
        before = sum(row["digested_event_count"] for row in self.issues())
        dsn = f"http://{self._key}@127.0.0.1:{self.port}/{self.project}"
        given = json.dumps({"dsn": dsn, "release": release, "texts": texts})
        _program(self._place, self.root, "python", "-c", _SEND, given)
        until = time.monotonic() + READY_SECONDS
        while sum(row["digested_event_count"] for row in self.issues()) < before + len(texts):
            assert time.monotonic() < until, (self.root / "log").read_text()[-3000:]
            time.sleep(0.05)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)
