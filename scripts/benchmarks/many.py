"""`fab run` on fifty hosts beside other tools, connecting included, in turns; and much output in little memory."""

from __future__ import annotations

import os
import subprocess
import time
from statistics import median

from scripts.benchmarks.peers import Peer, peers
from scripts.benchmarks.world import World, world

HOSTS = 50
TURNS = 7
COMMAND = "uname -sr"
MEGABYTES = 100
LOUD = 10


def run_on_many() -> None:
    """The same command on the same hosts, each tool once a turn; how many times as long as ours each takes."""
    with world(HOSTS) as w:
        w.inventory()
        ours = Peer("fab run", ("fab", "-H", "bench", "run", "--parallel", str(HOSTS), "--", COMMAND), {})
        tools = [tool for tool in (ours, *peers(w, COMMAND)) if _works(w, tool)]
        took: dict[str, list[float]] = {tool.name: [] for tool in tools}
        for _ in range(TURNS):
            for tool in tools:
                took[tool.name].append(_once(w, tool))
        mine = median(took["fab run"])
        print(f"`{COMMAND}` on {HOSTS} hosts, connecting included, median of {TURNS} turns:")
        for name, seconds in took.items():
            print(f"  {name:<16} {median(seconds):6.2f} s   {median(seconds) / mine:5.2f} times ours")


def much_output() -> None:
    """Ten hosts that print a hundred megabytes each: the memory is that of one that prints little."""
    with world(LOUD) as w:
        w.inventory()
        little = w.fab("run", "--", "echo x")
        line = "a line of output, such as a build or a log would have it"
        much = w.fab("run", "--", f"yes '{line}' | head -c {MEGABYTES}M")
        print(f"output of {LOUD} hosts: {MEGABYTES} MB each took {much.seconds:.1f} s and {much.mebibytes:.0f} MiB;")
        print(f"  a line each {little.seconds:.1f} s and {little.mebibytes:.0f} MiB")


def _works(world: World, tool: Peer) -> bool:
    """Whether it reaches every host; a tool that fails fast would look fast."""
    ran = _start(world, tool)
    said = ran.stdout.decode(errors="replace") + ran.stderr.decode(errors="replace")
    if ran.returncode == 0 and said.count("Linux") >= HOSTS:
        return True
    print(f"{tool.name} does not reach every host here (exit code {ran.returncode}): it is left out")
    print("  " + "\n  ".join(said.strip().splitlines()[-3:]))
    return False


def _once(world: World, tool: Peer) -> float:
    start = time.monotonic()
    if _start(world, tool).returncode:
        raise RuntimeError(f"{tool.name} failed")
    return time.monotonic() - start


def _start(world: World, tool: Peer) -> subprocess.CompletedProcess[bytes]:
    home = {"HOME": str(world.root / "home")}
    (world.root / "home").mkdir(exist_ok=True)
    return subprocess.run(tool.words, cwd=world.root, env={**os.environ, **home, **tool.env}, capture_output=True)
