"""Ctrl-C in the very last moment: what was looked at is not gone on with, and what is done is still told."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from lockstitch import plans
from lockstitch.cli import hosts, run_plan
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


def test_a_run_that_is_done_is_told_before_the_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the run and its record nothing listens."""
    outcome: Any = SimpleNamespace(plan=SimpleNamespace(kind="restore"), code=ExitCode.DONE, failures=(), sites=())
    record = SimpleNamespace(ended=lambda outcome, document: outcome)
    shown: list[object] = []

    def done(*given: Any) -> Any:
        interrupt()
        return outcome

    monkeypatch.setattr(run_plan, "run", done)
    monkeypatch.setattr(run_plan, "display", lambda *given, **more: nullcontext())
    monkeypatch.setattr(run_plan, "journaled", lambda *given: record)
    monkeypatch.setattr(
        run_plan, "PlanHooks", lambda *given: SimpleNamespace(before=list, after=lambda outcome: outcome)
    )
    monkeypatch.setattr(run_plan, "outcome_json", lambda outcome: {})
    monkeypatch.setattr(run_plan, "_show", lambda session, outcome: shown.append(outcome))
    selection = SimpleNamespace(fleets=())
    session: Any = SimpleNamespace(
        journal=nullcontext, json=False, remote=None, runs=None, c=SimpleNamespace(selection=selection)
    )
    plan: Any = SimpleNamespace(waves=())
    with pytest.raises(KeyboardInterrupt):
        run_plan._run(session, plan, {}, None)
    assert shown == [outcome]
