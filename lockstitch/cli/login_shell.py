"""A login on one host at the person's terminal, by OpenSSH's client."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time

from lockstitch.cli.fanout import record
from lockstitch.cli.session import Session
from lockstitch.engine.journal import now
from lockstitch.errors import ConnectError, ExitCode, UsageError
from lockstitch.model.command import words
from lockstitch.model.host import Host
from lockstitch.model.results import HostResult
from lockstitch.remote.ssh.interactive import ssh_config
from lockstitch.remote.terminal import run_at_terminal

# What `ssh` exits with when it is not the host's shell that has ended.
_LOST = 255


def open_shell(session: Session) -> None:
    """Open it, wait until it is ended, and leave a line in the journal."""
    hosts, user = session.c.hosts, session.user
    if len(hosts) != 1:
        named = ", ".join(host.name for host in hosts)
        raise UsageError(f"a shell is opened on one host, not on {named}", hint=f"fab -H ENV:{hosts[0].name} shell")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("a shell needs a terminal", hint="fab -H HOST run -- COMMAND works without one")
    (host,) = hosts
    if session.dry:
        session.note(f"a shell on {host.name}" + (f" as {user}" if user else ""))
        return
    session.confirm_all()
    began, start = now(), time.monotonic()
    result = HostResult(ExitCode.INTERRUPTED, "")
    try:
        code = _local(user) if host.local else _ssh(session, host, user)
        result = HostResult(ExitCode.UNREACHABLE if code == _LOST else ExitCode.DONE, "", (), code)
    finally:
        # Also where the terminal was closed.
        record(session, f"shell {user}".strip(), {host.name: result}, began, time.monotonic() - start)
    if result.code is ExitCode.UNREACHABLE:
        raise ConnectError(host.name, "ssh could not log in, or lost the connection", hint="fab doctor says more")


def _ssh(session: Session, host: Host, user: str) -> int:
    if shutil.which("ssh") is None:
        raise UsageError("there is no `ssh` on this machine", hint="install OpenSSH's client")
    text, name = ssh_config(session.remote.network.way(host), session.remote.network.client.files)
    become = ["-t", name, words("exec", "sudo", "-i", "-u", user)] if user else [name]
    with tempfile.NamedTemporaryFile("w", prefix="lockstitch-", suffix=".conf") as file:
        file.write(text)
        file.flush()
        return run_at_terminal(["ssh", "-F", file.name, *become])


def _local(user: str) -> int:
    become = ["sudo", "-i", "-u", user] if user else [os.environ.get("SHELL", "/bin/sh")]
    return run_at_terminal(become)
