"""`hooks`: what is read, and what is refused, with its line."""

from __future__ import annotations

import pytest

from lockstitch.inventory.load import load
from tests.inventory.conftest import Refused, Write

INVENTORY = """
groups: {{web: {{hosts: [a, b], apps: []}}}}
hooks: {hooks}
"""


def test_hooks(write: Write) -> None:
    hooks = "{before_deploy: [./ask, {run: ls, run_on: web, timeout: 5s}], failed: [{run: x, run_on: b}]}"
    inventory = load(write(prod=INVENTORY.format(hooks=hooks)).directory, "prod")
    assert [(h.event, h.line, h.host.name, h.host.local, h.timeout) for h in inventory.hooks] == [
        ("before_deploy", "./ask", "local", True, 60.0),
        ("before_deploy", "ls", "a", False, 5.0),
        ("failed", "x", "b", False, 60.0),
    ]


@pytest.mark.parametrize(
    ("hooks", "says"),
    [
        ("{before_deploi: [x]}", "is not a key here: did you mean before_deploy?"),
        ("{failed: [{run: x, run_on: wep}]}", "there is no group or host wep: did you mean web?"),
        ("{failed: [{run: x, timeout: 0s}]}", "timeout"),
        ("{failed: [{run_on: web}]}", "run"),
    ],
)
def test_refused_hooks(refused: Refused, hooks: str, says: str) -> None:
    problems = refused(prod=INVENTORY.format(hooks=hooks))
    assert any(says in str(problem) for problem in problems), problems
