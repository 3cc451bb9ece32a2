"""Keys of the fleet: pairs for its users, and the host keys its machines really have."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.containers.inside import File
from tests.containers.machine import Machine


@dataclass(frozen=True)
class KeyPair:
    """An ed25519 key pair in two files."""

    private: Path

    @property
    def public(self) -> str:
        """The public half, one line as it stands in authorized_keys."""
        return self.private.with_suffix(".pub").read_text().strip()


def make_pair(folder: Path, name: str) -> KeyPair:
    """A new key pair without a passphrase."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"lockstitch-test-{name}", "-f", str(folder / name)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return KeyPair(folder / name)


def host_keys(machine: Machine) -> list[str]:
    """The machine's public host keys, each as type and key, read from its disk and not from the network."""
    lines = machine.check("cat /etc/ssh/ssh_host_*_key.pub").splitlines()
    return [" ".join(line.split()[:2]) for line in lines]


def known_hosts(machine: Machine, keys: list[str]) -> str:
    """The lines of a known_hosts file for a machine: its published port, its inner address and its name."""
    names = [f"[127.0.0.1]:{machine.ssh_port}", machine.address, machine.name]
    return "".join(f"{name} {key}\n" for name in names for key in keys)


def files_for_login(user: str, authorized: list[str]) -> list[File]:
    """What lets the holders of the public keys log in as the user."""
    return [File(f"/home/{user}/.ssh/authorized_keys", "".join(f"{key}\n" for key in authorized).encode(), 0o600, user)]


def files_for_git(user: str, pair: KeyPair, known: str) -> list[File]:
    """What lets the user of a machine reach the git host: a key of its own, and the git host's keys."""
    home = f"/home/{user}/.ssh"
    return [
        File(f"{home}/id_ed25519", pair.private.read_bytes(), 0o600, user),
        File(f"{home}/known_hosts", known.encode(), 0o644, user),
    ]
