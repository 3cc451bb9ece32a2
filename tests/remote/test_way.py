"""From a Host to the hops that lead to it: the inventory, then ~/.ssh/config, then the defaults."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from fabric import Config

from lockstitch.errors import ConnectError, UsageError
from lockstitch.model.host import Address, Host, Limits
from lockstitch.remote.ssh.client import Client
from lockstitch.remote.ssh.network import Network
from lockstitch.remote.ssh.route import Hop, gateways, parse_address, way


def config(text: str = "", **overrides: object) -> Config:
    file = Path.home() / "ssh_config"
    file.write_text(text)
    return Config(lazy=True, runtime_ssh_path=str(file), overrides={"user": "me", **overrides})


def passed(host: Host, text: str = "", **overrides: object) -> tuple[Hop, ...]:
    given = config(text, **overrides)
    return way(host, given, Client(given))


def hops(host: Host, text: str = "", **overrides: object) -> list[tuple[str, str, int]]:
    return [(hop.user, hop.hostname, hop.port) for hop in passed(host, text, **overrides)]


def last(host: Host, text: str = "", **overrides: object) -> Hop:
    return passed(host, text, **overrides)[-1]


@pytest.fixture(autouse=True, params=["ssh", "paramiko"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each reader of the file: OpenSSH's client, or Paramiko where there is none."""
    if request.param == "paramiko":
        monkeypatch.setattr("lockstitch.remote.ssh.client.shutil.which", lambda name: None)
    return str(request.param)


def named(name: str, **options: object) -> Host:
    return Host(name, Address(name), **options)  # type: ignore[arg-type]


WEB1 = named("web1")


def test_without_any_word_about_it_the_name_is_the_address() -> None:
    assert hops(WEB1) == [("me", "web1", 22)]


def test_ssh_config_answers_what_the_inventory_leaves_open() -> None:
    text = "Host web1\n HostName 192.0.2.1\n Port 2222\n User deploy\n"
    assert hops(WEB1, text) == [("deploy", "192.0.2.1", 2222)]


def test_the_inventory_goes_before_ssh_config() -> None:
    text = "Host web1\n HostName 192.0.2.1\n Port 2222\n User deploy\n"
    host = Host("web1", Address("web1", "192.0.2.9", 23, "ada"))
    assert hops(host, text) == [("ada", "192.0.2.9", 23)]


def test_an_address_is_looked_up_in_ssh_config_too() -> None:
    text = "Host back\n HostName 192.0.2.1\n User deploy\nHost web1\n Port 2222\n"
    assert hops(Host("web1", Address("web1", "back")), text) == [("deploy", "192.0.2.1", 2222)]


def test_proxy_jump_with_users_and_ports_of_their_own() -> None:
    text = "Host web1\n ProxyJump jump@outer:2022,inner\nHost inner\n HostName 192.0.2.2\n User gate\n"
    assert hops(WEB1, text) == [("jump", "outer", 2022), ("gate", "192.0.2.2", 22), ("me", "web1", 22)]


def test_proxy_jump_of_the_gateway_itself() -> None:
    text = "Host web1\n ProxyJump inner\nHost inner\n ProxyJump outer\n"
    assert [name for _, name, _ in hops(WEB1, text)] == ["outer", "inner", "web1"]


@pytest.mark.parametrize("text", ["Host web1\n ProxyJump none\n", "Host *\n ProxyJump web1\n"])
def test_no_proxy_jump(text: str) -> None:
    assert hops(WEB1, text) == [("me", "web1", 22)]


def test_a_proxy_jump_for_all_does_not_lead_the_gateway_to_itself() -> None:
    assert [name for _, name, _ in hops(WEB1, "Host *\n ProxyJump bastion\n")] == ["bastion", "web1"]


def test_the_gateways_of_the_inventory_go_before_proxy_jump() -> None:
    text = "Host web1\n ProxyJump other\nHost bastion\n User gate\n"
    host = named("web1", gateways=(Address("bastion"),))
    assert hops(host, text) == [("gate", "bastion", 22), ("me", "web1", 22)]
    assert hops(named("web1", gateways=()), text) == [("me", "web1", 22)]


def test_a_proxy_command_is_used_only_on_the_direct_way() -> None:
    text = "Host web1\n ProxyCommand nc %h %p\n"
    assert last(WEB1, text).proxy_command == "nc web1 22"
    assert last(named("web1", gateways=(Address("bastion"),)), text).proxy_command is None
    assert last(named("web1", gateways=()), text).proxy_command is None


def test_known_hosts_files(home: Path, reader: str) -> None:
    # ssh itself goes by the account's home, where a file says `~`.
    told = home if reader == "paramiko" else Path(pwd.getpwuid(os.getuid()).pw_dir)
    hop = last(WEB1)
    assert hop.recorded_in == str(home / ".ssh/known_hosts") and "/etc/ssh/ssh_known_hosts" in hop.known_hosts
    hop = last(WEB1, "Host web1\n UserKnownHostsFile ~/mine /their/s\n")
    assert hop.known_hosts[:2] == (str(told / "mine"), "/their/s") and hop.recorded_in == str(told / "mine")
    hop = last(WEB1, "Host web1\n UserKnownHostsFile none\n GlobalKnownHostsFile none\n")
    assert (hop.known_hosts, hop.recorded_in) == ((), None)
    hop = last(named("web1", known_hosts=("pinned",)), "Host web1\n UserKnownHostsFile ~/mine\n")
    assert hop.known_hosts[0] == hop.recorded_in == "pinned" and str(told / "mine") not in hop.known_hosts


def test_known_hosts_files_with_tokens_in_their_names() -> None:
    hop = last(named("web1", identity_files=("/k",)), "Host web1\n UserKnownHostsFile /dev/null /known/%h /known/%k\n")
    assert hop.recorded_in == "/known/web1"


def test_what_only_openssh_reads_is_named(reader: str, tmp_path: Path) -> None:
    included = tmp_path / "included"
    included.write_text("Host web1\n Port 2222\n")
    given = config(f"include {included}\nHost web1\n KexAlgorithms -x\n # Include y\n")
    assert Client(given).unread == (() if reader == "ssh" else ("Include", "KexAlgorithms"))
    assert way(WEB1, given, Client(given))[-1].port == (2222 if reader == "ssh" else 22)


def test_an_account_that_this_machine_does_not_know(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`docker run --user 1234`: ssh says "No user exists for uid 1234" and reads nothing."""
    monkeypatch.setattr("os.getuid", lambda: 54321)
    monkeypatch.setenv("USER", "ci")
    given = config(f"Include {tmp_path}/conf.d/*.conf\nHost web1\n Port 2222\n")
    assert way(WEB1, given, Client(given))[-1].port == 2222
    assert Client(given).unread == (), "nothing is lost of a folder that has no file"


@pytest.mark.parametrize(
    "text", ["Host web1\n Prot 22\n", "Host web1\n Port x\n", "Match host\n", "Match whatever x\n"]
)
def test_a_file_with_an_error_is_told_in_the_words_of_its_reader(text: str, reader: str) -> None:
    if reader == "paramiko" and "Prot" in text:
        pytest.skip("it passes over options that nobody knows")
    with pytest.raises(UsageError, match="line" if reader == "ssh" else r"ssh/config"):
        last(WEB1, text)


def test_the_limits_of_ssh_config_go_after_those_of_the_inventory() -> None:
    text = "Host web1\n ConnectTimeout 4\n ServerAliveInterval 2\n"
    assert (last(WEB1, text).limits.connect_timeout, last(WEB1, text).limits.keepalive_interval) == (4, 2)
    assert last(named("web1", limits=Limits(connect_timeout=7)), text).limits.connect_timeout == 7
    assert last(WEB1, "Host web1\n ServerAliveInterval 300\n").limits == WEB1.limits


def test_no_file_means_that_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lockstitch.remote.ssh.client.subprocess.run", None)
    given = Config(lazy=True, system_ssh_path="/no/such", overrides={"user": "me"})
    assert way(WEB1, given, Client(given))[-1].user == "me"


def test_a_host_is_known_by_its_address_or_its_alias() -> None:
    assert last(Host("web1", Address("web1", "192.0.2.1", 2222))).known_as == "[192.0.2.1]:2222"
    assert last(WEB1, "Host web1\n HostKeyAlias Cluster\n Port 2222\n").known_as == "cluster"


def test_identities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/the/agent")
    text = "Host web1\n IdentityFile /k1\n IdentitiesOnly yes\nHost *\n IdentityFile /k2\n ForwardAgent yes\n"
    hop = last(named("web1", identity_files=("/mine",)), text)
    assert (hop.identity_files, hop.usual_files) == (("/mine",), ("/k1", "/k2"))
    assert hop.identities_only and hop.lent_agent == "/the/agent"


def test_the_command_line_goes_before_the_limits_of_the_inventory() -> None:
    assert last(WEB1, timeouts={"connect": 7}).limits.connect_timeout == 7
    assert last(WEB1, connect_kwargs={"timeout": 3, "banner_timeout": 4}).limits.connect_timeout == 3
    assert last(WEB1).limits == WEB1.limits


def test_gateways_as_hosts_of_their_own() -> None:
    found = gateways(named("web1", gateways=(Address("outer"), Address("inner", port=2222))), Client(config()))
    assert [(host.name, host.address.port, host.gateways) for host in found] == [
        ("outer", None, ()),
        ("inner", 2222, (Address("outer"),)),
    ]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("web1", Address("web1")),
        ("ada@web1:2222", Address("web1", port=2222, user="ada")),
        ("[2001:db8::1]:2222", Address("2001:db8::1", port=2222)),
        ("2001:db8::1", Address("2001:db8::1")),
        ("ssh://ada@web1:2222", Address("web1", port=2222, user="ada")),
        ("ada@corp@web1", Address("web1", user="ada@corp")),
    ],
)
def test_addresses_as_they_are_typed(text: str, address: Address) -> None:
    assert parse_address(text) == address


def test_what_is_no_address() -> None:
    with pytest.raises(ConnectError, match="is not an address"):
        parse_address("web1:http")


def test_files_in_an_inventory_are_named_from_the_project(tmp_path: Path) -> None:
    network = Network(config(), root=tmp_path)
    hop = network.way(named("web1", known_hosts=("keys/known",), identity_files=("/abs", "~/id")))[-1]
    assert hop.recorded_in == str(tmp_path / "keys/known")
    assert hop.identity_files == ("/abs", str(Path.home() / "id"))


def test_a_connection_changes_nothing_that_others_read_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(config())
    network.connection(WEB1)
    monkeypatch.setattr(Config, "merge", None)
    network.connection(named("web2"))


def test_no_host_gets_the_keys_of_another() -> None:
    network = Network(config("Host web1\n IdentityFile /k1\n", connect_kwargs={"key_filename": ["/mine"]}))
    one, two = network.connection(WEB1), network.connection(named("web2"))
    assert one.hop.usual_files == ("/k1",) and two.hop.usual_files == ()
    assert network.connect_kwargs == {"key_filename": ["/mine"]}
