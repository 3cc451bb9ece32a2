"""Scripts on this machine: what they say and end with, and that nothing of them is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic

import pytest

from lockstitch.errors import ConnectError, ExitCode, HostLostError, StepTimeoutError
from lockstitch.model.command import Command, Secret
from lockstitch.model.host import Address, Host
from lockstitch.model.plan import Script, Step
from lockstitch.remote import InterruptedRunError
from lockstitch.remote.fake import FakeRemote
from lockstitch.remote.local import LocalRemote
from lockstitch.remote.routed import RoutedRemote
from lockstitch.remote.ssh import SshRemote
from scripts.sandbox.processes import state
from tests.remote.scripts import Running, Watched, host, running, script
from tests.remote.test_interrupt import TALE, gone

LOCAL = Host("local", Address("local"), local=True)


@pytest.fixture
def here() -> LocalRemote:
    return LocalRemote()


def said(here: LocalRemote, *commands: str) -> list[str]:
    return [result.output for result in here.run(LOCAL, script(*commands))]


def test_each_step_says_what_it_said_and_how_it_ended(here: LocalRemote) -> None:
    watched = Watched()
    results = here.run(LOCAL, script("echo one; echo two >&2", "exit 3", "echo never"), watched)
    assert [(r.name, r.code, r.output) for r in results] == [("a", 0, "one\ntwo\n"), ("b", 3, "")]
    assert watched.lines == ["one", "two"]
    assert here.run(LOCAL, script()) == ()
    going_on = here.run(LOCAL, script("false", "echo still", keep_going=True))
    assert [r.code for r in going_on] == [1, 0]


def test_it_starts_at_home_with_a_small_environment(
    here: LocalRemote, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "env").write_text("echo from ENV\n")
    for name in ("ENV", "BASH_ENV"):
        monkeypatch.setenv(name, str(tmp_path / "env"))
    monkeypatch.setenv("PGHOST", "elsewhere")
    monkeypatch.setenv("LC_TIME", "C")
    pwd, names = said(here, "pwd", "env | cut -d= -f1 | sort")
    assert pwd.strip() == str(home)
    assert {"HOME", "PATH"} <= set(names.split())
    assert {"ENV", "BASH_ENV", "LC_TIME", "PGHOST", "PYTEST_CURRENT_TEST"}.isdisjoint(names.split())


def test_a_journal_is_written(here: LocalRemote, home: Path) -> None:
    (home / "state").mkdir()
    here.run(LOCAL, script("true", journal="state/journal", run="run-1"))
    assert (home / "state/journal").read_text().count('"run":"run-1"') == 2


def test_much_is_said_and_much_is_sent(here: LocalRemote) -> None:
    (result,) = here.run(LOCAL, script("yes x | head -n 200000"))
    assert len(result.output) > 200_000
    assert said(here, ": " + "x" * 3_000_000 + "; echo there") == ["there\n"]


def test_no_secret_is_in_a_command_line(here: LocalRemote) -> None:
    command = Command(
        'cat /proc/$$/cmdline /proc/$PPID/cmdline; echo "$word" | wc -c', values={"word": Secret("s3cr3t")}
    )
    (result,) = here.run(LOCAL, Script((Step("a", "", command),)))
    assert "s3cr3t" not in result.output and result.output.endswith("7\n")


def test_a_step_that_takes_too_long_is_ended(here: LocalRemote) -> None:
    run = Running(here, LOCAL, script("true", TALE, timeout=1.0))  # type: ignore[arg-type]
    run.end()
    assert isinstance(run.error, StepTimeoutError)
    assert run.error.message == "local: `b` took longer than 1 s and was ended"
    assert gone(int(run.watched.lines[0]))


def test_each_step_has_its_own_time(here: LocalRemote) -> None:
    results = here.run(LOCAL, script("sleep 0.6", "sleep 0.6", "sleep 0.6", timeout=1.2))
    assert [result.code for result in results] == [0, 0, 0]


def test_a_step_that_does_not_want_to_end_is_killed(here: LocalRemote) -> None:
    began = monotonic()
    run = Running(here, LOCAL, script("trap '' TERM HUP; echo $$; while :; do sleep 1; done", timeout=1.0))  # type: ignore[arg-type]
    run.end()
    assert isinstance(run.error, StepTimeoutError) and monotonic() - began < 12
    assert gone(int(run.watched.lines[0]), within=2)


def test_an_interruption_leaves_no_process_and_the_next_run_goes_its_way(here: LocalRemote) -> None:
    with running(here, LOCAL, script(TALE)) as one, running(here, LOCAL, script(TALE)) as two:  # type: ignore[arg-type]
        here.interrupt()
        for run in (one, two):
            run.end()
            assert isinstance(run.error, InterruptedRunError) and run.error.exit_code == ExitCode.INTERRUPTED
            assert run.error.message == "local: interrupted while `a` was running"
            assert gone(int(run.watched.lines[0]))
    assert said(here, "echo back") == ["back\n"]


def test_close_ends_what_runs(here: LocalRemote) -> None:
    with running(here, LOCAL, script(TALE)) as run:  # type: ignore[arg-type]
        here.close()
        run.end()
    assert gone(int(run.watched.lines[0]))


def test_a_ctrl_c_in_the_thread_that_waits(here: LocalRemote) -> None:
    watched = Watched()

    def ring() -> None:
        if watched.said.wait(15):
            signal.raise_signal(signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        threading.Thread(target=ring).start()
        with pytest.raises(KeyboardInterrupt):
            here.run(LOCAL, script(TALE), watched)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert gone(int(watched.lines[0]))


CONTROLLER = """
import sys
from lockstitch.remote.local import LocalRemote
from tests.remote.scripts import script
from tests.remote.test_here import LOCAL
from tests.remote.test_interrupt import TALE
LocalRemote().run(LOCAL, script(TALE), lambda event: print(getattr(event, "line", ""), flush=True))
"""


def test_a_killed_controller_ends_the_steps() -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", CONTROLLER], cwd=root, stdout=subprocess.PIPE, text=True
    ) as controller:
        assert controller.stdout
        pid = int(next(line for line in controller.stdout if line.strip()))
        assert state(pid) not in ("", "Z")
        os.kill(controller.pid, signal.SIGKILL)
    assert gone(pid)


def test_a_shell_that_is_killed_is_told(here: LocalRemote) -> None:
    with pytest.raises(HostLostError, match="local: the shell was killed by signal 9 while `a` was running"):
        here.run(LOCAL, script("kill -9 $$"))


def test_sudo_that_refuses_is_told(here: LocalRemote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sudo").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "sudo").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(ConnectError, match="local: cannot become nobody-at-all with sudo"):
        here.run(LOCAL, script("true", user="nobody-at-all"))
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    with pytest.raises(HostLostError, match="no shell can be started on this machine"):
        here.run(LOCAL, script("true", user="nobody-at-all"))


def test_local_hosts_are_here_and_all_others_there() -> None:
    there = FakeRemote()
    web1 = host("web1")
    there.answer("*", "*", output="there\n")
    with RoutedRemote(there) as routed:
        assert routed.connect([LOCAL, web1]) == {} and there.connected == ["web1"]
        outputs = [routed.run(on, script("echo here"))[0].output for on in (LOCAL, web1)]
        assert outputs == ["here\n", "there\n"]
        with routed.open(web1, "f", "wb") as file:
            file.write(b"there")
        with routed.open(web1, "f", "rb") as file:
            assert file.read() == b"there"
        with routed.open(LOCAL, "f", "wb") as file:
            file.write(b"here")
        assert Path.home().joinpath("f").read_bytes() == b"here"
    assert there.closed


def test_an_interruption_goes_both_ways() -> None:
    there = FakeRemote()
    there.hold("web1", "a", threading.Event())
    routed = RoutedRemote(there)
    far = Running(routed, host("web1"), script("true"))  # type: ignore[arg-type]
    assert far.watched.began.wait(5)
    with running(routed, LOCAL, script(TALE)) as near:  # type: ignore[arg-type]
        routed.interrupt()
        near.end()
        far.end()
    assert near.error and far.error


def test_the_network_of_ssh_can_be_asked_for(remote: SshRemote) -> None:
    assert RoutedRemote(remote).network is remote.network
