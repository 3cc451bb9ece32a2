"""A project with smoke steps, and the sample application behind a real gunicorn."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.containers.project import FAB, ROOT, Ran, Running
from tests.ports import free_port

SECONDS = 60.0
PASSWORD = "correct-horse"


def endings(document: dict[str, Any]) -> dict[str, str]:
    """Return how each step ended, from a document of `smoke --json`."""
    return {step["step"]: step["result"] for step in document["steps"]}


class Office:
    """The sample application: its address, its folder, what it was asked, and what goes wrong in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        folder.mkdir(parents=True)
        words = [sys.executable, "-m", "gunicorn", "--workers", "2", "--bind", f"127.0.0.1:{self.port}"]
        self._log = (folder.parent / "office.log").open("wb")
        self._process = subprocess.Popen(
            [*words, "tests.smoke.office:app"],
            cwd=ROOT,
            env={**os.environ, "OFFICE": str(folder), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            process_group=0,
        )
        until = time.monotonic() + SECONDS
        while True:
            try:
                requests.get(f"{self.url}/healthz", timeout=5)
                return
            except requests.ConnectionError:
                assert time.monotonic() < until and self._process.poll() is None, "the office does not open"
                time.sleep(0.05)

    def reset(self) -> None:
        """Empty it."""
        for entry in self.folder.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def close(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(SECONDS)
        self._log.close()

    def faults(self, **faults: dict[str, Any]) -> None:
        """Have requests go wrong, by `METHOD /path`, `/path` or `METHOD`."""
        (self.folder / "faults").write_text(json.dumps(faults))

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Within this, no request is answered whose fault says that it is held."""
        held = self.folder / "held"
        held.touch()
        try:
            yield
        finally:
            held.unlink()

    def release(self, revision: str) -> None:
        (self.folder / "REVISION").write_text(revision)

    def token(self, user: str) -> str:
        """The token that an account is given."""
        answer = requests.post(f"{self.url}/auth/login", json={"email": user, "password": PASSWORD}, timeout=SECONDS)
        return str(answer.json()["access_token"])

    @property
    def calls(self) -> list[tuple[str, str, int]]:
        """Every request that was answered: method, path, status."""
        file = self.folder / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        return [tuple(json.loads(line)[:3]) for line in lines]

    @property
    def asked(self) -> Counter[str]:
        return Counter(f"{method} {path}" for method, path, _ in self.calls)

    @property
    def files(self) -> list[str]:
        """The files that are there."""
        folder = self.folder / "files"
        return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def steps() -> dict[str, Any]:
    """The journey of docs/smoke.md: a login, a file that is uploaded, read back and removed, a foreign workspace."""
    return {
        "login": {
            "post": "/auth/login",
            "json": {"email": "ada@example.com", "password": "env:SMOKE_PASSWORD"},
            "save": {"token": "json.access_token"},
            "tags": "P0",
        },
        "upload": {
            "needs": "login",
            "post": "/files",
            "file": "t.pdf",
            "expect": {"status": 201},
            "save": {"id": "json.id"},
            "clean": {"delete": "/files/{id}"},
        },
        "same": {"needs": "upload", "get": "/files/{id}", "expect": {"sha256": "file"}},
        "other": {"needs": "login", "get": "/workspaces/w-bob", "expect": {"status": [403, 404]}},
        "forged": {"needs": "login", "get": "/me", "bearer": "{token}x", "cookies": False, "expect": 401},
        "home": {"get": "/", "expect": {"text": "Office", "at_most": {"process.env": 5}}, "tags": ["P0", "public"]},
    }


class Desk:
    """A person with a project whose app is the office, who types `fab` commands."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        (folder / "home").mkdir(parents=True)
        (folder / "hosts").mkdir()
        for name in ("fabfile.py", "fabric.yaml"):
            shutil.copy(ROOT / name, folder / name)
        (folder / "tasks").symlink_to(ROOT / "tasks")
        (folder / "t.pdf").write_bytes(b"%PDF-1.4 \x00\xff a small file")
        self.smoke: dict[str, Any] = {"url": url, "steps": steps()}
        self.more: dict[str, Any] = {}
        self.apps: dict[str, Any] = {}
        self.environment: dict[str, Any] = {"groups": {"all": {"hosts": ["web1"], "apps": ["office"]}}}
        self.env = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        self.env |= {"HOME": str(folder / "home"), "USER": "ada", "LOGNAME": "ada", "COLUMNS": "200"}
        self.env |= {"SMOKE_PASSWORD": PASSWORD, "PYTHONPATH": str(ROOT)}

    def prepare(self) -> None:
        app = {
            "repository": "git@example.com:acme/office.git",
            "path": "/app/office",
            "service": {"kind": "command", "reload": "true", "status": "true"},
            "smoke": self.smoke,
            **self.more,
        }
        # JSON is YAML too.
        (self.folder / "hosts" / "prod.yml").write_text(
            json.dumps({**self.environment, "apps": {"office": app, **self.apps}})
        )

    def start(self, *words: str) -> Running:
        """Start `fab`."""
        self.prepare()
        return Running([str(FAB), *words], self.folder, self.env, preloaded=True)

    def fab(self, *words: str) -> Ran:
        return self.start("-H", "prod", *words).finish(SECONDS)

    @property
    def ledgers(self) -> list[Path]:
        return sorted((self.folder / ".lockstitch" / "smoke").glob("*.jsonl"))

    def written(self) -> str:
        """Everything that is on this machine after a run, as one text: records, ledgers, reports."""
        files = [file for file in self.folder.rglob("*") if file.is_file() and "tasks" not in file.parts]
        return "\n".join(file.read_text(errors="replace") for file in files)
