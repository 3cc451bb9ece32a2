"""Secrets in what steps print are masked; answers that are read are not changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockstitch.model.command import Command, Secret
from lockstitch.model.host import Address, Host
from lockstitch.model.plan import Script, Step
from lockstitch.model.results import Event, StepOutput
from lockstitch.remote import Remote
from lockstitch.remote.fake import FakeRemote
from lockstitch.remote.masked import MaskedRemote
from tests.local import LocalRemote
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


class Lines:
    """An observer that takes many lines at once."""

    def __init__(self) -> None:
        self.text, self.events = "", 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepOutput):
            self.take_lines(event.host, event.app, event.name, f"{event.line}\n")
            self.events += 1

    def take_lines(self, host: str, app: str, name: str, text: str) -> None:
        self.text += text


@pytest.mark.parametrize("is_query", [False, True])
def test_many_lines_at_once_are_masked_too(tmp_path: Path, is_query: bool) -> None:
    key, pin = Secret("first line\nsecond line\n"), Secret("hunter2")
    text = "".join(f"{n} hunter2 first line\nsecond line\n" for n in range(20000))
    (tmp_path / "web1").mkdir()
    (tmp_path / "web1" / "log").write_text(text)
    step = Step("a", "", Command("cat log", values={"key": key, "pin": pin}), is_query=is_query)
    lines = Lines()
    MaskedRemote(LocalRemote(tmp_path)).run(WEB1, Script((step,)), lines)
    assert lines.text == (text if is_query else "".join(f"{n} *** ***\n***\n" for n in range(20000)))
    assert lines.events < 20000, "only those beside a mark come one at a time"
