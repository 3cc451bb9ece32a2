"""`fab run` on many hosts beside other tools, connecting included, in turns; and much output in little memory."""

from __future__ import annotations

import os
import subprocess
from functools import partial

from scripts.benchmarks.measure import Options, Ran, cpu, goal, ratio, run, spread, turns, wall
from scripts.benchmarks.peers import FABRIC, XARGS, Peer, peers
from scripts.benchmarks.world import World, openssh_world

HOSTS, ROUNDS = 50, 7
COMMAND = "uname -sr"
MEGABYTES = 100
LOUD = 10
OURS = "fab run"


def run_on_many(options: Options) -> None:
    """The same command on the same hosts, each tool once a round."""
    count, rounds = max(options.hosts or [HOSTS]), options.rounds or ROUNDS
    with openssh_world(count) as world:
        world.inventory()
        ours = Peer(OURS, ("fab", "-H", "bench", "run", "--parallel", str(count), "--", COMMAND), {})
        tools = [tool for tool in (ours, *peers(world, COMMAND, few=options.few)) if _works(world, tool)]
        found = turns(rounds, {tool.name: partial(_run, world, tool) for tool in tools})
    print(f"`{COMMAND}` on {count} hosts, connecting included, seconds: medians of {rounds} rounds (least)")
    for name, ran in found.items():
        times = ratio(wall(found[OURS]), wall(ran))
        print(f"  {name:<22} wall {spread(wall(ran))}   CPU {spread(cpu(ran))}   ours takes {times:.2f} times as long")
    goal(f"wall, {OURS} / {FABRIC}", ratio(wall(found[OURS]), wall(found[FABRIC])), 1.05)


def much_output(options: Options) -> None:
    """Ten hosts that print a hundred megabytes each: the memory is that of one that prints little."""
    count, size, rounds = max(options.hosts or [LOUD]), options.megabytes or MEGABYTES, options.rounds or 1
    with openssh_world(count) as world:
        world.inventory()
        little = world.fab("run", "--", "echo x")
        line = "a line of output, such as a build or a log would have it"
        command = f"yes '{line}' | head -c {size}M"
        ours = Peer(OURS, ("fab", "-H", "bench", "run", "--", command), {})
        tools = [ours, *(tool for tool in peers(world, command, few=True) if tool.name == XARGS)]
        found = turns(rounds, {tool.name: partial(_run, world, tool) for tool in tools}, warm=0)
    print(f"output of {count} hosts, {size} MB each, seconds: medians of {rounds} rounds (least)")
    for name, ran in found.items():
        most = max(each.mebibytes for each in ran)
        print(f"  {name:<16} wall {spread(wall(ran))}   CPU {spread(cpu(ran))}   {most:.0f} MiB")
    print(f"  a line each: {little.seconds:.2f} s and {little.mebibytes:.0f} MiB")
    if XARGS in found:
        goal(f"wall, {OURS} / {XARGS}", ratio(wall(found[OURS]), wall(found[XARGS])), 2.0)


def _run(world: World, tool: Peer) -> Ran:
    return run(tool.words, world.root, _environment(world, tool))


def _works(world: World, tool: Peer) -> bool:
    """Whether it reaches every host; a tool that fails fast would look fast."""
    ran = subprocess.run(
        tool.words, cwd=world.root, env={**os.environ, **_environment(world, tool)}, capture_output=True
    )
    said = ran.stdout.decode(errors="replace") + ran.stderr.decode(errors="replace")
    if ran.returncode == 0 and said.count("Linux") >= len(world.sandbox.hosts):
        return True
    print(f"{tool.name} does not reach every host here (exit code {ran.returncode}): it is left out")
    print("  " + "\n  ".join(said.strip().splitlines()[-3:]))
    return False


def _environment(world: World, tool: Peer) -> dict[str, str]:
    home = world.root / "home"
    home.mkdir(exist_ok=True)
    return {"HOME": str(home), **tool.env}
