"""The benchmarks: what is printed was measured now, on this machine. Compare what stands side by side."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from scripts.benchmarks.backups import backups
from scripts.benchmarks.deploy import deploy
from scripts.benchmarks.files import files
from scripts.benchmarks.many import much_output, run_on_many
from scripts.benchmarks.measure import Options
from scripts.benchmarks.relay import relay
from scripts.benchmarks.startup import startup
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


def fleet(options: Options) -> None:
    """Time and memory of `status` and `deploy` for 1, 10 and 50 hosts."""
    print("hosts   status           deploy           again")
    for hosts in options.hosts or (1, 10, 50):
        with world(hosts) as w:
            w.inventory()
            first = w.fab("deploy")
            w.commit()
            again, status = w.fab("deploy"), w.fab("status")
            cells = (f"{ran.seconds:5.2f} s {ran.mebibytes:4.0f} MiB" for ran in (status, first, again))
            print(f"{hosts:5}   " + "   ".join(cells))


BENCHMARKS: dict[str, Callable[[Options], None]] = {
    "list": lambda _: listing(),
    "round-trips": lambda _: round_trips(),
    "fleet": fleet,
    "deploy": deploy,
    "run": run_on_many,
    "start-up": startup,
    "files": files,
    "output": much_output,
    "backups": lambda _: backups(),
}


def main(words: list[str]) -> int:
    """Run those that are named, or all."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure; nothing here is judged.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; all without one")
    parser.add_argument("--hosts", type=_numbers, help="how many hosts, such as 1,10,30 (fleet, deploy, run, output)")
    parser.add_argument("--rtt", type=_numbers, default=(0, 40), help="round trip times in ms, such as 0,40 (deploy)")
    parser.add_argument("--rounds", type=int, help="how many times each is measured")
    parser.add_argument("--megabytes", type=int, help="the size of the file, or of each host's output (files, output)")
    parser.add_argument("--few", action="store_true", help="only OpenSSH and Fabric beside ours (run)")
    arguments = parser.parse_args(words)
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there are: {', '.join(BENCHMARKS)}")
    # Ended from outside, it cleans up as after Ctrl-C.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    options = Options(arguments.hosts, arguments.rtt, arguments.rounds, arguments.megabytes, arguments.few)
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    try:
        for name in arguments.names or BENCHMARKS:
            BENCHMARKS[name](options)
    except KeyboardInterrupt:
        return 130
    return 0


def _end(number: int, _: object) -> None:
    print(f"ended by {signal.Signals(number).name}", file=sys.stderr)
    sys.exit(128 + number)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(","))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
