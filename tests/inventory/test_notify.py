"""`notify`: what is read, and what is refused, with its line."""

from __future__ import annotations

import pytest

from lockstitch.inventory.load import load
from tests.inventory.conftest import Refused, Write

INVENTORY = """
groups: {{web: {{hosts: [a]}}}}
notify: {notify}
"""


def test_notify(write: Write) -> None:
    notify = '{to: {x: {slack: "env:A"}, y: {url: "cmd:get url"}}, when: {begun: [x], failed: [x, y]}}'
    settings = load(write(prod=INVENTORY.format(notify=notify)).directory, "prod").notify
    assert {name: (each.key, each.references()) for name, each in settings.to.items()} == {
        "x": ("slack", ("env:A",)),
        "y": ("url", ("cmd:get url",)),
    }
    assert settings.when.channels(("rolled_back", "failed")) == ("x", "y")
    assert settings.when.channels(("done", "begun")) == ("x",)
    assert settings.runs == ("deploy", "rollback")


@pytest.mark.parametrize(
    ("notify", "says"),
    [
        (
            '{to: {x: {slack: "https://hooks.example.com/T0/secret"}}}',
            "notify.to.x.slack: an inventory holds no secrets",
        ),
        ('{to: {x: {url: "ntfys://topic"}}}', "notify.to.x.url: an inventory holds no secrets"),
        ('{to: {x: {webhook: "env:A", token: abc}}}', "notify.to.x.token: an inventory holds no secrets"),
        ('{to: {x: {slak: "env:A"}}}', "notify.to.x: give one of annotation, discord"),
        ('{to: {x: {slack: "env:A", teams: "env:B"}}}', "notify.to.x: give one of annotation, discord"),
        ('{to: {x: {mail: "env:A", from: a@b.c, to: ["a@b.c, d@e.f"]}}}', "notify.to.x.to"),
        ('{to: {x: {mail: "env:A", from: "a@b.c\\nBcc: d@e.f", to: [a@b.c]}}}', "notify.to.x.from"),
        ("{when: {failed: [x]}}", "there is no channel x"),
        ("{when: {dnoe: []}}", "is not a key here: did you mean done?"),
        ("{runs: [deploi]}", "notify.runs"),
    ],
)
def test_refused_notify(refused: Refused, notify: str, says: str) -> None:
    problems = [str(problem) for problem in refused(prod=INVENTORY.format(notify=notify))]
    assert any(says in problem for problem in problems), problems
    assert not any("secret" in problem.replace("secrets", "") for problem in problems), "it shows no value"
