"""What a command costs before it does anything: `fab -H x hosts` beside `fab --version`."""

from __future__ import annotations

import json
import tempfile
from functools import partial
from pathlib import Path

from scripts.benchmarks.measure import Options, cpu, goal, ratio, run, spread, turns, wall
from scripts.benchmarks.world import LINKED, ROOT

ROUNDS = 9
OURS, FABRIC = "fab -H x hosts", "fab --version"


def startup(options: Options) -> None:
    """The time until the hosts of an inventory are printed; nothing is connected to."""
    rounds = options.rounds or ROUNDS
    with tempfile.TemporaryDirectory(prefix="bench.") as folder:
        root = Path(folder)
        for name in LINKED:
            (root / name).symlink_to(ROOT / name)
        (root / "hosts").mkdir()
        (root / "hosts" / "x.yml").write_text(json.dumps({"groups": {"all": {"hosts": ["web1.example.com"]}}}))
        found = turns(rounds, {words: partial(run, words.split(), root) for words in (OURS, FABRIC)})
    print(f"start-up, seconds: medians of {rounds} rounds (least)")
    for name, ran in found.items():
        print(f"  {name:<16} wall {spread(wall(ran))}   CPU {spread(cpu(ran))}")
    goal(f"wall, {OURS} / {FABRIC}", ratio(wall(found[OURS]), wall(found[FABRIC])), 1.3)
