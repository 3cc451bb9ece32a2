"""Secrets in what steps print are masked; answers that are read are not changed."""

from __future__ import annotations

from lockstitch.model.command import Command, Secret
from lockstitch.model.host import Address, Host
from lockstitch.model.plan import Script, Step
from lockstitch.model.results import StepOutput
from lockstitch.remote import Remote
from lockstitch.remote.fake import FakeRemote
from lockstitch.remote.masked import MaskedRemote
from tests.remote.scripts import Watched

WEB1 = Host("web1", Address("web1"))
MINE, PLANS = Secret("12", "env:MINE"), Secret("hunter2", "env:PLANS")


def test_what_a_step_prints_has_no_secret_of_the_script_or_of_the_plan() -> None:
    fake, watched = FakeRemote(), Watched()
    fake.answer("*", "*", output="hunter2 has 12 lives\n")
    remote: Remote = MaskedRemote(fake, [PLANS])
    script = Script((Step("a", "", Command("x", values={"pin": MINE})), Step("b", "", Command("y"))))
    assert [result.output for result in remote.run(WEB1, script, watched)] == ["*** has *** lives\n"] * 2
    assert {event.line for event in watched.events if isinstance(event, StepOutput)} == {"*** has *** lives"}


def test_the_answer_to_a_query_is_what_the_host_said() -> None:
    fake = FakeRemote()
    fake.answer("*", "*", output="pid 4123\n")
    asked = Step("gate workers", "", Command("x", values={"pin": MINE}), is_query=True)
    remote = MaskedRemote(fake, [PLANS])
    assert [result.output for result in remote.run(WEB1, Script((asked,)))] == ["pid 4123\n"]
    assert remote.mask("hunter2, 12") == "***, 12"
