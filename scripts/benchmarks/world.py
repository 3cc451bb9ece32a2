"""A project in a temporary folder: a sandbox of hosts, a small repository, an inventory, and the real `fab`."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.benchmarks.measure import Ran, run, whole
from scripts.benchmarks.servers import Servers, servers
from scripts.sandbox import Sandbox

ROOT = Path(__file__).resolve().parent.parent.parent
LINKED = ("fabfile.py", "fabric.yaml", "tasks", "lockstitch")


class World:
    """Some hosts and one project that deploys to them as `user`."""

    def __init__(self, root: Path, sandbox: Sandbox | Servers, user: str) -> None:
        self.root, self.sandbox, self.user = root, sandbox, user
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
        """Write hosts/bench.yml, ssh_config and known_hosts; `ports` replaces the hosts' own, `app` adds to the app."""
        place = self.sandbox.place
        ports = ports or {host.name: host.port for host in self.sandbox.hosts.values()}
        self._client_files(ports)
        hosts = [self._host(name, port) for name, port in ports.items()]
        service = {"kind": "command", "reload": "cp NUMBER $HOME/served", "status": "cmp NUMBER $HOME/served"}
        base = {"repository": str(self.repository), "layout": "releases", "path": "app", "service": service}
        settings = {
            "ssh": {
                "user": self.user,
                "known_hosts": [str(self.root / "known_hosts")],
                "identity_files": [str(place.key)],
            },
            "groups": {"all": {"hosts": hosts, "apps": ["app"]}},
            "apps": {"app": base | {"keep": 2, "min_free": "1M"} | app},
            "rollout": {"batch": "all"},
        }
        (self.root / "hosts" / "bench.yml").write_text(json.dumps(settings))

    def fab(self, *words: str) -> Ran:
        """Run `fab -H bench …`; raises SystemExit where it fails."""
        return run(("fab", "-H", "bench", *words), self.root)

    def _host(self, name: str, port: int) -> dict[str, Any]:
        """A host of the inventory. Where a session begins differs, so the path of the app is a whole one."""
        path = str(self.sandbox.hosts[name].home / "app")
        return {"name": name, "address": "127.0.0.1", "port": port, "override": {"app": {"path": path}}}

    def _client_files(self, ports: Mapping[str, int]) -> None:
        """What OpenSSH needs to reach the hosts at these ports."""
        lines = (line.split(" ", 1) for line in self.sandbox.place.known_hosts.read_text().splitlines())
        keys = dict(lines)
        known = (f"[127.0.0.1]:{port} {keys[self.sandbox.hosts[name].known_as]}\n" for name, port in ports.items())
        (self.root / "known_hosts").write_text("".join(known))
        hosts = (f"Host {name}\n  HostName 127.0.0.1\n  Port {port}\n" for name, port in ports.items())
        common = (
            f"Host *\n  User {self.user}\n  IdentityFile {self.sandbox.place.key}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {self.root / 'known_hosts'}\n  StrictHostKeyChecking yes\n"
        )
        (self.root / "ssh_config").write_text("".join(hosts) + common)

    def _git(self, *words: str) -> None:
        keys = (f"GIT_{role}_{what}" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL"))
        who = dict.fromkeys(keys, "bench@example.com")
        subprocess.run(["git", *words], check=True, env={**os.environ, **who})


@contextmanager
def world(hosts: int) -> Iterator[World]:
    """A world of so many hosts of the sandbox; everything is stopped and removed afterwards."""
    with _folder() as folder, Sandbox(folder / "sandbox", hosts) as sandbox:
        yield World(folder / "project", sandbox, "deploy")


@contextmanager
def openssh_world(hosts: int) -> Iterator[World]:
    """A world of so many OpenSSH servers, for what is compared with other tools; `sandbox` are these servers."""
    with _folder() as folder, servers(folder / "hosts", hosts) as found:
        yield World(folder / "project", found, found.user)


@contextmanager
def _folder() -> Iterator[Path]:
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, max(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    folder = Path(tempfile.mkdtemp(prefix="bench."))
    try:
        (folder / "project").mkdir()
        yield folder
    finally:
        with whole():
            shutil.rmtree(folder)
