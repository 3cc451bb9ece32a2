"""Does a sandbox start once, keep its ports, and leave nothing behind when it stops?"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.sandbox import Sandbox, SandboxError
from scripts.sandbox.processes import SERVER_MARK, SESSION_MARK, end, marked, state

REPOSITORY = Path(__file__).parents[2]


def over_ssh(sandbox: Sandbox, command: str) -> str:
    """Run a command on host1 with OpenSSH's own client and the sandbox's own config."""
    words = ["ssh", "-F", str(sandbox.place.ssh_config), "host1", command]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=20).stdout


def test_starting_twice_leaves_what_runs_alone(tmp_path: Path) -> None:
    with Sandbox(tmp_path, 2) as sandbox:
        before = sandbox.hosts
        sandbox.start()
        assert sandbox.hosts == before
        Sandbox(tmp_path, ["host1", "web"]).start()
        assert sandbox.hosts["host1"] == before["host1"]
        assert sandbox.status("web") == "up"


def test_a_server_that_died_comes_back_on_its_port(tmp_path: Path) -> None:
    with Sandbox(tmp_path, 2) as sandbox:
        before = sandbox.hosts
        end(lambda: {before["host1"].pid} & marked(SERVER_MARK, tmp_path))
        assert sandbox.status("host1") == "stopped"
        sandbox.start()
        assert sandbox.status("host1") == "up"
        assert sandbox.hosts["host1"].port == before["host1"].port
        assert sandbox.hosts["host2"] == before["host2"]


def test_stop_ends_servers_sessions_and_daemons(tmp_path: Path) -> None:
    daemon = "setsid -f sh -c 'echo $$; exec sleep 600 >&- 2>&-' </dev/null"
    with Sandbox(tmp_path, 1) as sandbox:
        # The second has a clean environment: only its ancestry betrays it.
        pids = [int(over_ssh(sandbox, command)) for command in (daemon, f"env -i {daemon}")]
        assert all(map(state, pids))
        os.kill(pids[0], signal.SIGSTOP)
        sandbox.do("host1", "freeze")
    assert not any(map(state, [*pids, sandbox.host("host1").pid]))
    assert not marked(SERVER_MARK, tmp_path) | marked(SESSION_MARK, tmp_path)


OWNER = """
import sys, time
from scripts.sandbox import Sandbox
with Sandbox(sys.argv[1], 2) as sandbox:
    sandbox.do("host2", "freeze")
    print("up", flush=True)
    time.sleep(600)
"""


def test_everything_ends_with_an_owner_that_is_killed(tmp_path: Path) -> None:
    words = [sys.executable, "-c", OWNER, str(tmp_path)]
    with subprocess.Popen(words, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout and owner.stdout.readline() == "up\n"
            ours = Sandbox(tmp_path, 2)
            pid = int(over_ssh(ours, "env -i setsid -f sh -c 'echo $$; exec sleep 600 >&- 2>&-' </dev/null"))
            assert state(pid) and ours.status("host2") == "frozen"
        finally:
            owner.kill()
    until = time.monotonic() + 30
    while marked(SERVER_MARK, tmp_path) | marked(SESSION_MARK, tmp_path) or state(pid):
        assert time.monotonic() < until, (marked(SERVER_MARK, tmp_path), marked(SESSION_MARK, tmp_path), state(pid))
        time.sleep(0.05)


def test_stop_leaves_strangers_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "600"], env={SESSION_MARK: f"{tmp_path}-other"})
    try:
        with Sandbox(tmp_path, 1):
            pass
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_taken_port_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with Sandbox(tmp_path, 2) as sandbox:
        port = sandbox.host("host1").port
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(SandboxError, match=rf"port {port} is taken[\s\S]*HINT: .*state.json"):
            sandbox.start()
        assert [sandbox.status(name) for name in sandbox.names] == ["stopped", "up"]
    sandbox.stop()


def test_a_bad_host_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"'\.\./up' cannot be the name"):
        Sandbox(tmp_path, ["../up"]).start()


def test_the_command_line_from_the_root_of_a_clone(tmp_path: Path) -> None:
    def sandbox(*words: str) -> str:
        command = [sys.executable, "-m", "scripts.sandbox", *words, "--dir", str(tmp_path)]
        return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout

    try:
        assert "api1" in sandbox("start", "--hosts", "api1,web1")
        assert "SANDBOX_API1_PORT=" in sandbox("env")
        sandbox("do", "api1", "freeze")
        assert "frozen" in sandbox("status")
    finally:
        sandbox("stop")
    assert sandbox("status").count("stopped") == 2
