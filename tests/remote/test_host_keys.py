"""Host keys over real SSH: nothing unknown, changed or revoked is let in, also not as a gateway."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fabric import Config

from lockstitch.errors import ExitCode, HostKeyError
from lockstitch.model.host import Address, Host
from lockstitch.remote.ssh import SshRemote, Trust
from lockstitch.remote.ssh.known_hosts import KnownHosts, fingerprint, judge, parse, read
from scripts.sandbox import Sandbox
from tests.remote.scripts import script
from tests.remote.sshd import Sshd

Remotes = Callable[..., SshRemote]


@pytest.fixture
def web1(sandbox: Sandbox, tmp_path: Path) -> Host:
    """A host whose known_hosts is this test's own, and empty."""
    return bare(sandbox, "web1", tmp_path / "known_hosts")


def bare(sandbox: Sandbox, name: str, known_hosts: Path, **options: object) -> Host:
    info = sandbox.host(name)
    address = Address(name, info.address, info.port, "deploy")
    key = (str(sandbox.place.key),)
    return Host(name, address, known_hosts=(str(known_hosts),), identity_files=key, **options)  # type: ignore[arg-type]


@pytest.fixture
def remote(remotes: Remotes) -> SshRemote:
    """Without the sandbox's ssh_config."""
    return remotes(Config(lazy=True))


def known(host: Host) -> Path:
    return Path(host.known_hosts[0])


def line_of(sandbox: Sandbox, name: str) -> str:
    port = f":{sandbox.host(name).port} "
    return next(line for line in sandbox.place.known_hosts.read_text().splitlines(True) if port in line)


def refusal(remote: SshRemote, host: Host) -> HostKeyError:
    error = remote.connect([host])[host.name]
    assert isinstance(error, HostKeyError) and error.exit_code == ExitCode.UNREACHABLE
    return error


def test_an_unknown_key_is_refused_with_its_fingerprint(remote: SshRemote, web1: Host, sandbox: Sandbox) -> None:
    error = refusal(remote, web1)
    (entry,) = parse(line_of(sandbox, "web1"))
    assert f"offers {fingerprint(entry.blob)}" in error.message
    assert error.hint.endswith("fab -H web1 trust")
    assert not known(web1).exists()


def test_a_refusal_names_the_host_as_it_was_typed(remotes: Remotes, web1: Host) -> None:
    remote = remotes(Config(lazy=True), typed={"web1": "prod:web1"})
    assert refusal(remote, web1).hint.endswith("fab -H prod:web1 trust")


def test_a_changed_key_is_refused_with_file_and_line_and_both_fingerprints(
    remote: SshRemote, web1: Host, sandbox: Sandbox
) -> None:
    (theirs,), (ours,) = parse(line_of(sandbox, "web2")), parse(line_of(sandbox, "web1"))
    other = line_of(sandbox, "web2").replace(f":{sandbox.host('web2').port} ", f":{web1.address.port} ")
    known(web1).write_text(f"# first line\n{other}")
    error = refusal(remote, web1)
    assert f"{known(web1)}:2 has {fingerprint(theirs.blob)}" in error.message
    assert f"offers {fingerprint(ours.blob)}" in error.message


def test_a_host_that_shows_another_key_than_before(remote: SshRemote, web1: Host, sandbox: Sandbox) -> None:
    known(web1).write_text(line_of(sandbox, "web1"))
    with sandbox.broken("web1", "wrong-key"):
        assert "its host key has changed" in refusal(remote, web1).message
    assert remote.connect([web1]) == {}


def test_a_revoked_key_is_refused_though_it_is_trusted_elsewhere(
    remote: SshRemote, web1: Host, sandbox: Sandbox
) -> None:
    trusted = line_of(sandbox, "web1")
    known(web1).write_text(f"{trusted}@revoked * {trusted.split(' ', 1)[1]}")
    error = refusal(remote, web1)
    assert "is revoked by" in error.message and f"{known(web1)}:2" in error.message


def test_a_file_that_cannot_be_read_may_revoke_what_another_trusts(
    remote: SshRemote, web1: Host, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A folder in its place, since root may read every file."""
    known(web1).write_text(line_of(sandbox, "web1"))
    folder = tmp_path / "more_hosts"
    folder.mkdir()
    host = replace(web1, known_hosts=(*web1.known_hosts, str(folder)))
    assert f"cannot be judged: {folder} cannot be read: is a directory" in refusal(remote, host).message
    folder.rmdir()
    assert remote.connect([host]) == {}, "what is not there says nothing"


def test_lines_that_cannot_be_read_do_no_harm(remote: SshRemote, web1: Host, sandbox: Sandbox) -> None:
    noise = "@cert-authority * ssh-ed25519 AAAA\n@revoked x\nweb ssh-rsa !!!\n\x00\xff\n"
    known(web1).write_bytes(noise.encode("latin-1") + line_of(sandbox, "web1").encode())
    assert remote.connect([web1]) == {}


def test_accept_new_records_an_unknown_key_once(remotes: Remotes, web1: Host, sandbox: Sandbox) -> None:
    trusting = replace(web1, host_keys="accept-new")
    known(web1).write_text("# mine, without a newline at its end")
    for _ in range(2):
        assert remotes(Config(lazy=True)).connect([trusting]) == {}
    assert known(web1).read_text().splitlines()[0] == "# mine, without a newline at its end"
    (entry,) = read(web1.known_hosts)
    assert judge(KnownHosts(parse(line_of(sandbox, "web1"))), entry.hosts, entry.blob).verdict == "trusted"


def test_accept_new_makes_a_file_only_its_owner_reads(remote: SshRemote, web1: Host) -> None:
    assert remote.connect([replace(web1, host_keys="accept-new")]) == {}
    assert stat.S_IMODE(known(web1).stat().st_mode) == 0o600


def test_accept_new_refuses_a_changed_key(remote: SshRemote, web1: Host, sandbox: Sandbox) -> None:
    known(web1).write_text(line_of(sandbox, "web1"))
    with sandbox.broken("web1", "wrong-key"):
        assert "its host key has changed" in refusal(remote, replace(web1, host_keys="accept-new")).message
    assert known(web1).read_text() == line_of(sandbox, "web1")


def test_the_known_type_of_key_is_asked_for(remotes: Remotes, sshd: Callable[..., Sshd], tmp_path: Path) -> None:
    import subprocess

    rsa = tmp_path / "rsa"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", str(rsa)], check=True)
    server = sshd(HostKey=f"{rsa}\nHostKey {tmp_path}/sshd0/host")
    server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {rsa.with_suffix('.pub').read_text()}")
    (result,) = remotes().run(server.host(), script("echo in"))
    assert result.output == "in\n"


def test_a_gateway_with_an_unknown_key_is_not_passed(remote: SshRemote, sandbox: Sandbox, tmp_path: Path) -> None:
    info = sandbox.host("bastion")
    gateway = Address("bastion", info.address, info.port, "gate")
    file = tmp_path / "known_hosts"
    file.write_text(line_of(sandbox, "web1"))
    error = refusal(remote, bare(sandbox, "web1", file, gateways=(gateway,)))
    assert error.message.startswith("web1: its gateway bastion could not be passed: its host key is unknown")
    assert error.hint.endswith("fab -H bastion trust")
    assert sandbox.counts("web1").connections == 0


def test_trust_shows_the_keys_without_logging_in(remote: SshRemote, web1: Host, sandbox: Sandbox) -> None:
    stranger = replace(web1, identity_files=(), address=replace(web1.address, user="nobody"))
    (key,) = Trust(remote.network).fetch_keys(stranger)
    (entry,) = parse(line_of(sandbox, "web1"))
    assert (key.kind, key.fingerprint) == ("ssh-ed25519", fingerprint(entry.blob))
    assert (key.standing.verdict, key.known_as) == ("unknown", entry.hosts)


def test_trust_shows_a_key_of_each_type(remotes: Remotes, sshd: Callable[..., Sshd], tmp_path: Path) -> None:
    import subprocess

    rsa = tmp_path / "rsa"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", str(rsa)], check=True)
    server = sshd(HostKey=f"{rsa}\nHostKey {tmp_path}/sshd0/host")
    keys = Trust(remotes().network).fetch_keys(server.host())
    assert [(key.kind, key.standing.verdict) for key in keys] == [("ssh-ed25519", "trusted"), ("ssh-rsa", "unknown")]


def test_what_was_trusted_is_let_in(remote: SshRemote, web1: Host) -> None:
    trust = Trust(remote.network)
    assert "web1" in remote.connect([web1])
    for key in trust.fetch_keys(web1):
        assert trust.record(web1, key.key).verdict == "unknown"
    assert [key.standing.verdict for key in trust.fetch_keys(web1)] == ["trusted"]
    assert remote.connect([web1]) == {}


def test_trust_replaces_a_changed_key_only_when_it_is_told_to(remote: SshRemote, web1: Host, sandbox: Sandbox) -> None:
    known(web1).write_text(line_of(sandbox, "web1"))
    trust = Trust(remote.network)
    with sandbox.broken("web1", "wrong-key"):
        (key,) = trust.fetch_keys(web1)
        assert trust.record(web1, key.key).verdict == "changed"
        assert "changed" in refusal(remote, web1).message
        trust.record(web1, key.key, replace=True)
        assert remote.connect([web1]) == {}


def test_trust_goes_from_gateway_to_host(remote: SshRemote, sandbox: Sandbox, tmp_path: Path) -> None:
    info = sandbox.host("bastion")
    gateway = Address("bastion", info.address, info.port, "gate")
    host = bare(sandbox, "web1", tmp_path / "known_hosts", gateways=(gateway,))
    # The gateway is logged in to, and needs a key: fab -i.
    remote.network.connect_kwargs["key_filename"] = [str(sandbox.place.key)]
    trust = Trust(remote.network)
    for hop in trust.hops(host):
        for key in trust.fetch_keys(hop):
            trust.record(hop, key.key)
    assert [hop.name for hop in trust.hops(host)] == ["bastion", "web1"]
    assert remote.connect([host]) == {}
