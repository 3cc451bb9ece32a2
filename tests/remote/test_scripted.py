"""The Remote without hosts: it plays what it was told, as a real one would."""

from __future__ import annotations

import threading

import pytest

from lockstitch.errors import ConnectError, HostLostError
from lockstitch.model.command import Command, Secret
from lockstitch.model.host import Address, Host
from lockstitch.model.plan import Script, Step
from lockstitch.model.results import Result, StepBegan, StepEnded, StepOutput
from lockstitch.remote import Remote
from lockstitch.remote.fake import FakeAnswer, FakeRemote
from tests.remote.scripts import Watched, script

WEB1, WEB2 = Host("web1", Address("web1")), Host("web2", Address("web2"))


def test_it_is_a_remote() -> None:
    remote: Remote = FakeRemote()
    assert remote.connect([WEB1]) == {}


def test_what_nothing_was_said_about_succeeds() -> None:
    remote = FakeRemote()
    assert remote.run(WEB1, script("x", "y")) == (Result("a", 0, "", 0), Result("b", 0, "", 0))
    assert remote.names("web1") == ["a", "b"]


def test_answers_go_by_patterns_of_host_and_step_and_the_last_word_counts() -> None:
    remote = FakeRemote()
    remote.answer("web*", "*", output="usual")
    remote.answer("web2", "b", code=3, output="special")
    assert [r.output for r in remote.run(WEB1, script("x", "y"))] == ["usual", "usual"]
    assert [(r.code, r.output) for r in remote.run(WEB2, script("x", "y", "z"))] == [(0, "usual"), (3, "special")]


def test_with_keep_going_a_failure_does_not_end_the_script() -> None:
    remote = FakeRemote()
    remote.answer("*", "a", code=1)
    assert [r.code for r in remote.run(WEB1, script("x", "y", keep_going=True))] == [1, 0]


def test_an_answer_for_some_times_only() -> None:
    remote = FakeRemote()
    remote.answer("*", "a", output="then")
    remote.answer("*", "a", output="first", times=2)
    assert [remote.run(WEB1, script("x"))[0].output for _ in range(3)] == ["first", "first", "then"]


def test_a_function_answers_from_what_it_sees() -> None:
    remote = FakeRemote()
    remote.reply("*", "*", lambda host, script, step: FakeAnswer(output=f"{host.name} {step.command.text}"))
    assert remote.run(WEB1, script("uptime"))[0].output == "web1 uptime"


def test_events_are_those_of_a_real_run() -> None:
    remote, watched = FakeRemote(), Watched()
    remote.answer("*", "a", output="one\ntwo\n", code=2)
    remote.run(WEB1, script("x", app="api", run="r1"), watched)
    assert watched.events == [
        StepBegan("web1", "api", "a", "r1"),
        StepOutput("web1", "api", "a", "one"),
        StepOutput("web1", "api", "a", "two"),
        StepEnded("web1", "api", "a", 2, 0),
    ]


@pytest.mark.parametrize(
    ("when", "began", "events"),
    [("before", ["a"], [StepBegan, StepEnded]), ("during", ["a", "b"], [StepBegan, StepEnded, StepBegan])],
)
def test_a_connection_that_drops(when: str, began: list[str], events: list[type]) -> None:
    remote, watched = FakeRemote(), Watched()
    remote.fail("web1", "b", HostLostError("web1", "the connection dropped"), when=when, times=1)  # type: ignore[arg-type]
    with pytest.raises(HostLostError):
        remote.run(WEB1, script("x", "y"), watched)
    assert remote.names("web1") == began and [type(event) for event in watched.events] == events
    assert len(remote.run(WEB1, script("x", "y"))) == 2


def test_a_host_that_cannot_be_reached_until_it_can() -> None:
    remote, error = FakeRemote(), ConnectError("web2", "no route")
    remote.connect_error("web2", error)
    assert remote.connect([WEB1, WEB2]) == {"web2": error} and remote.connected == ["web1"]
    with pytest.raises(ConnectError):
        remote.run(WEB2, script("x"))
    remote.connect_error("web2", None)
    assert remote.connect([WEB2]) == {}


def test_a_held_step_waits_for_its_event() -> None:
    remote, go, watched = FakeRemote(), threading.Event(), Watched()
    remote.hold("web1", "a", go)
    run = threading.Thread(target=remote.run, args=(WEB1, script("x"), watched))
    run.start()
    assert watched.began.wait(10) and not any(isinstance(event, StepEnded) for event in watched.events)
    go.set()
    run.join(10)
    assert isinstance(watched.events[-1], StepEnded)


def test_an_interruption_ends_what_is_held_and_nothing_after() -> None:
    remote, watched, raised = FakeRemote(), Watched(), threading.Event()
    remote.hold("web1", "a", threading.Event())

    def work() -> None:
        with pytest.raises(HostLostError, match="interrupted while `a` was running"):
            remote.run(WEB1, script("x"), watched)
        raised.set()

    run = threading.Thread(target=work)
    run.start()
    assert watched.began.wait(10)
    remote.interrupt()
    run.join(10)
    assert raised.is_set() and remote.run(WEB2, script("x"))[0].ok


def test_what_was_run_shows_no_secret() -> None:
    remote = FakeRemote()
    remote.run(WEB1, Script((Step("a", "", Command("login", env={"TOKEN": Secret("hush")})),)))
    assert "hush" not in remote.ran[0].text and "login" in remote.ran[0].text
