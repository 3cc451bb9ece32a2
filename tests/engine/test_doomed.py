"""A wave in which one host has failed: it is told at once, and the others do not work on for nothing."""

from __future__ import annotations

import threading

from lockstitch.engine.runner import run
from lockstitch.model.command import Command
from lockstitch.model.gate import Gate, Verdict, failed
from lockstitch.model.host import Address, Host
from lockstitch.model.layout import layout
from lockstitch.model.outcome import GateAsked, Outcome, RunEvent, RunMessage
from lockstitch.model.plan import Plan, Site, SitePlan, Step, Wave
from lockstitch.model.probe import Probe
from lockstitch.model.results import StepBegan, StepEnded
from lockstitch.remote.fake import FakeAnswer, FakeRemote

HOSTS = {name: Host(name, Address(name)) for name in ("web1", "web2")}
LATE = 20.0


class Doomed:
    """A wave of two hosts: web1 fails while web2 is at its build, which goes on until somebody ends it."""

    def __init__(self, *, visible: bool = False, keeps: bool = False, gate: bool = False) -> None:
        self.remote, self.events = FakeRemote(), list[RunEvent]()
        self.remote.answer("*", "lock", output="taken")
        self.until = threading.Event()
        self.began = threading.Event()
        at = layout("releases", "srv/api")
        sites = [Site(name, "api", at) for name in HOSTS]
        gates = (Gate("serving", Probe("serving", Command(":"), lambda text, code: text), self.judge, 0.01, tries=900),)
        steps = (Step("build", "build", Command("build"), undo=Command("unbuild")),)
        units = tuple(SitePlan(site, steps, gates if gate else ()) for site in sites)
        wave = Wave("prepare", units, visible=visible, keep_on_failure=keeps)
        ends = tuple(SitePlan(site, (Step("unlock", "free", Command("unlock")),)) for site in sites)
        self.plan = Plan("deploy", "prod", "20260101T000000Z-ab", "ada", "", (wave,), ends, ends)
        self.judged = 0

    def judge(self, text: str) -> Verdict:
        self.judged += 1
        return failed("not yet")

    def observe(self, event: RunEvent) -> None:
        self.events.append(event)
        if isinstance(event, StepBegan) and (event.host, event.name) == ("web2", "build"):
            self.began.set()
        if isinstance(event, RunMessage) and self.plan.waves[0].visible:
            self.until.set()

    def fails(self) -> None:
        def fail(host: Host, script: object, step: Step) -> FakeAnswer:
            self.began.wait(LATE)
            return FakeAnswer(1, "a line\n.env is not there\n")

        self.remote.reply("web1", "build", fail)

    def run(self) -> Outcome:
        timer = threading.Timer(LATE, self.until.set)
        timer.start()
        try:
            return run(self.plan, self.remote, HOSTS, self.observe)
        finally:
            timer.cancel()


def test_the_others_are_ended_at_once_and_only_the_cause_is_a_failure() -> None:
    doomed = Doomed()
    doomed.fails()
    doomed.remote.hold("web2", "build", doomed.until)
    outcome = doomed.run()
    assert not doomed.until.is_set(), "web2 was not waited for"
    assert [(failure.site.host, failure.what) for failure in outcome.failures if failure.site] == [("web1", "build")]
    assert int(outcome.code) == 5
    assert doomed.remote.names("web2")[-2:] == ["undo build", "unlock"], "what was begun there is taken back"


def test_the_failure_is_told_with_its_reason_before_the_wave_is_over() -> None:
    doomed = Doomed(visible=True)
    doomed.fails()
    doomed.remote.hold("web2", "build", doomed.until)
    doomed.run()
    told = [event.text for event in doomed.events if isinstance(event, RunMessage)]
    assert told[0] == "api@web1: `build` ended with exit code 1: .env is not there"
    assert doomed.until.is_set(), "what users see is not torn in the middle of a step"


def test_what_a_wave_keeps_is_carried_out_on_the_other_hosts() -> None:
    doomed = Doomed(visible=True, keeps=True)
    doomed.fails()
    doomed.remote.hold("web2", "build", doomed.until)
    outcome = doomed.run()
    ended = [event.host for event in doomed.events if isinstance(event, StepEnded) and event.name == "build"]
    assert ended == ["web1", "web2"]
    assert [failure.site.host for failure in outcome.failures if failure.site] == ["web1"]


def test_gates_of_the_others_are_not_asked_to_the_end() -> None:
    doomed = Doomed(visible=True, gate=True)
    (wave,) = doomed.plan.waves
    first = wave.site_plans[0]
    hopeless = Gate("serving", first.gates[0].probe, lambda text: failed("never"), 0.01, tries=1)
    units = (SitePlan(first.site, first.steps, (hopeless,)), wave.site_plans[1])
    doomed.plan = Plan("deploy", "prod", doomed.plan.run, "ada", "", (Wave("api", units, visible=True),))
    outcome = doomed.run()
    assert [failure.reason for failure in outcome.failures] == ["never"]
    asked = [event for event in doomed.events if isinstance(event, GateAsked) and event.site.host == "web2"]
    assert len(asked) < 900
