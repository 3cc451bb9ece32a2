"""A rollout of a flag in Unleash, from its plan to its end: on a stand-in always, on the real server where it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import cycle
from typing import Any

from lockstitch.model.command import Secret, Value
from lockstitch.report.outcome import outcome_text
from tests.engine.conftest import MakeWorld
from tests.engine.test_flags import SERVICE, planned
from tests.engine.world import World
from tests.flags.unleash_server import ADMIN, FEATURES, Unleash, real_unleash, stand_in, unleash

__all__ = ["real_unleash", "stand_in", "unleash"]

KNOWN: dict[str, Value] = {"env:UNLEASH_TOKEN": Secret(ADMIN, "env:UNLEASH_TOKEN")}
STEPS = "[{to: 0}, {to: 10, for: 0.01}, {to: 50}, {to: 100}]"


def world_of(make_world: MakeWorld, unleash: Unleash) -> World:
    flag = f'kind: unleash, url: "{unleash.url}", token: "env:UNLEASH_TOKEN", environment: development'
    more = f"flags: {{PHASE_1: {{{flag}, steps: {STEPS}}}}}"
    world = make_world("releases", more=more, service=json.dumps(SERVICE))
    world.settings |= {"more": more, "service": json.dumps(SERVICE)}
    assert world.deploy("v1", "box:backend").code == 0
    return world


def writes(unleash: Unleash) -> list[str]:
    return [each for each in unleash.asked if not each.startswith("GET")]


def nth_write(unleash: Unleash, number: int, fault: Any) -> Callable[[str, str], Any]:
    """A fault of one change alone: those before it and the way back work."""
    return lambda method, path: fault if method != "GET" and len(writes(unleash)) == number else ""


def test_a_rollout_goes_up_in_steps_and_undo_is_all_as_it_was(make_world: MakeWorld, unleash: Unleash) -> None:
    unleash.create("PHASE_1", "25")
    before = unleash.state("PHASE_1")
    try:
        world = world_of(make_world, unleash)
        plan = planned(world, "rollout", known=KNOWN)
        assert [wave.name for wave in plan.waves] == [
            "set PHASE_1 to 0: a",
            "set PHASE_1 to 10: a",
            "PHASE_1 at 10 on every host",
            "set PHASE_1 to 50: a",
            "set PHASE_1 to 100: a",
        ]
        unleash.asked.clear()
        ended = world.run(plan)
        assert ended.code == 0, outcome_text(ended.outcome)
        state = unleash.state("PHASE_1")
        assert (state["enabled"], state["strategies"][0]["parameters"]["rollout"]) == (True, "100")
        changes = len(writes(unleash))
        assert changes == 5, "to 0, on, 10, 50, 100"
        ended = world.run(planned(world, "undo", known=KNOWN))
        assert ended.code == 0, outcome_text(ended.outcome)
        assert unleash.state("PHASE_1") == before

        # One that is not done, and one that is done and nobody hears of it, in turn.
        for number, fault in zip(range(1, changes + 1), cycle(["lost", (500, "{}")]), strict=False):
            plan = planned(world, "rollout", known=KNOWN)
            unleash.asked.clear()
            unleash.fault = nth_write(unleash, number, fault)
            ended = world.run(plan)
            unleash.fault = lambda method, path: ""
            why = f"{fault} at change {number}\n{outcome_text(ended.outcome)}"
            assert ended.code == 5, why
            assert unleash.state("PHASE_1") == before, why
            assert world.leftovers() == [], why
    finally:
        unleash.ask("DELETE", f"{FEATURES}/PHASE_1")
