"""A project in a temporary folder: a sandbox of hosts, a small repository, an inventory, and the real `fab`."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.sandbox import Sandbox

ROOT = Path(__file__).resolve().parent.parent.parent
LINKED = ("fabfile.py", "fabric.yaml", "tasks", "lockstitch")


@dataclass(frozen=True)
class Ran:
    """How long a command took in seconds, and the most memory one of its processes had, in MiB."""

    seconds: float
    mebibytes: float


class World:
    """One sandbox and one project that deploys to it."""

    def __init__(self, root: Path, sandbox: Sandbox) -> None:
        self.root, self.sandbox = root, sandbox
        for name in LINKED:
            (root / name).symlink_to(ROOT / name)
        (root / "hosts").mkdir()
        self.repository = root / "app.git"
        self._git("init", "-q", "-b", "main", str(self.repository))
        self.commit()

    def commit(self) -> None:
        """One more revision to deploy."""
        (self.repository / "NUMBER").write_text(str(time.monotonic_ns()))
        self._git("-C", str(self.repository), "add", "-A")
        self._git("-C", str(self.repository), "commit", "-q", "-m", "another")

    def inventory(self, ports: Mapping[str, int] | None = None, **app: Any) -> None:
        """Write hosts/bench.yml; `ports` replaces the hosts' own, `app` adds to the app."""
        place = self.sandbox.place
        known = [line for port in (ports or {}).values() for line in self._keys(port)]
        ports = ports or {host.name: host.port for host in self.sandbox.hosts.values()}
        (self.root / "known_hosts").write_text("\n".join(known) + "\n" if known else place.known_hosts.read_text())
        hosts = [{"name": name, "address": "127.0.0.1", "port": port} for name, port in ports.items()]
        service = {"kind": "command", "reload": "cp NUMBER $HOME/served", "status": "cmp NUMBER $HOME/served"}
        base = {"repository": str(self.repository), "layout": "releases", "path": "app", "service": service}
        settings = {
            "ssh": {
                "user": "deploy",
                "known_hosts": [str(self.root / "known_hosts")],
                "identity_files": [str(place.key)],
            },
            "groups": {"all": {"hosts": hosts, "apps": ["app"]}},
            "apps": {"app": base | {"keep": 2, "min_free": "1M"} | app},
            "rollout": {"batch": "all"},
        }
        (self.root / "hosts" / "bench.yml").write_text(json.dumps(settings))

    def fab(self, *words: str) -> Ran:
        """Run `fab -H bench …`; raises CalledProcessError where it fails."""
        start = time.monotonic()
        process = subprocess.Popen(["fab", "-H", "bench", *words], cwd=self.root, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, words)
        return Ran(time.monotonic() - start, usage.ru_maxrss / 1024)

    def _keys(self, port: int) -> list[str]:
        """The sandbox's host keys, under the name a relay's port gives them."""
        lines = self.sandbox.place.known_hosts.read_text().splitlines()
        return [f"[127.0.0.1]:{port} {line.split(' ', 1)[1]}" for line in lines]

    def _git(self, *words: str) -> None:
        keys = (f"GIT_{role}_{what}" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL"))
        who = dict.fromkeys(keys, "bench@example.com")
        subprocess.run(["git", *words], check=True, env={**os.environ, **who})


@contextmanager
def world(hosts: int) -> Iterator[World]:
    """A world of so many hosts; everything is stopped and removed afterwards."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, max(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    with tempfile.TemporaryDirectory(prefix="bench.") as folder, Sandbox(Path(folder) / "sandbox", hosts) as sandbox:
        (Path(folder) / "project").mkdir()
        yield World(Path(folder) / "project", sandbox)
