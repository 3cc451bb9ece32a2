"""The benchmarks: what is printed was measured now, on this machine. Compare what stands side by side."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from scripts.benchmarks.backups import backups
from scripts.benchmarks.many import much_output, run_on_many
from scripts.benchmarks.relay import relay
from scripts.benchmarks.world import ROOT, World, world

TIMES = 5


def listing() -> None:
    """`fab --list`: ours beside that of an empty fabfile."""
    with tempfile.TemporaryDirectory() as empty:
        (Path(empty) / "fabfile.py").write_text("from fabric import task\n\n@task\ndef nothing(c):\n    pass\n")
        ours, theirs = _listed(ROOT), _listed(Path(empty))
    print(f"fab --list, median of {TIMES}: {ours:.3f} s; a fabfile's with one task: {theirs:.3f} s")
    print(f"  more: {ours - theirs:.3f} s")


def _listed(folder: Path) -> float:
    def once() -> float:
        start = time.monotonic()
        subprocess.run(["fab", "--list"], cwd=folder, capture_output=True, check=True)
        return time.monotonic() - start

    once()
    return median(once() for _ in range(TIMES))


def round_trips() -> None:
    """Sequential round trips of a deploy to one host: what a delay on the wire adds, divided by that delay.

    The relay answers the TCP handshake itself, so one round trip is added for it.
    """
    print("sequential round trips of one deploy to one host (the most that is promised: 12):")
    with world(1) as w:
        (host,) = w.sandbox.hosts.values()
        for commands in (1, 20):
            trips = _slope(w, host.name, host.port, commands)
            print(f"  {commands:3} commands in build and in test: {trips + 1:.1f}")


def _slope(w: World, name: str, port: int, commands: int, rtt: float = 0.2) -> float:
    seconds = {}
    for delay in (0.0, rtt):
        with relay(port, delay / 2) as through:
            w.inventory({name: through}, build=["true"] * commands, test=["true"] * commands)
            w.fab("deploy")
            took = []
            for _ in range(3):
                w.commit()
                took.append(w.fab("deploy").seconds)
            seconds[delay] = median(took)
    return (seconds[rtt] - seconds[0.0]) / rtt


def fleet() -> None:
    """Time and memory of `status` and `deploy` for 1, 10 and 50 hosts."""
    print("hosts   status           deploy           again")
    for hosts in (1, 10, 50):
        with world(hosts) as w:
            w.inventory()
            first = w.fab("deploy")
            w.commit()
            again, status = w.fab("deploy"), w.fab("status")
            cells = (f"{ran.seconds:5.2f} s {ran.mebibytes:4.0f} MiB" for ran in (status, first, again))
            print(f"{hosts:5}   " + "   ".join(cells))


def main(words: list[str]) -> int:
    """Run those that are named, or all."""
    known: dict[str, Callable[[], None]] = {
        "list": listing,
        "round-trips": round_trips,
        "fleet": fleet,
        "run": run_on_many,
        "output": much_output,
        "backups": backups,
    }
    unknown = [word for word in words if word not in known]
    if unknown:
        print(f"there is no benchmark {unknown[0]}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    for word in words or known:
        known[word]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
