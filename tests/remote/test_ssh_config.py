"""One table of configurations, read by OpenSSH's client and by Lockstitch, side by side before a real server.

`ssh h1 true` works exactly where our connection works, and the server tells the same user, address and key of both.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from fabric import Config

from lockstitch.errors import LockstitchError
from lockstitch.model.host import Address, Host, Limits
from lockstitch.remote.ssh import SshRemote
from tests.remote import openssh
from tests.remote.scripts import script
from tests.remote.sshd import Sshd, _key

WORKS, FAILS = True, False
# What every row ends with, so that nothing of this machine's own plays a part.
LAST = """
Host *
  User @USER@
  Port @PORT@
  HostName 127.0.0.1
  UserKnownHostsFile @KNOWN@
  GlobalKnownHostsFile none
  IdentitiesOnly yes
  IdentityAgent none
"""
TABLE: dict[str, tuple[bool, str]] = {
    "plain": (WORKS, "Host h1\n User @USER@"),
    "equals signs": (WORKS, "Host=h1\n Port = @PORT@\n HostName=127.0.0.1"),
    "comments": (WORKS, "Host h1 # it's \"one\n Port @PORT@ # x\n # don't"),
    "include": (WORKS, "Include @DIR@/conf.d/*\nHost h1\n Port 1"),
    "include in a block that is about others": (FAILS, "Host h2\n Include @DIR@/conf.d/*\nHost h1\n Port 1"),
    "include in an include, in quotes": (WORKS, 'Include "@DIR@/a b/nested"'),
    "match host": (WORKS, 'Match host="127.0.0.*,h1"\n Port @PORT@\nMatch all\nHost h1\n Port 1'),
    "match exec": (WORKS, 'Match host h1 exec "test %n:%r = h1:@USER@"\n Port @PORT@\nHost h1\n Port 1'),
    "match exec that says no": (FAILS, 'Match exec "exit 1"\n Port @PORT@\nHost *\n Port 1'),
    "match originalhost and user": (WORKS, "Match originalhost h1 user @USER@\n Port @PORT@\nHost h1\n Port 1"),
    "match final": (WORKS, "Match final host 127.0.0.1\n IdentityFile @KEY@\nHost h1\n IdentityFile @DIR@/none"),
    "negated pattern": (WORKS, "Host h? !h1\n Port 1"),
    "the first word wins": (FAILS, "Host h1\n Port 1\nHost h1\n Port @PORT@"),
    "canonical name": (WORKS, "CanonicalizeHostname always\nMatch canonical host 127.0.0.1\n Port @PORT@"),
    "path in quotes": (WORKS, 'Host h1\n IdentityFile "@DIR@/a b/key"\nMatch all\n IdentityFile none'),
    "tokens in a key's path": (WORKS, "Host h1\n IdentityFile @DIR@/%n-%h-%p-%r-%u-%i-%%-${LOCKSTITCH_WORD}"),
    "a token that is none": (FAILS, "Host h1\n IdentityFile @DIR@/%Z"),
    "a variable that is not set": (FAILS, "Host h1\n IdentityFile @DIR@/${LOCKSTITCH_NO_WORD}"),
    "no key": (FAILS, "Host h1\n PubkeyAuthentication no"),
    "another way to log in": (FAILS, "Host h1\n PreferredAuthentications keyboard-interactive,password"),
    "agent": (WORKS, "Host h1\n IdentityAgent @AGENT@\n IdentityFile @DIR@/held.pub"),
    "agent by a variable": (WORKS, "Host h1\n IdentityAgent $LOCKSTITCH_AGENT\n IdentityFile @DIR@/held.pub"),
    "agent of the session": (WORKS, "Host h1\n IdentityAgent SSH_AUTH_SOCK\n IdentityFile @DIR@/held.pub"),
    "agent by a token": (WORKS, "Host h1\n IdentityAgent @DIR@/agent-%r\n IdentityFile @DIR@/held"),
    "agent none": (FAILS, "Host h1\n IdentityAgent none\n IdentityFile @DIR@/held.pub"),
    "all the agent's keys": (FAILS, "Host h1\n IdentityAgent @AGENT@\n IdentitiesOnly no\n IdentityFile @DIR@/none"),
    "one of the agent's keys": (
        WORKS,
        "Host h1\n IdentityAgent @AGENT@\n IdentitiesOnly no\n IdentityFile @DIR@/held.pub",
    ),
    "a locked key that the agent holds": (WORKS, "Host h1\n IdentityAgent @AGENT@\n IdentityFile @DIR@/locked"),
    "certificate elsewhere": (WORKS, "Host h1\n IdentityFile @DIR@/signed\n CertificateFile @DIR@/certificates/mine"),
    "certificate beside": (WORKS, "Host h1\n IdentityFile @DIR@/beside"),
    "certificate for a key of the agent": (
        WORKS,
        "Host h1\n IdentityAgent @AGENT@\n IdentityFile @DIR@/kept.pub\n CertificateFile @DIR@/certificates/kept",
    ),
    "known hosts by a token": (WORKS, "Host h1\n UserKnownHostsFile @DIR@/known/%h"),
    "several known hosts, one in quotes": (WORKS, 'Host h1\n UserKnownHostsFile /no/such "@DIR@/a b/known"'),
    "known hosts of the machine": (WORKS, "Host h1\n UserKnownHostsFile none\n GlobalKnownHostsFile @KNOWN@"),
    "no known hosts": (FAILS, "Host h1\n UserKnownHostsFile none"),
    "known by an alias": (WORKS, "Host h1\n HostKeyAlias Cluster\n UserKnownHostsFile @DIR@/known/alias"),
    "known without a port": (WORKS, "Host h1\n UserKnownHostsFile @DIR@/known/portless"),
    "a revoked host key": (FAILS, "Host h1\n RevokedHostKeys @DIR@/revoked"),
    "a host key in OpenSSH's own kind of list": (FAILS, "Host h1\n RevokedHostKeys @DIR@/krl"),
    "a revocation list that is not there": (FAILS, "Host h1\n RevokedHostKeys @DIR@/none"),
    "a revocation list without it": (WORKS, "Host h1\n RevokedHostKeys @DIR@/held.pub"),
    "proxy jump": (WORKS, "Host h1\n ProxyJump gate\nHost gate\n HostName 127.0.0.1"),
    "a chain of jumps": (WORKS, "Host h1\n ProxyJump @USER@@first:@PORT@,gate\nHost gate\n ProxyJump gone"),
    "a jump as a URI": (WORKS, "Host h1\n ProxyJump ssh://@USER@@gate:@PORT@"),
    "a jump that is not there": (FAILS, "Host h1\n ProxyJump gate\nHost gate\n Port 1"),
    "no jump": (WORKS, "Host h1\n ProxyJump none\nHost *\n ProxyJump gone"),
    "proxy command in the shell": (
        WORKS,
        "Host h1\n ProxyCommand sh -c 'exec @RELAY@ \"$0\" %p' 127.0.0.1 2>/dev/null | cat",
    ),
    "proxy command none": (WORKS, "Host h1\n ProxyCommand none\nHost *\n ProxyCommand false"),
    "proxy command that fails": (FAILS, "Host h1\n ProxyCommand echo no way >&2; exit 3"),
    "proxy command that passes a socket": (WORKS, "Host h1\n ProxyCommand @PASS@ %h %p\n ProxyUseFdpass yes"),
    "address family": (FAILS, "Host h1\n AddressFamily inet6"),
    "bind address": (WORKS, "Host h1\n BindAddress 127.0.0.7"),
    "ciphers": (
        WORKS,
        "Host h1\n Ciphers aes256-ctr\n MACs hmac-sha2-512\n KexAlgorithms curve25519-sha256@libssh.org",
    ),
    "host key algorithms": (FAILS, "Host h1\n HostKeyAlgorithms rsa-sha2-512"),
    "key types": (FAILS, "Host h1\n PubkeyAcceptedAlgorithms rsa-sha2-512"),
    "compression": (WORKS, "Host h1\n Compression yes"),
    "an option that is none": (FAILS, "Host h1\n Prot 22"),
    "a port that is none": (FAILS, "Host h1\n Port x"),
}
RELAY = """
import os, socket, sys, threading
line = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def back():
    while data := line.recv(65536): os.write(1, data)
    os._exit(0)
threading.Thread(target=back).start()
while data := os.read(0, 65536): line.sendall(data)
os._exit(0)
"""
PASS = """
import socket, sys
line = socket.create_connection((sys.argv[1], int(sys.argv[2])))
socket.send_fds(socket.socket(fileno=1), [b"x"], [line.fileno()])
"""


class Bench:
    """A server, an agent and the files that the table names."""

    def __init__(self, place: Path) -> None:
        self.dir = place / "files"
        for folder in ("conf.d", "a b", "certificates", "known"):
            (self.dir / folder).mkdir(parents=True)
        ca, held, locked = (_key(self.dir / name) for name in ("ca", "held", "locked"))
        self.server = Sshd(place / "sshd", {"TrustedUserCAKeys": f"{ca}.pub"})
        self.agent = self.dir / f"agent-{self.server.user}"
        command = ["ssh-agent", "-D", "-a", str(self.agent)]
        self._agent = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._agent.stdout is not None and self._agent.stdout.readline()
        self._certificates(ca)
        # More than sshd lets be tried; the right ones are the last.
        self._held(*(_key(self.dir / f"other{n}") for n in range(6)), held, locked)
        for key in (held, locked):
            with self.server.key.with_suffix(".pub").open("a") as file:
                file.write(key.with_suffix(".pub").read_text())
        held.unlink()
        subprocess.run(["ssh-keygen", "-q", "-p", "-N", "open sesame", "-f", str(locked)], check=True, stdout=-3)
        locked.with_suffix(".pub").unlink()
        self._copies()
        self.words = {
            "@DIR@": str(self.dir),
            "@USER@": self.server.user,
            "@PORT@": str(self.server.port),
            "@KNOWN@": str(self.server.known_hosts),
            "@KEY@": str(self.server.key),
            "@AGENT@": str(self.agent),
            "@RELAY@": self._program("relay", RELAY),
            "@PASS@": self._program("pass", PASS),
        }
        (self.dir / "conf.d/one").write_text(self.filled("Host h1\n Port @PORT@\n IdentityFile @KEY@\n"))
        (self.dir / "a b/nested").write_text(self.filled("Include @DIR@/conf.d/one\n"))

    def filled(self, text: str) -> str:
        for word, value in self.words.items():
            text = text.replace(word, value)
        return text

    def logins(self, since: int) -> list[str]:
        """Return what the server has logged of logins since it had written so many characters: user, address and key."""
        log = (self.server.place / "log").read_text()[since:]
        return re.sub(r" port \d+", "", "\n".join(re.findall(r"Accepted .*", log))).splitlines()

    def logged(self) -> int:
        return len((self.server.place / "log").read_text())

    def stop(self) -> None:
        self._agent.terminate()
        self._agent.wait(10)
        self.server.stop()

    def _held(self, *keys: Path) -> None:
        subprocess.run(
            ["ssh-add", "-q", *map(str, keys)], check=True, env={**os.environ, "SSH_AUTH_SOCK": str(self.agent)}
        )

    def _certificates(self, ca: Path) -> None:
        for name, to in (("signed", "certificates/mine"), ("kept", "certificates/kept"), ("beside", "beside-cert.pub")):
            key = _key(self.dir / name)
            words = ["-q", "-s", str(ca), "-I", name, "-n", self.server.user, f"{key}.pub"]
            subprocess.run(["ssh-keygen", *words], check=True)
            Path(f"{key}-cert.pub").rename(self.dir / to)
        self._held(self.dir / "kept")
        (self.dir / "kept").unlink()

    def _copies(self) -> None:
        server, host_key = self.server, self.server.host_key.with_suffix(".pub").read_text()
        names = f"h1-127.0.0.1-{server.port}-{server.user}-{server.user}-{os.getuid()}-%-word"
        for path in (self.dir / "a b/key", self.dir / names):
            path.write_bytes(server.key.read_bytes())
            path.chmod(0o600)
        for path in (self.dir / "known/127.0.0.1", self.dir / "a b/known"):
            path.write_text(server.known_hosts.read_text())
        (self.dir / "known/alias").write_text(f"cluster {host_key}")
        (self.dir / "known/portless").write_text(f"127.0.0.1 {host_key}")
        (self.dir / "revoked").write_text(host_key)
        words = ["-q", "-k", "-f", str(self.dir / "krl"), str(self.dir / "revoked")]
        subprocess.run(["ssh-keygen", *words], check=True, stdout=subprocess.DEVNULL)

    def _program(self, name: str, text: str) -> str:
        (self.dir / f"{name}.py").write_text(textwrap.dedent(text))
        return f"{sys.executable} {self.dir / name}.py"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    if openssh.server() is None:
        pytest.skip("OpenSSH's server is not installed")
    bench = Bench(tmp_path_factory.mktemp("bench"))
    yield bench
    bench.stop()


@pytest.mark.parametrize("row", TABLE)
def test_ssh_and_lockstitch_agree(row: str, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    works, text = TABLE[row]
    file = tmp_path / "config"
    key = "" if "IdentityFile" in text else "  IdentityFile @KEY@\n"
    file.write_text(bench.filled(f"{text}\n{LAST}{key}"))
    for name, value in {
        "LOCKSTITCH_WORD": "word",
        "LOCKSTITCH_AGENT": bench.agent,
        "SSH_AUTH_SOCK": bench.agent,
    }.items():
        monkeypatch.setenv(name, str(value))
    since = bench.logged()
    words = ["ssh", "-F", str(file), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "h1", "true"]
    theirs = subprocess.run(words, capture_output=True, text=True, timeout=30)
    told = bench.logins(since)
    assert (theirs.returncode == 0) is works, theirs.stderr
    since = bench.logged()
    host = Host("h1", Address("h1"), limits=Limits(connect_tries=1))
    with SshRemote(Config(lazy=True, runtime_ssh_path=str(file))) as remote:
        if works:
            assert remote.run(host, script("true"))[0].code == 0
        else:
            with pytest.raises(LockstitchError):
                remote.run(host, script("true"))
    assert bench.logins(since) == told, (row, told)
