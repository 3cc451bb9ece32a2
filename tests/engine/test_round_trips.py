"""What a deploy costs on the wire, counted: each script is one round trip of a host, whatever it carries.

With a connect (about 5.5 round trips, and one to open the first shell) the promise is twelve. `scripts/bench
round-trips` measures the same over real SSH.
"""

from __future__ import annotations

from collections import Counter

import pytest

from lockstitch.model.layout import LayoutKind
from tests.engine import world
from tests.engine.conftest import MakeWorld

# survey, lock, prepare (fetch), switch with the gates' first asking, finish with unlock
PHASES = 5


def scripts_of(make_world: MakeWorld, layout: LayoutKind, selection: str, ref: str) -> Counter[str]:
    made = make_world(layout)
    assert made.run(made.plan_deploy("v1")).code == 0
    made.remote.scripts.clear()
    assert made.run(made.plan_deploy(ref, selection)).code == 0
    return Counter(host for host, _ in made.remote.scripts)


def test_a_host_is_spoken_to_once_a_phase(make_world: MakeWorld, layout: LayoutKind) -> None:
    """Host c runs one app that has no migration: each phase of its deploy is one script."""
    assert scripts_of(make_world, layout, "box:c", "v2") == {"c": PHASES}


def test_the_number_of_commands_does_not_count(
    make_world: MakeWorld, layout: LayoutKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = ", ".join(['"cp VERSION built"'] * 20)
    monkeypatch.setattr(world, "INVENTORY", world.INVENTORY.replace('build: ["cp VERSION built"]', f"build: [{many}]"))
    assert scripts_of(make_world, layout, "box:c", "v2") == {"c": PHASES}
