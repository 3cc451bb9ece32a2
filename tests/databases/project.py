"""A project of an operator whose `fab` is the real one, with a vault on a host of the sandbox."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.sandbox import Sandbox
from scripts.sandbox.processes import descendants
from tests.containers.project import FAB, ROOT, Ran, Running
from tests.databases.hooks import Hook
from tests.databases.store import Store, inventory, variable
from tests.servers import LocalServer

SECONDS = 60.0


class Project:
    """One database `main` at `url`. `store` sees the same vault without SSH."""

    def __init__(self, folder: Path, sandbox: Sandbox, host: str, server: LocalServer, url: str, **more: Any) -> None:
        self.folder, self.sandbox, self.host, self.server = folder, sandbox, host, server
        (folder / "home").mkdir(parents=True)
        (folder / "hosts").mkdir()
        (folder / "store").mkdir()
        for name in ("fabfile.py", "fabric.yaml"):
            shutil.copy(ROOT / name, folder / name)
        (folder / "tasks").symlink_to(ROOT / "tasks")
        known = sandbox.host(host)
        self.inventory = inventory(
            {"main": url}, {"engine": server.kind, **more}, {"name": host, "address": known.address, "port": known.port}
        )
        self.inventory["ssh"] = {
            "user": "deploy",
            "known_hosts": [str(sandbox.place.known_hosts)],
            "identity_files": [str(sandbox.place.key)],
        }
        self.urls = {variable("main"): url, "SCRATCH": server.url(server.first, server.superuser)}
        self.store = Store(folder / "store", server, {"main": url}, homes=sandbox.place.root, **more)
        self.store.host = host

    def fab(self, *words: str, seconds: float = SECONDS) -> Ran:
        """Run `fab -H prod` with these words to its end."""
        return self.start(*words).finish(seconds)

    def start(self, *words: str, preloaded: bool = True) -> Running:
        """Start `fab -H prod` with these words."""
        # JSON is YAML too.
        (self.folder / "hosts" / "prod.yml").write_text(json.dumps(self.inventory))
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        mine = {"HOME": str(self.folder / "home"), "USER": "ada", "LOGNAME": "ada", "COLUMNS": "200"}
        env = {**kept, **mine, **self.urls, "PYTHONPATH": str(ROOT)}
        return Running([str(FAB), "-H", "prod", *words], self.folder, env, preloaded=preloaded)

    def backup(self) -> str:
        """Make a backup; its name."""
        before = set(self.store.names())
        ran = self.fab("backup")
        assert ran.code == 0, ran.said
        (name,) = set(self.store.names()) - before
        return name

    def journals(self) -> set[Path]:
        """The journals of the runs that this project had."""
        return set((self.folder / ".lockstitch" / "runs").glob("*/events.jsonl"))

    def events(self, journal: Path) -> list[dict[str, Any]]:
        return [json.loads(line) for line in journal.read_bytes().split(b"\n")[:-1]]

    def signal_at(self, number: int, running: Running, signalled: signal.Signals, before: set[Path]) -> bool:
        """Send a signal when a run that was started has written so many events; whether it got there."""
        runs, known = self.folder / ".lockstitch" / "runs", {path.parent.name for path in before}
        journal, until = None, time.monotonic() + SECONDS
        while running.process.poll() is None:
            assert time.monotonic() < until
            if journal is None and runs.exists() and (new := set(os.listdir(runs)) - known):
                journal = runs / new.pop() / "events.jsonl"
            if journal and journal.exists() and journal.read_bytes().count(b"\n") >= number:
                running.signal(signalled)
                return True
            time.sleep(0.002)
        return False

    # What goes on at the host.

    def hook(self) -> Hook:
        """From now on every dump of the hosts waits before it begins."""
        return Hook(self.sandbox.place.root / "hook", self.server)

    def processes(self) -> dict[int, str]:
        """What the host's sessions run now, by the process."""
        return {pid: words for pid in descendants({self.sandbox.host(self.host).pid}) if (words := _words(pid))}

    def until_quiet(self, seconds: float = 20.0) -> None:
        """Wait until nothing of a run is left on the host: between two programs of the database it only looks idle."""
        until = time.monotonic() + seconds
        while working := self.processes():
            assert time.monotonic() < until, working
            time.sleep(0.02)

    def unlock(self) -> bool:
        """Free the lock by hand; whether it was held."""
        lock = self.store.state() / "lock.json"
        held = lock.exists()
        lock.unlink(missing_ok=True)
        return held


def _words(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return " ".join(
        [os.path.basename(words[0].decode()), *(word.decode(errors="replace") for word in words[1:])]
    ).strip()


def files(*folders: Path) -> Iterator[Path]:
    """Every file below these folders."""
    for folder in folders:
        yield from (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
