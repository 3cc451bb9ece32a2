"""Ending what runs on hosts: on a timeout, on an interruption, and when everything is closed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from time import monotonic, sleep

import pytest

from lockstitch.errors import ExitCode, HostLostError, StepTimeoutError
from lockstitch.model.host import Address
from lockstitch.remote.ssh import InterruptedRunError, SshRemote
from scripts.sandbox import Sandbox
from scripts.sandbox.processes import state
from tests.remote.scripts import Running, host, running, script
from tests.remote.sshd import Sshd

WEB1 = host("web1")
# A pipeline, and a grandchild that a mere signal to the shell would miss.
TALE = "sh -c 'sleep 600 & echo $!; wait' | while read -r pid; do echo $pid; done"

# In a shell of its own: `$$` of the step's would be that of the script, which any signal ends.
STUBBORN = "sh -c 'trap \"\" TERM HUP; echo $$; while :; do sleep 1; done'"


def gone(pid: int, within: float = 15.0) -> bool:
    until = monotonic() + within
    while state(pid) not in ("", "Z") and monotonic() < until:
        sleep(0.02)
    return state(pid) in ("", "Z")


def test_a_step_that_takes_too_long_is_ended(remote: SshRemote) -> None:
    run = Running(remote, WEB1, script("true", TALE, timeout=1.0))
    run.end()
    assert isinstance(run.error, StepTimeoutError)
    assert run.error.message == "web1: `b` took longer than 1 s and was ended"
    assert gone(int(run.watched.lines[0]), within=1)


def test_each_step_has_its_own_time(remote: SshRemote) -> None:
    results = remote.run(WEB1, script("sleep 0.6", "sleep 0.6", "sleep 0.6", timeout=1.2))
    assert [result.code for result in results] == [0, 0, 0]


def test_a_step_that_does_not_want_to_end_is_killed(remote: SshRemote) -> None:
    run = Running(remote, WEB1, script(STUBBORN, timeout=1.0))
    run.end()
    assert isinstance(run.error, StepTimeoutError)
    assert gone(int(run.watched.lines[0]), within=2)


def test_an_interruption_ends_all_runs_and_what_they_started(remote: SshRemote) -> None:
    with running(remote, WEB1, script(TALE)) as one, running(remote, host("web2"), script(TALE)) as two:
        remote.interrupt()
        one.end()
        two.end()
    assert isinstance(one.error, InterruptedRunError) and isinstance(two.error, HostLostError)
    assert one.error.message == "web1: interrupted while `a` was running"
    assert one.error.exit_code == ExitCode.INTERRUPTED
    assert gone(int(one.watched.lines[0])) and gone(int(two.watched.lines[0]))


def test_an_interruption_ends_what_runs_under_openssh(
    remotes: Callable[..., SshRemote], sshd: Callable[..., Sshd]
) -> None:
    remote = remotes()
    with running(remote, sshd().host(), script(TALE)) as run:
        remote.interrupt()
        run.end()
    assert isinstance(run.error, InterruptedRunError)
    assert gone(int(run.watched.lines[0]))


def test_after_an_interruption_the_same_connection_serves_the_way_back(remote: SshRemote, sandbox: Sandbox) -> None:
    with running(remote, WEB1, script(TALE)) as run:
        remote.interrupt()
        run.end()
    (result,) = remote.run(WEB1, script("echo put back"))
    assert result.output == "put back\n"
    assert sandbox.counts("web1").connections == 1


def test_a_second_interruption_does_not_wait_for_the_host(remote: SshRemote, sandbox: Sandbox) -> None:
    with running(remote, WEB1, script(TALE)) as run, sandbox.broken("web1", "freeze"):
        remote.interrupt()
        began = monotonic()
        remote.interrupt()
        run.end()
        assert monotonic() - began < 4
    assert isinstance(run.error, InterruptedRunError)


def test_an_interruption_gives_up_what_is_being_opened(remote: SshRemote, sandbox: Sandbox) -> None:
    with sandbox.broken("web1", "freeze"):
        run = Running(remote, WEB1, script("true"))
        sleep(0.3)
        began = monotonic()
        remote.interrupt()
        run.end()
        assert monotonic() - began < 5
    assert isinstance(run.error, InterruptedRunError)


def test_an_interruption_gives_up_an_address_that_does_not_answer(remote: SshRemote) -> None:
    # 192.0.2.0/24 is for documentation: nobody is there.
    nobody = host("nobody", address=Address("nobody", "192.0.2.1", 22, "deploy"))
    run = Running(remote, nobody, script("true"))
    sleep(0.3)
    remote.interrupt()
    run.end(5)
    assert run.error is not None


def test_losing_the_controller_ends_what_runs(remote: SshRemote) -> None:
    with running(remote, WEB1, script(TALE)) as run:
        remote._lines[WEB1].connection.transport.sock.close()  # type: ignore[union-attr]
        run.end()
    assert gone(int(run.watched.lines[0]))


def test_close_ends_runs_and_leaves_no_thread(remotes: Callable[..., SshRemote], sandbox: Sandbox) -> None:
    before = set(threading.enumerate())
    remote = remotes()
    remote.connect([host("web2"), host("nowhere.invalid")])
    with running(remote, WEB1, script(TALE)) as run:
        remote.close()
        run.end()
    assert isinstance(run.error, HostLostError)
    assert gone(int(run.watched.lines[0]))
    until = monotonic() + 10
    while left := [t for t in set(threading.enumerate()) - before if t.name != "lockstitch-watchdog"]:
        assert monotonic() < until, left
        sleep(0.02)


def test_connect_can_be_interrupted(remote: SshRemote, sandbox: Sandbox) -> None:
    def ctrl_c(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, ctrl_c)
    try:
        with sandbox.broken("web1", "freeze"):
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            with pytest.raises(KeyboardInterrupt):
                remote.connect([WEB1])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
