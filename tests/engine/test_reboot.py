"""Hosts that go down and come back, or do not, without a host: what is waited for, and what is never begun."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lockstitch import plans
from lockstitch.concurrency import interrupt
from lockstitch.engine.runner import run
from lockstitch.errors import CheckError, ConnectError, HostKeyError
from lockstitch.facts.packages import Boot
from lockstitch.model.host import Address, Host
from lockstitch.model.outcome import GateAsked, Outcome, RunEvent
from lockstitch.model.plan import Plan, Script, SitePlan, Step
from lockstitch.remote.fake import FakeAnswer, FakeRemote
from lockstitch.report.outcome import outcome_json, outcome_text

HOSTS = tuple(Host(name, Address(name)) for name in "abc")


class Machines(FakeRemote):
    """Hosts that answer from a new boot so many askings after a reboot; `away` never do."""

    def __init__(self, asked: int = 2) -> None:
        super().__init__()
        self.boots = dict.fromkeys("abc", 1)
        self.away: dict[str, int] = {}
        self.never: dict[str, ConnectError] = {}
        self.asked = asked
        self.answer("*", "lock", output="taken")
        self.reply("*", "reboot", self._go)
        self.reply("*", "gate back", self._back)

    def _go(self, host: Host, script: Script, step: Step) -> FakeAnswer:
        self.away[host.name] = self.asked
        return FakeAnswer()

    def _back(self, host: Host, script: Script, step: Step) -> FakeAnswer:
        left = self.away.get(host.name, 0)
        if left == self.asked:
            self.away[host.name] = left - 1
        elif left or host.name in self.never:
            self.away[host.name] = left - 1
            if left == 1 and host.name not in self.never:
                self.boots[host.name] += 1
                self.away[host.name] = 0
            raise self.never.get(host.name) or ConnectError(host.name, "no answer")
        return FakeAnswer(output=f"boot id {self.boots[host.name]}\nsystem running\n")


def planned(found: dict[str, Boot] | None = None, *, seconds: float = 20.0, only_pending: bool = False) -> Plan:
    turns = plans.RollingHosts("run", "ada", "a,b,c", HOSTS)
    known = found or {host.name: Boot("id 1") for host in HOSTS}
    plan = plans.reboot(turns, known, seconds=seconds, only_pending=only_pending)

    def hasty(unit: SitePlan) -> SitePlan:
        return replace(unit, gates=tuple(replace(gate, interval=0.01) for gate in unit.gates))

    return replace(plan, waves=tuple(replace(w, site_plans=tuple(map(hasty, w.site_plans))) for w in plan.waves))


def carried_out(plan: Plan, remote: FakeRemote) -> Outcome:
    return run(plan, remote, {host.name: host for host in HOSTS}, lambda event: None)


def results(outcome: Outcome) -> dict[str, str]:
    return {one["host"]: one["result"] for one in outcome_json(outcome)["results"]}


def test_plain_hosts_are_rebooted_one_after_the_other() -> None:
    remote = Machines(asked=4)
    outcome = carried_out(planned(), remote)
    assert outcome.code == 0, outcome_text(outcome)
    assert results(outcome) == {"a": "done", "b": "done", "c": "done"}
    order = [ran.host for ran in remote.ran if ran.name in ("reboot", "gate back")]
    assert order == sorted(order), "one is back before the next goes"
    assert [ran.host for ran in remote.ran if ran.name == "unlock"] == ["a", "b", "c"]


def test_the_first_that_does_not_come_back_ends_it() -> None:
    remote = Machines()
    remote.never["b"] = ConnectError("b", "no answer")
    outcome = carried_out(planned(seconds=0.2), remote)
    assert outcome.code == 6
    assert results(outcome) == {"a": "done", "b": "see to it", "c": "not begun"}
    assert "reboot" not in remote.names("c")
    said = outcome_text(outcome)
    assert "b: no answer" in said
    assert "fab -H b run -- uptime" in said
    assert "unlock" in remote.names("c")


def test_one_that_never_goes_down_is_no_reboot() -> None:
    remote = Machines()
    remote.answer("a", "gate back", output="boot id 1\nsystem running\n")
    outcome = carried_out(planned(seconds=0.2), remote)
    assert outcome.code == 6
    assert "it has not gone down yet" in outcome_text(outcome)
    assert results(outcome)["b"] == "not begun"


def test_an_interrupt_says_who_is_down() -> None:
    remote = Machines()
    remote.never["b"] = ConnectError("b", "no answer")
    plan = planned(seconds=600)

    def watch(event: RunEvent) -> None:
        if isinstance(event, GateAsked) and event.site.host == "b":
            interrupt()

    outcome = run(plan, remote, {host.name: host for host in HOSTS}, watch)
    assert outcome.code == 130, outcome_text(outcome)
    assert results(outcome) == {"a": "done", "b": "see to it", "c": "not begun"}
    assert "INTERRUPTED: the hosts below need a person" in outcome_text(outcome)


def test_another_host_key_is_not_waited_for() -> None:
    remote = Machines()
    remote.never["a"] = HostKeyError("a", "its key has changed")
    outcome = carried_out(planned(seconds=600), remote)
    assert outcome.code == 6
    assert "its key has changed" in outcome_text(outcome)


def test_only_those_that_wait_for_it() -> None:
    found = {"a": Boot("id 1"), "b": Boot("id 1", pending=True, because=("linux-image",)), "c": Boot("id 1")}
    plan = planned(found, only_pending=True)
    assert [unit.site.host for wave in plan.waves for unit in wave.site_plans] == ["b"]
    assert plan.notes == ("b waits for a reboot: linux-image",)
    none = planned({host.name: Boot("id 1") for host in HOSTS}, only_pending=True)
    assert none.empty
    assert none.empty_reason == "no host waits for a reboot"


def test_where_it_is_not_allowed_nothing_is_rebooted() -> None:
    found = {"a": Boot("id 1"), "b": Boot("id 1", refused="deploy may not"), "c": Boot("id 1")}
    with pytest.raises(CheckError, match="b: deploy may not\nnothing was changed"):
        planned(found)
