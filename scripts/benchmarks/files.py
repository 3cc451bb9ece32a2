"""`put` and `get` of a large file beside `scp`, to and from one host over loopback."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from scripts.benchmarks.measure import Options, Ran, cpu, goal, ratio, run, spread, turns, wall
from scripts.benchmarks.world import World, openssh_world

MEGABYTES, ROUNDS = 400, 3
CHUNK = 1 << 20


def files(options: Options) -> None:
    """Wall and CPU time; before each copy its target is removed, after it the two files are compared."""
    size, rounds = options.megabytes or MEGABYTES, options.rounds or ROUNDS
    print(f"a file of {size} MB, seconds: medians of {rounds} rounds (least)")
    with openssh_world(1) as world:
        world.inventory()
        (host,) = world.sandbox.hosts.values()
        here, there, back = world.root / "large", host.home / "large", world.root / "back"
        back.mkdir()
        with here.open("wb") as file:
            for _ in range(size * 1_000_000 // CHUNK + 1):
                file.write(os.urandom(CHUNK))
        scp = ("scp", "-q", "-F", str(world.root / "ssh_config"))
        up: dict[str, tuple[str, ...]] = {
            "put": ("fab", "-H", "bench", "put", str(here), str(there)),
            "scp": (*scp, str(here), f"{host.name}:{there}"),
        }
        down: dict[str, tuple[str, ...]] = {
            "get": ("fab", "-H", "bench", "get", str(there), "--to", str(back)),
            "scp": (*scp, f"{host.name}:{there}", str(back)),
        }
        _compare(up, rounds, partial(_copy, world, here, there))
        _compare(down, rounds, partial(_copy, world, there, back / "large"))


def _compare(commands: dict[str, tuple[str, ...]], rounds: int, copy: Callable[[tuple[str, ...]], Ran]) -> None:
    found = turns(rounds, {name: partial(copy, words) for name, words in commands.items()})
    ours, scp = found
    for name, ran in found.items():
        print(f"  {name:<4} {'up' if ours == 'put' else 'down':<5} wall {spread(wall(ran))}   CPU {spread(cpu(ran))}")
    goal(f"wall, {ours} / {scp}", ratio(wall(found[ours]), wall(found[scp])), 1.3)


def _copy(world: World, source: Path, target: Path, words: tuple[str, ...]) -> Ran:
    target.unlink(missing_ok=True)
    os.sync()
    ran = run(words, world.root)
    if not filecmp.cmp(source, target, shallow=False):
        raise SystemExit(f"{target} is not what {source} is")
    return ran
