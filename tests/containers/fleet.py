"""The fleet of the tests: seven hosts on one network, with keys and known hosts, a git server and a database server."""

from __future__ import annotations

import shlex
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

import docker

from tests.containers import keys, resources
from tests.containers.inside import File
from tests.containers.machine import Machine
from tests.containers.resources import Spec
from tests.ports import free_port

DEPLOYERS = ["deploy", "ops"]
LOGIN_USERS = [*DEPLOYERS, "git"]
BACKEND_HTTP, FRONTEND_HTTP, POSTGRES = 8000, 3000, 5432
BACKUPS, SMALL_BACKUPS = "/var/backups/api", "/var/backups/small"
TOPOLOGY = [
    Spec("api1", http=BACKEND_HTTP, small_disks={SMALL_BACKUPS: "6m"}, folders=(BACKUPS,)),
    Spec("api2", http=BACKEND_HTTP, small_disks={"/app": "64m"}, folders=(BACKUPS,)),
    Spec("web1", http=FRONTEND_HTTP),
    Spec("web2", http=FRONTEND_HTTP),
    Spec("gw"),
    Spec("git"),
    Spec("db1", ports=(POSTGRES,)),
]


class Fleet:
    """Machines by name on a network of their own, one client key, and a known_hosts file; removed on exit."""

    def __init__(self, client: docker.DockerClient, image: str, folder: Path, git_host: str = "git") -> None:
        self.machines: dict[str, Machine] = {}
        self.git_host = git_host
        self.known_hosts = folder / "known_hosts"
        self.start_seconds = 0.0
        self._client, self._image = client, image
        self.key, self._git_key = keys.make_pair(folder, "client"), keys.make_pair(folder, "git")
        resources.remove_stale(client)
        self._network, self._prefix = resources.make_network(client)
        self._last_address = 9

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getitem__(self, name: str) -> Machine:
        return self.machines[name]

    @property
    def backends(self) -> list[Machine]:
        """The hosts of the api."""
        return [self["api1"], self["api2"]]

    @property
    def frontends(self) -> list[Machine]:
        """The hosts of the web app."""
        return [self["web1"], self["web2"]]

    def topology(self) -> Fleet:
        """Start the seven: api1 (/var/backups/small a disk of 6 MB), api2 (/app a disk of 64 MB), web1, web2, the gateway
        gw, the git host, and db1, whose PostgreSQL waits for `Postgres.start`."""
        self.start(TOPOLOGY)
        return self

    def start(self, specs: list[Spec]) -> list[Machine]:
        """Start machines side by side, and make them known to each other's users; the machines, ready."""
        began = time.monotonic()
        placed = [(spec, self._next_address()) for spec in specs]
        with ThreadPoolExecutor(len(specs)) as pool:
            started = list(pool.map(lambda each: self._boot(*each), placed))
            host_keys = list(pool.map(keys.host_keys, started))
            with self.known_hosts.open("a") as file:
                file.writelines(keys.known_hosts(*each) for each in zip(started, host_keys, strict=True))
            list(pool.map(self._let_in, started))
        self.start_seconds = time.monotonic() - began
        return started

    def close(self) -> None:
        """Remove every machine and the network, whatever state they are in."""
        for machine in self.machines.values():
            machine.close()
        containers = resources.containers_of(self._client, self._network)
        with ThreadPoolExecutor(max(1, len(containers))) as pool:
            list(pool.map(resources.remove, containers))
        self.machines.clear()
        resources.remove_network(self._network)

    def ssh_options(self) -> list[str]:
        """Options for ssh, scp and git on this machine: the client key, and no host that is not in known_hosts."""
        settings = [
            f"UserKnownHostsFile={self.known_hosts}",
            "StrictHostKeyChecking=yes",
            "IdentitiesOnly=yes",
            "BatchMode=yes",
        ]
        return ["-F", "none", "-i", str(self.key.private), *(word for each in settings for word in ("-o", each))]

    def ssh(
        self, name: str, command: str, user: str = "deploy", seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on a machine with the system's ssh."""
        where = ["-p", str(self[name].ssh_port), f"{user}@127.0.0.1"]
        return subprocess.run(
            ["ssh", *self.ssh_options(), *where, command], capture_output=True, text=True, check=False, timeout=seconds
        )

    def git_environment(self) -> dict[str, str]:
        """What git on this machine needs in its environment to reach the git host."""
        return {"GIT_SSH_COMMAND": shlex.join(["ssh", *self.ssh_options()])}

    def make_bare_repository(self, name: str) -> None:
        """Make an empty repository on the git host."""
        self[self.git_host].check(f"git init -q --bare -b main /srv/git/{name}.git", user="git")

    def push_url(self, name: str) -> str:
        """A repository's address as seen from here."""
        return f"ssh://git@127.0.0.1:{self[self.git_host].ssh_port}/srv/git/{name}.git"

    def clone_url(self, name: str) -> str:
        """A repository's address as seen from the fleet's machines."""
        return f"git@{self.git_host}:/srv/git/{name}.git"

    def _next_address(self) -> str:
        self._last_address += 1
        return f"{self._prefix}.{self._last_address}"

    def _boot(self, spec: Spec, address: str) -> Machine:
        inside = [22, *([spec.http] if spec.http else []), *spec.ports]
        ports = {port: free_port() for port in inside}
        container = resources.run_container(self._client, self._image, spec, self._network, address, ports)
        machine = Machine(self._client, container, self._network, spec, address, ports)
        self.machines[spec.name] = machine
        machine.wait_ready()
        for folder in spec.folders:
            machine.check(f"install -d -o deploy -g deploy -m 750 {folder}")
        return machine

    def _let_in(self, machine: Machine) -> None:
        for_git = [self.key.public, self._git_key.public] if machine.name == self.git_host else [self.key.public]
        files: list[File] = []
        for user in LOGIN_USERS:
            files += keys.files_for_login(user, for_git if user == "git" else [self.key.public])
        for user in DEPLOYERS:
            files += keys.files_for_git(user, self._git_key, self.known_hosts.read_text())
        folders = "; ".join(f"install -d -m 700 -o {user} -g {user} /home/{user}/.ssh" for user in LOGIN_USERS)
        machine.check(folders)
        machine.put_all(files)
