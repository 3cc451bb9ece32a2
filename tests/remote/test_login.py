"""Logging in: which keys are tried, and what is said when none was taken."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest
from fabric import Config

from lockstitch.errors import ConnectError
from lockstitch.model.host import Address, Host
from lockstitch.remote.ssh import SshRemote
from tests.remote.scripts import script
from tests.remote.sshd import Sshd

Remotes = Callable[..., SshRemote]


@pytest.fixture
def server(sshd: Callable[..., Sshd]) -> Sshd:
    return sshd()


@pytest.fixture
def keyless(server: Sshd) -> Host:
    return replace(server.host(), identity_files=())


def new_key(path: Path, passphrase: str = "", kind: str = "ed25519") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(path)], check=True)
    return path


def locked(server: Sshd, passphrase: str = "open sesame") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", passphrase, "-f", str(server.key)], check=True)
    return server.key


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """An ssh-agent of this test; loads keys."""
    socket = f"/tmp/lockstitch-agent-{os.getpid()}"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", socket)

    def add(key: Path) -> None:
        for _ in range(200):
            if Path(socket).exists():
                break
            subprocess.run(["sleep", "0.02"], check=True)
        subprocess.run(["ssh-add", "-q", str(key)], check=True)

    yield add
    process.terminate()
    process.wait(10)
    Path(socket).unlink(missing_ok=True)


def refusal(remote: SshRemote, host: Host) -> ConnectError:
    error = remote.connect([host])[host.name]
    assert isinstance(error, ConnectError)
    return error


def test_the_keys_of_the_command_line_reach_every_connection(remotes: Remotes, server: Sshd, keyless: Host) -> None:
    config = Config(lazy=True, overrides={"connect_kwargs": {"key_filename": [str(server.key)]}})
    assert remotes(config).connect([keyless, replace(keyless, name="again")]) == {}


def test_connect_kwargs_go_over_the_configuration(
    remotes: Remotes, server: Sshd, keyless: Host, tmp_path: Path
) -> None:
    config = Config(lazy=True, overrides={"connect_kwargs": {"key_filename": [str(new_key(tmp_path / "no"))]}})
    assert remotes(config, connect_kwargs={"key_filename": str(server.key)}).connect([keyless]) == {}
    assert config.connect_kwargs.key_filename == [str(tmp_path / "no")]


def test_the_usual_files_are_tried_where_none_are_named(
    remotes: Remotes, server: Sshd, keyless: Host, home: Path
) -> None:
    (home / ".ssh").mkdir()
    server.key.rename(home / ".ssh/id_ed25519")
    assert remotes(Config(lazy=True)).connect([keyless]) == {}


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_types_of_keys(remotes: Remotes, server: Sshd, tmp_path: Path, kind: str) -> None:
    key = new_key(tmp_path / kind, kind=kind)
    server.key.with_suffix(".pub").write_text(key.with_suffix(".pub").read_text())
    assert remotes(Config(lazy=True)).connect([replace(server.host(), identity_files=(str(key),))]) == {}


def test_a_refused_login_says_who_and_with_what(remotes: Remotes, server: Sshd, tmp_path: Path) -> None:
    key = new_key(tmp_path / "wrong")
    error = refusal(remotes(Config(lazy=True)), replace(server.host(), identity_files=(str(key),)))
    assert error.message == f"real: login as {server.user} was refused (tried {key})"
    assert "authorized_keys" in error.hint


def test_no_key_at_all(remotes: Remotes, keyless: Host) -> None:
    error = refusal(remotes(Config(lazy=True)), keyless)
    assert "there was no key to try" in error.message and "-i FILE" in error.hint


def test_a_missing_identity_file(remotes: Remotes, server: Sshd) -> None:
    error = refusal(remotes(Config(lazy=True)), replace(server.host(), identity_files=("/no/such/key",)))
    assert error.message == "real: the identity file /no/such/key does not exist"


def test_a_missing_file_of_ssh_config_is_passed_over(
    remotes: Remotes, server: Sshd, keyless: Host, tmp_path: Path
) -> None:
    path = tmp_path / "config"
    path.write_text(f"Host *\n  IdentityFile /no/such/key\n  IdentityFile {server.key}\n")
    assert remotes(Config(runtime_ssh_path=str(path))).connect([keyless]) == {}


def test_a_locked_key_asks_for_its_passphrase(remotes: Remotes, server: Sshd) -> None:
    locked(server)
    error = refusal(remotes(Config(lazy=True)), server.host())
    assert f"{server.key} is locked with a passphrase" in error.message
    assert "--prompt-for-passphrase" in error.hint
    assert remotes(Config(lazy=True), connect_kwargs={"passphrase": "open sesame"}).connect([server.host()]) == {}


def test_a_wrong_passphrase_is_told(remotes: Remotes, server: Sshd) -> None:
    key = locked(server)
    error = refusal(remotes(Config(lazy=True), connect_kwargs={"passphrase": "no"}), server.host())
    assert str(key) in error.message


def test_a_file_that_is_no_key_is_told(remotes: Remotes, server: Sshd, tmp_path: Path) -> None:
    file = tmp_path / "notes"
    file.write_text("milk, bread\n")
    error = refusal(remotes(Config(lazy=True)), replace(server.host(), identity_files=(str(file),)))
    assert f"{file}: " in error.message


def test_a_key_of_the_agent(
    remotes: Remotes, server: Sshd, keyless: Host, agent: Callable[[Path], None], tmp_path: Path
) -> None:
    agent(new_key(tmp_path / "other"))
    agent(server.key)
    server.key.unlink()
    assert remotes(Config(lazy=True)).connect([keyless]) == {}


def test_a_locked_file_whose_key_is_in_the_agent(
    remotes: Remotes, server: Sshd, agent: Callable[[Path], None], tmp_path: Path
) -> None:
    for number in range(8):
        agent(new_key(tmp_path / f"other{number}"))
    agent(server.key)
    locked(server)
    # With IdentitiesOnly, the other eight do not use up the tries that sshd allows.
    path = tmp_path / "config"
    path.write_text("Host *\n  IdentitiesOnly yes\n")
    assert remotes(Config(runtime_ssh_path=str(path))).connect([server.host()]) == {}


def test_the_agent_is_there_for_the_host_where_it_is_forwarded(
    remotes: Remotes, server: Sshd, agent: Callable[[Path], None], tmp_path: Path
) -> None:
    agent(new_key(tmp_path / "mine"))
    remote = remotes(Config(lazy=True, overrides={"forward_agent": True}))
    for _ in range(2):
        (result,) = remote.run(server.host(), script("ssh-add -l; ssh-add -l"))
        assert result.code == 0 and result.output.count("ED25519") == 2
    # Nothing of it keeps the process from ending; the clock of pytest-timeout is not ours.
    ours = [thread for thread in threading.enumerate() if not thread.name.startswith("pytest_timeout")]
    assert all(thread.daemon or thread is threading.main_thread() for thread in ours)


def test_a_private_key_is_read_once(remotes: Remotes, server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    from lockstitch.remote.ssh import keys

    reads: list[str] = []
    read = keys._read
    monkeypatch.setattr(keys, "_read", lambda path, phrase: reads.append(path) or read(path, phrase))  # type: ignore[func-returns-value]
    assert remotes(Config(lazy=True)).connect([replace(server.host(), name=f"h{n}") for n in range(8)]) == {}
    assert reads == [str(server.key)]


KbdIntChallenge = tuple[str, str, str, Sequence[tuple[str, bool]]]


class _Door(asyncssh.SSHServer):
    """Lets in whoever knows the password, asked for in one of two ways."""

    def __init__(self, interactive: bool) -> None:
        self._interactive = interactive

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return not self._interactive

    def validate_password(self, username: str, password: str) -> bool:
        return password == "open sesame"

    def kbdint_auth_supported(self) -> bool:
        return self._interactive

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> KbdIntChallenge:
        return "", "", "", [("Password:", False)]

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        return list(responses) == ["open sesame"]


@pytest.fixture(params=[False, True], ids=["password", "keyboard-interactive"])
def by_password(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    """A host that takes only a password."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    loop, started = asyncio.new_event_loop(), threading.Event()
    ports: list[int] = []

    async def serve() -> None:
        server = await asyncssh.listen(
            "127.0.0.1", 0, server_factory=lambda: _Door(request.param), server_host_keys=[key]
        )
        ports.append(server.get_port())
        started.set()

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(serve(), loop).result(10)
    known = tmp_path / "known_by_password"
    known.write_text(f"[127.0.0.1]:{ports[0]} {key.export_public_key().decode()}")
    yield Host("vault", Address("vault", "127.0.0.1", ports[0], "ada"), known_hosts=(str(known),))
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def test_the_password_of_the_command_line(remotes: Remotes, by_password: Host) -> None:
    assert remotes(Config(lazy=True), connect_kwargs={"password": "open sesame"}).connect([by_password]) == {}
    error = refusal(remotes(Config(lazy=True), connect_kwargs={"password": "no"}), by_password)
    assert error.message == "vault: login as ada was refused (tried the password)"


def test_a_server_that_speaks_nothing_we_speak(remotes: Remotes, sshd: Callable[..., Sshd]) -> None:
    error = refusal(remotes(), sshd(KexAlgorithms="sntrup761x25519-sha512@openssh.com").host())
    assert "no safe algorithm in common" in error.message and "KexAlgorithms" in error.hint


def test_a_gateway_that_forwards_nothing(remotes: Remotes, sshd: Callable[..., Sshd]) -> None:
    gateway, target = sshd(AllowTcpForwarding="no"), sshd()
    files = (*gateway.host().known_hosts, *target.host().known_hosts)
    through = replace(target.host(), gateways=(gateway.host("gate").address,), known_hosts=files)
    remote = remotes(Config(lazy=True), connect_kwargs={"key_filename": [str(gateway.key)]})
    error = refusal(remote, through)
    assert "its gateway gate does not let connections through" in error.message
    assert "AllowTcpForwarding" in error.hint
