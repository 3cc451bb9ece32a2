"""Where a sandbox keeps its files, and what it remembers between two starts."""

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from .errors import SandboxError

ADDRESS = "127.0.0.1"
HOST_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


@dataclass(frozen=True)
class HostInfo:
    """One sandbox host as its clients see it; `pid` is its server process."""

    name: str
    port: int
    home: Path
    pid: int
    address: str = ADDRESS

    @property
    def known_as(self) -> str:
        """The name of this host in a known_hosts file."""
        return f"[{self.address}]:{self.port}"


@dataclass(frozen=True)
class Place:
    """The directory of one sandbox, and the paths in it."""

    given: Path

    @cached_property
    def root(self) -> Path:
        return self.given.expanduser().resolve()

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def key(self) -> Path:
        return self.root / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.root / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        return self.root / "ssh_config"

    @property
    def private(self) -> Path:
        return self.root / ".server"

    @property
    def log(self) -> Path:
        return self.private / "log"

    def home(self, name: str) -> Path:
        return self.root / name

    def host_key(self, name: str) -> Path:
        return self.private / f"{name}.key"

    def make(self, names: list[str]) -> None:
        """Create the directories; the sandbox keeps itself out of git."""
        for name in names:
            if not HOST_NAME.fullmatch(name):
                raise SandboxError(
                    f"{name!r} cannot be the name of a sandbox host",
                    "use small letters, digits and hyphens, beginning with a letter",
                )
        for directory in (self.root, self.private, *map(self.home, names)):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.root / ".gitignore").write_text("*\n")

    def hosts(self) -> dict[str, HostInfo]:
        """The hosts that were ever started here, with the ports they keep."""
        try:
            stored = json.loads(self.state.read_text())
            return {
                name: HostInfo(name, int(host["port"]), self.home(name), int(host["pid"]))
                for name, host in stored["hosts"].items()
            }
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SandboxError(
                f"cannot read {self.state}", "delete this file: the next start writes a new one"
            ) from error

    def remember(self, hosts: dict[str, HostInfo]) -> None:
        """Store the hosts in one move, so that no reader sees half a file."""
        kept = {name: {k: asdict(host)[k] for k in ("port", "pid")} for name, host in hosts.items()}
        draft = self.state.with_suffix(".new")
        draft.write_text(json.dumps({"hosts": kept}, indent=2) + "\n")
        os.replace(draft, self.state)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one start or stop at a time change this sandbox."""
        with (self.private / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
