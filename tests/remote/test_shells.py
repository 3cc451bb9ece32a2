"""Any login shell and any profile, on a real OpenSSH server: what is asked arrives, lives and ends."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path

import pytest
from paramiko import Channel, Message
from paramiko.common import MSG_CHANNEL_DATA, MSG_CHANNEL_EOF

from lockstitch.errors import ConnectError
from lockstitch.model.command import Command, any_shell
from lockstitch.model.host import Limits
from lockstitch.model.plan import Script, Step
from lockstitch.remote import InterruptedRunError
from lockstitch.remote.ssh import SshRemote
from lockstitch.remote.ssh.network import send_signal
from tests.remote.scripts import Running, running, script
from tests.remote.sshd import Sshd
from tests.shells import LOGIN_SHELLS

ODD = 'it\'s !here\\ and \\\\ there\n\\0101 %s $HOME `id` "q" ü \udcff {a,b} ~ # ; &'


def logged_in(sshd: Callable[..., Sshd], tmp_path: Path, shell: str, profile: str = "") -> Sshd:
    """A server that gives what is asked to a login shell, after what its profile does."""
    login = tmp_path / "login"
    login.write_text(f'#!/bin/bash\n{profile}\nexec {shell} -c "$SSH_ORIGINAL_COMMAND"\n')
    login.chmod(0o755)
    return sshd(ForceCommand=str(login))


@pytest.mark.parametrize("shell", LOGIN_SHELLS, ids=" ".join)
@pytest.mark.parametrize("text", ["echo plain", f"cat <<'END'\n{ODD}\nEND\ncat"], ids=["plain", "odd"])
def test_a_line_means_the_same_in_any_login_shell(shell: tuple[str, ...], text: str) -> None:
    line = any_shell(text).encode("utf-8", "surrogateescape")
    said = subprocess.run([*shell, "-c", line], input=b"stdin is left alone\n", capture_output=True, check=True).stdout
    assert said == (
        b"plain\n" if text == "echo plain" else ODD.encode("utf-8", "surrogateescape") + b"\nstdin is left alone\n"
    )


@pytest.mark.parametrize("shell", LOGIN_SHELLS, ids=" ".join)
@pytest.mark.parametrize("long", ["ü\n" * 4000, "x" * 9000], ids=["odd", "plain"])
def test_a_long_line_has_no_word_that_a_shell_finds_too_long(shell: tuple[str, ...], long: str) -> None:
    """Debian's csh takes 8190 characters, and it is not everywhere."""
    line = any_shell(f"printf %s '{long}'")
    assert max(map(len, line.split("'"))) <= 8190
    assert subprocess.run([*shell, "-c", line], capture_output=True, check=True).stdout.decode() == long


@pytest.mark.parametrize("shell", LOGIN_SHELLS, ids=" ".join)
def test_scripts_arrive_under_any_login_shell(
    remotes: Callable[..., SshRemote], sshd: Callable[..., Sshd], tmp_path: Path, shell: tuple[str, ...]
) -> None:
    """Both ways: in the line that starts the shell, and through a shell that waits for it."""
    server, remote = logged_in(sshd, tmp_path, " ".join(shell)), remotes()
    for journal in (None, str(tmp_path / "journal")):
        step = Step("say", "", Command('printf %s "$odd"', values={"odd": ODD}))
        (result,) = remote.run(server.host(), Script((step,), journal=journal, app="api", run="1"))
        assert result.output.encode() == ODD.encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode()


@pytest.fixture
def hardened(sshd: Callable[..., Sshd], tmp_path: Path) -> Sshd:
    """A host whose profile ends what is idle for a second, for good, and whose `sh` is bash."""
    bash = shutil.which("bash")
    assert bash
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sh").symlink_to(bash)
    return logged_in(sshd, tmp_path, "bash", f"readonly TMOUT=1; export TMOUT PATH={tmp_path}/bin:$PATH")


def test_a_limit_for_idle_shells_ends_no_step(remotes: Callable[..., SshRemote], hardened: Sshd) -> None:
    for journal in (None, str(hardened.place / "journal")):
        step = '[ -n "$BASH_VERSION" ]; sleep 2; (read -r line) </dev/null; echo lived'
        (result,) = remotes().run(hardened.host(), script(step, journal=journal, app="api", run="1"))
        assert (result.code, result.output) == (0, "lived\n")


def test_the_end_of_the_line_still_ends_the_step(remotes: Callable[..., SshRemote], hardened: Sshd) -> None:
    remote, mark = remotes(), hardened.place / "ended"
    step = f"trap ': >{mark}; exit' TERM; echo begun; while :; do sleep 0.1; done"
    with running(remote, hardened.host(), script(step)) as run:
        remote.interrupt()
    assert isinstance(run.error, InterruptedRunError)
    assert mark.exists()


@pytest.mark.parametrize("profile", ["read -r line", "sleep 3", "exit 3", "echo no login today; exit 1"])
def test_a_shell_that_never_gets_ready_is_no_host(
    remotes: Callable[..., SshRemote], sshd: Callable[..., Sshd], tmp_path: Path, profile: str
) -> None:
    """It does nothing either, also where it gets ready after we have said so."""
    server, remote = logged_in(sshd, tmp_path, "bash", f"{profile}; : >{tmp_path}/late"), remotes()
    remote.spares = 0
    run = Running(remote, server.host(limits=Limits(channel_timeout=1)), script(f": >{tmp_path}/ran"))
    run.end()
    assert isinstance(run.error, ConnectError) and run.error.exit_code == 3
    waited = profile.startswith(("read", "sleep"))
    assert ("did not start a shell within 1 s" if waited else "does not start a shell: ") in run.error.message
    assert ("no login today" in run.error.message) == ("no login" in profile)
    server.wait_for_sessions()
    assert not (tmp_path / "ran").exists()
    assert (tmp_path / "late").exists() == waited


def test_what_a_host_says_to_one_shell_alone_is_told_whichever_it_was(
    remotes: Callable[..., SshRemote], sshd: Callable[..., Sshd], tmp_path: Path
) -> None:
    """As PAM's refusals are, once a connection; here to the second, which ends after the third."""
    first, second = tmp_path / "first", tmp_path / "second"
    said = f"mkdir {second} 2>/dev/null && {{ sleep 1; echo closed for today; }}"
    server = logged_in(sshd, tmp_path, "bash", f"mkdir {first} 2>/dev/null || {{ {said}; }}; exit 254")
    remote, host = remotes(), server.host()
    remote.spares = 1
    assert remote.connect([host]) == {}
    line = remote._lines[host]
    wait(line._spares[None])
    line._wanted = 2
    line.warm(None)
    with pytest.raises(ConnectError, match="does not start a shell: closed for today"):
        line.take(None)


def _signal(channel: Channel) -> None:
    send_signal(channel, "TERM")


def _message(kind: int, data: str = "") -> Callable[[Channel], None]:
    def send(channel: Channel) -> None:
        message = Message()
        message.add_byte(bytes([kind]))
        message.add_int(channel.remote_chanid)
        if data:
            message.add_string(data)
        channel.transport._send_user_message(message)  # type: ignore[union-attr]

    return send


@pytest.mark.parametrize("send", [_signal, _message(MSG_CHANNEL_EOF), _message(MSG_CHANNEL_DATA, "more")])
def test_what_is_sent_to_a_shell_that_has_just_ended_does_not_end_the_connection(
    remotes: Callable[..., SshRemote], sshd: Callable[..., Sshd], send: Callable[[Channel], None]
) -> None:
    """A step ends in the moment it is stopped: OpenSSH drops the connection over a message for a closed channel."""
    remote, host = remotes(), sshd().host()
    remote.connect([host])
    line = remote._lines[host]
    shell = line.take(None)
    channel, transport = shell._channel, line.connection.transport
    assert transport is not None
    shell.send("exit 0\n")
    while shell.read(10):
        pass
    line.give_back(shell)
    send(channel)
    shell.stop()
    (result,) = remote.run(host, script("echo still here"))
    assert result.output == "still here\n"
    assert remote._lines[host].connection.transport is transport and transport.is_active()
