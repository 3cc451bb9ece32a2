"""`fab shell` at a real terminal, through the OpenSSH client of this machine."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from fabric import Config

from lockstitch.model.host import Address, Host
from lockstitch.remote.ssh.interactive import ssh_config
from lockstitch.remote.ssh.network import Network
from tests.cli.conftest import MakeOperator
from tests.cli.operator import Operator
from tests.containers.project import FAB, ROOT, Project

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="OpenSSH's client is not installed")


class Terminal:
    """A `fab` that has a terminal, and the person before it."""

    def __init__(self, operator: Operator | Project, *words: str, hangups: signal.Handlers = signal.SIG_DFL) -> None:
        operator.prepare()
        self._said = b""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGHUP, hangups)
            os.chdir(operator.folder)
            os.execve(FAB, [str(FAB), *words], {**operator.env, "PYTHONPATH": str(ROOT), "TERM": "dumb"})

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def until(self, pattern: str, seconds: float = 30.0) -> str:
        """Wait until it shows this; an AssertionError with what it has shown where it does not."""
        until = time.monotonic() + seconds
        while not re.search(pattern, self.said):
            assert time.monotonic() < until and self._read(until), (pattern, self.said)
        return self.said

    @property
    def said(self) -> str:
        return self._said.decode(errors="replace")

    def end(self) -> int:
        """Its exit code, when it has ended."""
        while self._read(time.monotonic() + 30):
            pass
        os.close(self._fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def close(self) -> int:
        """Take the terminal away, and wait until it has noticed; its exit code."""
        os.close(self._fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read(self, until: float) -> bool:
        ready, _, _ = select.select([self._fd], [], [], max(0.0, until - time.monotonic()))
        try:
            data = os.read(self._fd, 4096) if ready else b""
        except OSError:
            return False
        self._said += data
        return bool(data)


def test_a_login_with_the_inventorys_keys(operator: Operator) -> None:
    terminal = Terminal(operator, "-H", "lab:one", "shell")
    terminal.type("echo at=$((40 + 2))=${HOME##*/}\n")
    terminal.until("at=42=one")
    terminal.type("exit 3\n")
    assert terminal.end() == 0, terminal.said
    (line,) = operator.noted()
    assert line["what"] == "shell" and line["codes"] == {"one": 3}
    operator.until_quiet()
    assert not list(Path(tempfile.gettempdir()).glob("lockstitch-*.conf"))


def test_a_host_that_is_away(make_operator: MakeOperator) -> None:
    operator = make_operator("one", gone=("away",))
    terminal = Terminal(operator, "-H", "lab:away", "shell")
    assert terminal.end() == 3, terminal.said
    assert "Traceback" not in terminal.said and "could not log in" in terminal.said


def test_a_host_whose_key_is_another(operator: Operator) -> None:
    with operator.sandbox.broken("one", "wrong-key"):
        terminal = Terminal(operator, "-H", "lab:one", "shell")
        assert terminal.end() == 3, terminal.said
    assert "HOST IDENTIFICATION HAS CHANGED" in terminal.said


@pytest.mark.parametrize("hangups", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_terminal_that_is_closed(operator: Operator, hangups: signal.Handlers) -> None:
    """That there was a session is told also where nobody has ended it; and it has ended, whatever SIGHUP means to us."""
    terminal = Terminal(operator, "-H", "lab:one", "shell", hangups=hangups)
    terminal.type("echo at=$((40 + 2))\n")
    terminal.until("at=42")
    assert terminal.close() == 130
    (line,) = operator.noted()
    assert line["what"] == "shell" and line["codes"] == {"one": "interrupted"}, line
    operator.until_quiet()


def test_dry_opens_none_and_two_users_are_one_too_many(operator: Operator) -> None:
    terminal = Terminal(operator, "-H", "lab:one", "--dry", "shell", "--user", "ada")
    assert terminal.end() == 0 and "a shell on one as ada" in terminal.said, terminal.said
    ran = operator.fab("shell", "--sudo", "--user", "ada", where="lab:one")
    assert ran.code == 2 and "--sudo is root" in ran.err, ran.said
    assert not operator.noted()


def test_it_is_one_host_and_a_terminal(operator: Operator) -> None:
    assert operator.fab("shell").code == 2
    ran = operator.fab("shell", where="lab:one")
    assert ran.code == 2 and "needs a terminal" in ran.err, ran.said


def hops(config: Path, *gateways: Address, user: str = "ada", known: tuple[str, ...] = ("/k h/known",)) -> str:
    config.write_text("Host *\n  ForwardAgent yes\n")
    host = Host("web 1", Address("web 1", "192.0.2.1", 2222, user), gateways=gateways, known_hosts=known)
    text, name = ssh_config(Network(Config(runtime_ssh_path=str(config))).way(host))
    file = config.with_suffix(".made")
    file.write_text(text)
    said = subprocess.run(["ssh", "-G", "-F", str(file), name], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    return said.stdout


def test_the_way_is_what_ssh_itself_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ssh -G` prints what it has understood."""
    monkeypatch.setenv("SSH_AUTH_SOCK", "/the/agent")
    said = hops(tmp_path / "config", Address("jump", "192.0.2.9", 2200, "gate"), Address("inner", "192.0.2.8"))
    for line in (
        "hostname 192.0.2.1",
        "port 2222",
        "user ada",
        "proxyjump lockstitch-hop-1",
        "stricthostkeychecking true",
        "hostkeyalias [192.0.2.1]:2222",
        'userknownhostsfile "/k h/known"',
        "forwardagent yes",
        "identityagent /the/agent",
    ):
        assert line in said.replace("userknownhostsfile /k h/known", 'userknownhostsfile "/k h/known"'), (line, said)
