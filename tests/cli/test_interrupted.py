"""Ctrl-C in the very last moment of looking: what was looked at is not gone on with."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from lockstitch import plans
from lockstitch.cli import hosts
from lockstitch.concurrency import interrupt
from lockstitch.engine.fanout import HostScript, run_on_hosts
from lockstitch.errors import ExitCode
from lockstitch.model.command import Command
from lockstitch.model.host import Address, Host
from lockstitch.model.plan import Script, Step
from lockstitch.model.results import Result
from lockstitch.remote.fake import FakeRemote

HOST = Host("one", Address("one"))
WORK = [HostScript("one", HOST, Script((Step("look", "", Command("true")),)))]


class Interrupted(FakeRemote):
    """Somebody types Ctrl-C just as the only host has answered."""

    def run(self, *given: Any, **more: Any) -> tuple[Result, ...]:
        interrupt()
        return (Result("look", 0, "", 0),)


def test_all_had_ended_and_it_is_still_told() -> None:
    stopped = threading.Event()
    done = run_on_hosts(Interrupted(), WORK, stopped=stopped)
    assert done["one"].code is ExitCode.DONE and stopped.is_set()


def test_nothing_is_removed_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing: Any = SimpleNamespace(asks=dict)
    monkeypatch.setattr(plans, "DiskCleanup", lambda *given: nothing)
    monkeypatch.setattr(plans, "usual_asks", lambda fleet: ())
    monkeypatch.setattr(hosts, "ask", lambda remote, queries, stopped: stopped.set() or {})
    begun: list[object] = []
    monkeypatch.setattr(hosts, "carry_out", lambda session, make: begun.append(make()))
    session: Any = SimpleNamespace(
        fleet=lambda only: SimpleNamespace(hosts=()),
        survey=lambda fleet, asks: None,
        **dict.fromkeys(("remote", "run_id", "by", "message")),
    )
    with pytest.raises(KeyboardInterrupt):
        hosts.clean_disks(session, "")
    assert not begun
