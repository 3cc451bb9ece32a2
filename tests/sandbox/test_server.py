"""Does a sandbox host treat commands and sessions as a real sshd would?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import fabric
import paramiko
import pytest
from paramiko.common import cMSG_CHANNEL_REQUEST

if TYPE_CHECKING:
    from scripts.sandbox import Sandbox

    from .conftest import Connect, Letterbox


def send_signal(channel: paramiko.Channel, name: str) -> None:
    """The "signal" request of RFC 4254, which paramiko has no call for."""
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("signal")
    message.add_boolean(False)
    message.add_string(name)
    transport: Any = channel.transport
    transport._send_user_message(message)


def fabric_connection(sandbox: Sandbox, name: str, gateway: fabric.Connection | None = None) -> fabric.Connection:
    """A stock Fabric connection to a host."""
    return fabric.Connection(
        "127.0.0.1",
        user="deploy",
        port=sandbox.host(name).port,
        gateway=gateway,
        connect_kwargs={"key_filename": str(sandbox.place.key)},
    )


def test_a_command_runs_in_the_home_of_its_host(sandbox: Sandbox, connect: Connect) -> None:
    home = sandbox.host("host1").home
    code, said = connect("host1").run('pwd; echo "$HOME"; echo "$USER $LOGNAME $SHELL $LANG"')
    assert (code, said.splitlines()) == (0, [f"{home}"] * 2 + ["deploy deploy /bin/sh C.UTF-8"])


def test_outputs_are_separate_and_the_exit_status_is_told(sandbox: Sandbox) -> None:
    with fabric_connection(sandbox, "host1") as connection:
        result = connection.run("echo out; echo err >&2; exit 7", hide=True, warn=True, in_stream=False)
    assert (result.stdout, result.stderr, result.exited) == ("out\n", "err\n", 7)


def test_a_signal_reaches_every_process_of_a_pipeline(connect: Connect, letterbox: Letterbox) -> None:
    inner = f"trap 'echo inner ended >{letterbox.path}; exit 1' TERM; echo inner waits; read line"
    channel = connect("host1").begin(f'sh -c "{inner}" | cat')
    assert channel.recv(100) == b"inner waits\n"
    send_signal(channel, "TERM")
    assert letterbox.read() == "inner ended"
    assert channel.recv_exit_status() == -1  # what paramiko makes of an exit by a signal


def test_the_status_does_not_wait_for_a_daemon_that_holds_the_output(connect: Connect, letterbox: Letterbox) -> None:
    daemon = f"(read line <{letterbox.path}; echo late)"
    channel = connect("host1").begin(f"{daemon} & echo early; exit 3")
    assert channel.recv_exit_status() == 3
    assert channel.recv(100) == b"early\n"
    letterbox.post("now\n")
    assert channel.makefile().read() == b"late\n"


def test_a_request_for_a_terminal_is_answered_with_pipes(connect: Connect) -> None:
    channel = connect("host1").open_channel()
    channel.get_pty()
    channel.exec_command("test -t 0 || echo no terminal")
    assert channel.makefile().read() == b"no terminal\n"


def test_a_command_too_long_for_the_kernel_fails_as_on_a_host(connect: Connect) -> None:
    channel = connect("host1").begin(f": {'x' * 200_000}")
    assert channel.makefile_stderr().read() == b"/bin/sh: Argument list too long\n"
    assert channel.recv_exit_status() == 1


def test_ten_sessions_work_side_by_side_and_the_eleventh_is_refused(connect: Connect) -> None:
    client = connect("host2")
    channels = [client.begin("echo here; read line; echo $line") for _ in range(10)]
    assert {channel.recv(100) for channel in channels} == {b"here\n"}
    with pytest.raises(paramiko.ChannelException):
        client.open_channel()
    for number, channel in enumerate(channels):
        channel.sendall(b"%d\n" % number)
    assert [int(channel.makefile().read()) for channel in channels] == list(range(10))


def test_many_connections_at_once(connect: Connect) -> None:
    with ThreadPoolExecutor(20) as pool:
        clients = list(pool.map(connect, ["host3"] * 20))
        answers = list(pool.map(lambda client: client.run("echo hello"), clients))
    assert answers == [(0, "hello\n")] * 20


def test_one_host_is_the_gateway_of_another(sandbox: Sandbox) -> None:
    sandbox.do("host2", "reset")
    gateway = fabric_connection(sandbox, "host2")
    with gateway, fabric_connection(sandbox, "host3", gateway) as connection:
        result = connection.run("pwd", hide=True, in_stream=False)
    assert result.stdout.strip() == str(sandbox.host("host3").home)
    assert sandbox.counts("host2").forwards == 1


def test_a_keepalive_is_answered(connect: Connect) -> None:
    transport = connect("host1").get_transport()
    assert transport
    assert transport.global_request("keepalive@openssh.com", wait=True) is not None


def test_only_the_key_of_the_sandbox_opens_a_host(sandbox: Sandbox) -> None:
    with paramiko.Transport(("127.0.0.1", sandbox.host("host1").port)) as transport:
        transport.start_client(timeout=10)
        for _ in range(3):
            with pytest.raises(paramiko.AuthenticationException, match=r"^Authentication failed.$"):
                transport.auth_publickey("deploy", paramiko.ECDSAKey.generate())
        with pytest.raises(paramiko.BadAuthenticationType):
            transport.auth_password("deploy", "")
        key = paramiko.Ed25519Key.from_private_key_file(str(sandbox.place.key))
        transport.auth_publickey("deploy", key)
        assert transport.is_authenticated()


def test_counts_tell_what_a_client_did(sandbox: Sandbox, connect: Connect) -> None:
    sandbox.do("host3", "reset")
    client = connect("host3")
    client.run("true")
    client.run("true")
    client.open_sftp().close()
    counts = sandbox.counts("host3")
    assert (counts.connections, counts.sessions) == (1, 3)
    assert (counts.commands, counts.subsystems) == (2, 1)
