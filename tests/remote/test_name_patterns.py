"""One `ssh -G` answers for all names that no file tells apart; what is said of each is what ssh says of it alone."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from fabric import Config

from lockstitch.errors import LockstitchError
from lockstitch.model.host import Address
from lockstitch.remote.ssh.client import Client
from lockstitch.remote.ssh.name_patterns import NamePatterns
from tests.remote.test_ssh_config import LAST, TABLE

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="needs OpenSSH's client")

ADDRESSES = (
    *(Address(name) for name in ("h2", "h1", "h3", "gate", "web.example.com", "10.0.0.7", "10.0.0.8")),
    *(Address(name, "10.0.0.1") for name in ("h4", "h1", "first")),
    *(Address(name, "127.0.0.1", 2200, "me") for name in ("h5", "h1", "gate")),
    *(Address(name, user="other") for name in ("h6", "h1")),
    *(Address(name) for name in ("H7", "127.1", "::1", "h8.", "web_9", "0x7f.1")),
)
ROWS = {
    **{name: f"{text}\n{LAST}" for name, (_, text) in TABLE.items()},
    "nothing": "",
    "patterns in capitals": "Host H* WEB*\n Port 1\nHost h?\n Port 2",
    "an address that is a name": "Host *\n HostName h2",
    "tokens in an address": "Host *\n HostName %h.example.com",
    "a token in a path": "Host *\n IdentityFile ~/.ssh/%h\n ControlPath ~/.ssh/%C",
    "brackets are only characters": "Host h[12]\n Port 1",
    "a list in quotes": 'Host "h1" h2\n Port 1',
    "a jump through one of them": "Host *\n ProxyJump h2",
    "a jump through one of them but that one": "Host * !gate\n ProxyJump gate",
    "an include in a block": "Host h1\n Include @DIR@/more\nHost *\n User x",
    "an include that says more of names": "Include @DIR@/names\nHost *\n User x",
    "form feeds": "Host h1\x0ch2\n Port 1",
}


def client(tmp_path: Path, text: str) -> Client:
    (tmp_path / "more").write_text("Port 7\n")
    (tmp_path / "names").write_text("Host web* h3\n  Port 8\n")
    file = tmp_path / "config"
    for word, value in {"DIR": str(tmp_path), "USER": "me", "PORT": "2222"}.items():
        text = text.replace(f"@{word}@", value)
    file.write_text(re.sub(r"@([A-Z]+)@", rf"{tmp_path}/\1", text) + "\n")
    return Client(Config(lazy=True, runtime_ssh_path=str(file)))


def answers(of: Client) -> list[object]:
    made: list[object] = []
    for address in ADDRESSES:
        try:
            made.append({key: value for key, value in of.lookup(address).items() if key not in ("host", "loglevel")})
        except LockstitchError as error:
            made.append(str(error))
    return made


@pytest.mark.parametrize("row", ROWS)
def test_each_name_has_the_settings_that_ssh_says_of_it_alone(
    row: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = answers(client(tmp_path, ROWS[row]))
    monkeypatch.setattr(NamePatterns, "key", lambda *_: None)
    assert shared == answers(client(tmp_path, ROWS[row]))


def test_many_hosts_are_asked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    run = Client._run

    def counted(self: Client, *words: str) -> tuple[int, str, str]:
        asked.append(words[-1])
        return run(self, *words)

    monkeypatch.setattr(Client, "_run", counted)
    some = client(tmp_path, "Host web7\n  Port 7\nHost *\n  User x")
    ports = [some.lookup(Address(f"web{number}"))["port"] for number in range(20)]
    assert ports == [("7",) if number == 7 else ("22",) for number in range(20)]
    assert asked == ["web0", "web7"]


def test_a_file_that_was_not_looked_at_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("Host *\n  User x\n")
    patterns = NamePatterns([str(file)])
    read = f"debug1: Reading configuration data {file}\n"
    assert patterns.complete(read)
    assert not patterns.complete(read + "debug1: Reading configuration data /opt/etc/ssh_config\r\n")
    assert not patterns.complete("")
