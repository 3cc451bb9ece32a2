"""Scripts over real SSH: what comes back, in which order, and how many round trips it takes."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lockstitch.errors import ConnectError, HostLostError
from lockstitch.model.command import Command, Secret
from lockstitch.model.plan import Script, Step
from lockstitch.model.results import StepBegan, StepEnded
from lockstitch.remote.ssh import SshRemote
from lockstitch.remote.ssh.channels import ChannelPool
from lockstitch.remote.ssh.shell import Shell
from scripts.sandbox import Sandbox
from tests.remote.scripts import Watched, host, script
from tests.remote.sshd import Sshd

WEB1 = host("web1")


def test_steps_run_in_order_until_one_fails(remote: SshRemote) -> None:
    results = remote.run(WEB1, script("echo one", "echo two >&2; exit 3", "echo three"))
    assert [(r.name, r.code, r.output) for r in results] == [("a", 0, "one\n"), ("b", 3, "two\n")]


def test_with_keep_going_every_step_runs(remote: SshRemote) -> None:
    results = remote.run(WEB1, script("exit 3", "echo two", keep_going=True))
    assert [(r.code, r.output) for r in results] == [(3, ""), (0, "two\n")]


def test_events_come_as_they_happen(remote: SshRemote) -> None:
    watched = Watched()
    remote.run(WEB1, script("echo one; echo two", "true"), watched)
    assert watched.lines == ["one", "two"]
    kinds = [type(event) for event in watched.events]
    assert kinds[0] is StepBegan and kinds[-1] is StepEnded and kinds.count(StepBegan) == 2


def test_characters_split_between_packets_stay_whole(remote: SshRemote) -> None:
    (result,) = remote.run(WEB1, script("i=0; while [ $i -lt 20000 ]; do printf é; i=$((i + 1)); done"))
    assert result.output == "é" * 20000


def test_a_step_has_no_input(remote: SshRemote) -> None:
    (result,) = remote.run(WEB1, script("cat; echo end"))
    assert result.output == "end\n"


def test_a_daemon_that_keeps_the_output_open_does_not_hold_up_the_run(remote: SshRemote) -> None:
    (result,) = remote.run(WEB1, script("sleep 30 & echo started"))
    assert result.output == "started\n"


def test_an_empty_script_needs_no_host(remote: SshRemote) -> None:
    assert remote.run(host("nowhere.invalid"), script()) == ()


def waiting(line: ChannelPool) -> list[Shell]:
    """The shells that wait, all of them ready."""
    return [spare.result(10) for spare in list(line._spares[None])]


def test_a_run_connects_by_itself(remote: SshRemote, sandbox: Sandbox) -> None:
    remote.run(WEB1, script("true"))
    remote.run(WEB1, script("true"))
    assert sandbox.counts("web1").connections == 1


def test_connect_opens_every_host_once_and_tells_the_errors(remote: SshRemote, sandbox: Sandbox) -> None:
    errors = remote.connect([WEB1, host("web2"), WEB1, host("nowhere.invalid")])
    assert list(errors) == ["nowhere.invalid"]
    assert isinstance(errors["nowhere.invalid"], ConnectError)
    assert sandbox.counts("web1").connections == sandbox.counts("web2").connections == 1


def test_the_shell_of_the_next_run_is_there_before_it_is_asked_for(remote: SshRemote, sandbox: Sandbox) -> None:
    remote.connect([WEB1])
    line = remote._lines[WEB1]
    waiting(line)
    for runs in range(1, 4):
        remote.run(WEB1, script("true"))
        waiting(line)
        # One shell a run, one that waits for the next, and not one more.
        assert sandbox.counts("web1").commands == runs + 1
    remote.run(WEB1, replace(script("true"), final=True))
    assert line._spares[None] == [], "nothing follows"


def test_what_is_asked_before_a_shell_waits_is_given_to_one_as_it_starts(remote: SshRemote, sandbox: Sandbox) -> None:
    remote.connect([WEB1])
    line = remote._lines[WEB1]
    waiting(line)
    line._spares.clear()
    (result,) = remote.run(WEB1, script('cat; echo "its $0"'))
    assert (result.code, result.output) == (0, "its sh\n")


def test_neither_a_secret_nor_a_change_is_seen_in_a_command_line(remote: SshRemote) -> None:
    remote.connect([WEB1])
    show = "tr '\\0' ' ' </proc/$$/cmdline"
    for journal, value in ((None, Secret("hunter2")), ("journal.jsonl", "plain")):
        remote._lines[WEB1]._spares.clear()
        step = Step("show", "", Command(f"{show}; echo", values={"value": value}))
        (result,) = remote.run(WEB1, Script((step,), journal=journal))
        assert "hunter2" not in result.output and "value=" not in result.output


def test_a_waiting_shell_that_was_ended_is_replaced(remote: SshRemote) -> None:
    remote.connect([WEB1])
    line = remote._lines[WEB1]
    shell = waiting(line)[0]
    shell._channel.shutdown_write()
    assert shell._channel.status_event.wait(10)
    (result,) = remote.run(WEB1, script("echo still here"))
    assert result.output == "still here\n"


def test_more_runs_at_once_than_a_host_allows_sessions(remote: SshRemote) -> None:
    remote.connect([WEB1])
    with ThreadPoolExecutor(16) as pool:
        runs = list(pool.map(lambda n: remote.run(WEB1, script(f"sleep 0.2; echo {n}")), range(16)))
    assert [run[0].output for run in runs] == [f"{n}\n" for n in range(16)]


def test_a_host_that_allows_one_session_at_a_time(remotes: Callable[..., SshRemote], sshd: Callable[..., Sshd]) -> None:
    server, remote = sshd(MaxSessions="1"), remotes()
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda n: remote.run(server.host(), script(f"echo {n}")), range(3)))
    assert [run[0].output for run in runs] == ["0\n", "1\n", "2\n"]


def test_a_host_that_allows_no_session_is_told(remotes: Callable[..., SshRemote], sshd: Callable[..., Sshd]) -> None:
    from tests.remote.scripts import HASTY

    hasty = HASTY.__class__(channel_timeout=1.0)
    with pytest.raises(ConnectError, match="refuses to start a shell"):
        remotes().run(sshd(MaxSessions="0").host(limits=hasty), script("true"))


def test_much_output_takes_little_memory(remote: SshRemote) -> None:
    remote.connect([WEB1])
    megabytes = 20
    line = "x" * 99
    text = f"head -c {megabytes}000000 /dev/zero | tr '\\0' x | fold -w 99"
    tracemalloc.start()
    try:
        (result,) = remote.run(WEB1, script(text))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.code == 0 and line in result.output
    assert peak < 12_000_000


def test_a_shell_that_is_killed_on_the_host_is_told(remote: SshRemote) -> None:
    with pytest.raises(HostLostError, match=r"web1: the shell on the host .* while `a` was running"):
        remote.run(WEB1, script("kill -9 $$; sleep 20"))


def test_a_user_without_sudo_is_told_with_a_hint(remote: SshRemote) -> None:
    with pytest.raises(ConnectError, match="web1: cannot become nobody-here with sudo") as caught:
        remote.run(WEB1, script("true", user="nobody-here"))
    assert "NOPASSWD" in caught.value.hint
