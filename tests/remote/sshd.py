"""OpenSSH's server as a plain process on loopback, for what only the real one shows."""

from __future__ import annotations

import getpass
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from pwd import getpwnam

from lockstitch.model.host import Address, Host, Limits
from scripts.sandbox.processes import descendants
from tests.ports import free_port
from tests.remote import openssh


class Sshd:
    """One server, with a host key and a login key of its own."""

    def __init__(self, place: Path, settings: dict[str, str]) -> None:
        place.mkdir()
        self.place, self.port, self.user = place, free_port(), getpass.getuser()
        self.key, self.host_key = _key(place / "login"), _key(place / "host")
        self.known_hosts = place / "known_hosts"
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {self.host_key.with_suffix('.pub').read_text()}")
        given = {
            "ListenAddress": f"127.0.0.1:{self.port}",
            "HostKey": str(self.host_key),
            "AuthorizedKeysFile": str(self.key.with_suffix(".pub")),
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "PermitRootLogin": "yes",
            # What the person's own .bashrc does is no part of these tests.
            "SetEnv": f"HOME={place}",
            **settings,
        }
        (place / "config").write_text("".join(f"{name} {value}\n" for name, value in given.items()))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
            _separated()
        with (place / "log").open("w") as log:
            command = [openssh.server() or "sshd", "-D", "-e", "-f", str(place / "config")]
            self._process = subprocess.Popen(command, stderr=log, env=openssh.environment())
        self._wait()

    def host(self, name: str = "real", limits: Limits | None = None) -> Host:
        return Host(
            name,
            Address(name, "127.0.0.1", self.port, self.user),
            known_hosts=(str(self.known_hosts),),
            identity_files=(str(self.key),),
            limits=limits or Limits(),
        )

    def sessions(self) -> set[int]:
        """The processes of its sessions, and what runs in them."""
        return descendants([self._process.pid])

    def signal_sessions(self, number: signal.Signals) -> None:
        # The server first: it would tell how what runs in it has ended.
        for pid in sorted(self.sessions(), key=_is_server, reverse=True):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def wait_for_sessions(self) -> None:
        """Until nothing runs any more that a login has begun, though it may be logged in still."""
        until = time.monotonic() + 20
        while any(not _is_server(pid) for pid in self.sessions()):
            assert time.monotonic() < until, self.sessions()
            time.sleep(0.05)

    def stop(self) -> None:
        self.signal_sessions(signal.SIGKILL)
        self._process.terminate()
        self._process.wait(10)

    def _wait(self) -> None:
        until = time.monotonic() + 10
        while time.monotonic() < until and self._process.poll() is None:
            with socket.socket() as line:
                if line.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError((self.place / "log").read_text())


def _is_server(pid: int) -> bool:
    try:
        return b"sshd" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True


def _separated() -> None:
    """A server that root starts runs its unprivileged half as this user, which its package would have made."""
    try:
        getpwnam("sshd")
    except KeyError:
        subprocess.run(
            ["useradd", "--system", "--home-dir", "/run/sshd", "--shell", "/usr/sbin/nologin", "sshd"], check=True
        )


def _key(path: Path) -> Path:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path
