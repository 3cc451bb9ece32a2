"""An operator with a project, who types `fab` commands at hosts of the sandbox."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from scripts.sandbox import Sandbox
from scripts.sandbox.processes import descendants
from tests.containers.project import FAB, ROOT, Ran, Running

SECONDS = 60.0


class Operator:
    """One environment `lab` of the sandbox's hosts; `gone` is a host that is not there."""

    def __init__(self, folder: Path, sandbox: Sandbox, hosts: tuple[str, ...], gone: tuple[str, ...] = ()) -> None:
        self.folder, self.sandbox, self.hosts = folder, sandbox, hosts
        (folder / "home").mkdir(parents=True)
        (folder / "hosts").mkdir()
        for name in ("fabfile.py", "fabric.yaml"):
            shutil.copy(ROOT / name, folder / name)
        (folder / "tasks").symlink_to(ROOT / "tasks")
        known = [
            {"name": name, "address": at.address, "port": at.port} for name in hosts for at in [sandbox.host(name)]
        ]
        # Port 1 of this machine: nobody listens there.
        known += [{"name": name, "address": "127.0.0.1", "port": 1} for name in gone]
        self.inventory: dict[str, Any] = {
            "ssh": {
                "user": "deploy",
                "known_hosts": [str(sandbox.place.known_hosts)],
                "identity_files": [str(sandbox.place.key)],
                # A frozen host is given up soon, and long after what a busy machine needs.
                "timeouts": {"connect": "5s", "banner": "5s", "auth": "5s"},
                "keepalive": {"interval": "1s", "timeout": "4s"},
                "tries": 1,
            },
            "groups": {"all": {"hosts": known, "apps": []}},
            "apps": {},
        }
        self.env = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        self.env |= {"HOME": str(folder / "home"), "USER": "ada", "LOGNAME": "ada", "COLUMNS": "200"}

    def start(self, *words: str, where: str = "lab", preloaded: bool = True) -> Running:
        """Start `fab -H lab` with these words."""
        return self._started([str(FAB), *(("-H", where) if where else ()), *words], preloaded=preloaded)

    def memory(self, *words: str) -> int:
        """The most memory that `fab -H lab` had at any time, in KiB; what it prints is thrown away."""
        self.prepare()
        with open(os.devnull, "w") as nowhere:
            process = subprocess.Popen(
                [str(FAB), "-H", "lab", *words],
                cwd=self.folder,
                env={**self.env, "PYTHONPATH": str(ROOT)},
                stdout=nowhere,
            )
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return usage.ru_maxrss

    def piped(self, reader: str, *words: str) -> Ran:
        """Give what `fab -H lab` prints to a program; its own code is said on stderr."""
        line = f'{{ "$@"; echo "ended with $?" >&2; }} | {reader}'
        return self._started(["sh", "-c", line, "sh", str(FAB), "-H", "lab", *words]).finish(SECONDS)

    def redirected(self, where: str, *words: str, ended: bool = False) -> Ran:
        """Have the shell redirect `fab -H lab`; with `ended` its own code is what is printed."""
        line = f'"$@" {where}'
        if ended:
            line = f'{{ {{ "$@"; echo "ended with $?" >&3; }} {where}; }} 3>&1'
        return self._started(["sh", "-c", line, "sh", str(FAB), "-H", "lab", *words]).finish(SECONDS)

    def prepare(self) -> None:
        """Write the inventory as it is now."""
        # JSON is YAML too.
        (self.folder / "hosts" / "lab.yml").write_text(json.dumps(self.inventory))

    def _started(self, words: list[str], *, preloaded: bool = False) -> Running:
        self.prepare()
        env = {**self.env, "PYTHONPATH": str(ROOT)}
        return Running(words, self.folder, env, errors="surrogateescape", preloaded=preloaded)

    def fab(self, *words: str, where: str = "lab", seconds: float = SECONDS) -> Ran:
        """Run `fab -H lab` with these words to its end."""
        return self.start(*words, where=where).finish(seconds)

    def noted(self) -> list[dict[str, Any]]:
        """The lines of the journal of what was done by hand."""
        file = self.folder / ".lockstitch" / "commands.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def home(self, host: str) -> Path:
        """The home of the login user on a host."""
        return self.sandbox.host(host).home

    def processes(self, host: str) -> set[int]:
        """What the sessions of a host have started and is still there."""
        return descendants({self.sandbox.host(host).pid})

    def until_quiet(self, seconds: float = 20.0) -> None:
        """Wait until no session of any host runs anything; an AssertionError names what is left."""
        until = time.monotonic() + seconds
        while left := {host: found for host in self.hosts if (found := self.processes(host))}:
            assert time.monotonic() < until, {host: [_words(pid) for pid in pids] for host, pids in left.items()}
            time.sleep(0.02)

    def ctrl_c(self, running: Running) -> Ran:
        running.signal(signal.SIGINT)
        return running.finish()


def _words(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
