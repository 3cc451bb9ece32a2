"""The way into one host: any user with the sandbox's key, ten sessions each, forwarding."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh

from .processes import SESSION_MARK
from .session import Session

if TYPE_CHECKING:
    from .host import Host

MAX_SESSIONS = 10  # sshd's default
REPOSITORY = Path(__file__).resolve().parents[2]


class Door(asyncssh.SSHServer):
    """One connection to a host, as asyncssh asks about it."""

    def __init__(self, host: "Host") -> None:
        self._host = host
        self._open_sessions = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._host.connections.add(conn)
        self._host.counts.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._host.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        # Asked before each refusal. Paramiko, when it tries its next key, asks for the login
        # service again (paramiko issue 2405). sshd allows that; asyncssh would hang up.
        vars(self._connection)["_next_service"] = b"ssh-userauth"
        return False

    def session_requested(self) -> Session | bool:
        self._host.counts.sessions += 1
        if self._open_sessions >= MAX_SESSIONS:
            return False
        self._open_sessions += 1
        return Session(self._host, self._environment(), self._session_closed)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        self._host.counts.forwards += 1
        return True

    def _session_closed(self) -> None:
        self._open_sessions -= 1

    def _environment(self) -> dict[str, str]:
        user = self._connection.get_extra_info("username")
        client = self._connection.get_extra_info("peername")
        server = self._connection.get_extra_info("sockname")
        return {
            "HOME": str(self._host.home),
            "USER": user,
            "LOGNAME": user,
            "SHELL": "/bin/sh",
            "PATH": f"{REPOSITORY / '.venv/bin'}:{os.environ.get('PATH', os.defpath)}",
            "LANG": "C.UTF-8",
            "SSH_CONNECTION": f"{client[0]} {client[1]} {server[0]} {server[1]}",
            SESSION_MARK: str(self._host.place.root),
        }
