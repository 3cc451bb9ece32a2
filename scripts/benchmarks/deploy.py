"""The same deploy by hand-written ssh scripts, by plain Fabric and by Lockstitch, on the same hosts in turns.

Each fetches, makes a release folder with a shared link, switches `current`, reloads, sees that the service serves the
release, and removes old releases. After each deploy the files of every host are looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from scripts.benchmarks.measure import Options, Ran, cpu, goal, hosts_cpu, ratio, run, spread, turns, wall
from scripts.benchmarks.relay import relays
from scripts.benchmarks.servers import Servers
from scripts.benchmarks.world import World, openssh_world

SCRIPTS = Path(__file__).with_name("deploys")
HOSTS, ROUNDS, KEPT = (1, 10, 30), 3, 2
FILES = 200  # in the repository
SSH, FABRIC, OURS = "ssh script", "plain Fabric", "Lockstitch"
FOLDERS = {SSH: "by_ssh", FABRIC: "by_fabric", OURS: "app"}
SHARED = "settings"


def deploy(options: Options) -> None:
    """Wall and CPU time of a deploy to 1, 10 and 30 hosts without and with a delay on the wire, and the goals."""
    rounds = options.rounds or ROUNDS
    print(f"a deploy, seconds: medians of {rounds} rounds (least)")
    print("hosts  RTT ms  by                 wall           controller CPU  hosts' CPU")
    ratios = []
    for count in options.hosts or HOSTS:
        with openssh_world(count) as world:
            deploys = Deploys(world)
            for number, rtt in enumerate(options.rtt):
                # Only from the third deploy on is there an old release to remove.
                found = deploys.measure(rtt / 1000, rounds, warm=0 if number else KEPT)
                _print(count, rtt, found)
                ratios.append((f"{count} hosts, RTT {rtt} ms", found))
    for where, found in ratios:
        _goals(where, found)


class Deploys:
    """The three ways to deploy, each to a folder of its own on every host of a world."""

    def __init__(self, world: World) -> None:
        assert isinstance(world.sandbox, Servers)
        self.world, self.servers = world, world.sandbox
        for number in range(FILES):
            path = world.repository / f"part{number // 20}" / f"file{number}"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"{number}: a line of a file\n" * 50)
        for host in self.servers.hosts.values():
            for folder in FOLDERS.values():
                (host.home / folder / "shared").mkdir(parents=True)
                (host.home / folder / "shared" / SHARED).write_text("a setting\n")

    def measure(self, rtt: float, rounds: int, warm: int) -> dict[str, list[Ran]]:
        """Deploy in turns over a wire with a round trip of `rtt` seconds; each deploy has a new revision."""
        with self._wire(rtt / 2) as ports:
            self.world.inventory(ports, shared=[SHARED])
            names = list(self.servers.hosts)
            words = [str(self.world.root / "ssh_config"), str(self.world.repository), *names]
            commands: Mapping[str, list[str]] = {
                SSH: [str(SCRIPTS / "by_ssh.sh"), FOLDERS[SSH], *words],
                FABRIC: [sys.executable, str(SCRIPTS / "by_fabric.py"), FOLDERS[FABRIC], *words],
                OURS: ["fab", "-H", "bench", "deploy"],
            }
            tools: dict[str, Callable[[], Ran]] = {
                name: partial(self._once, name, command) for name, command in commands.items()
            }
            return turns(rounds, tools, warm)

    def _once(self, name: str, command: list[str]) -> Ran:
        self.world.commit()
        before = self.servers.cpu()
        ran = run(command, self.world.root)
        ran = replace(ran, hosts_cpu=self.servers.cpu() - before)
        self._verify(FOLDERS[name])
        return ran

    def _verify(self, folder: str) -> None:
        """Raises SystemExit where a host does not serve the newest revision as it should."""
        number = (self.world.repository / "NUMBER").read_text()
        for host in self.servers.hosts.values():
            app = host.home / folder
            served = host.home / ("served" if folder == FOLDERS[OURS] else f"{folder}.served")
            releases = [path for path in (app / "releases").iterdir() if path.is_dir()]
            seen = {
                "current": (app / "current" / "NUMBER").read_text() == number,
                "served": served.read_text() == number,
                "shared": (app / "current" / SHARED).resolve() == app.resolve() / "shared" / SHARED,
                # One more where the hosts share their processes: another host may still be in a folder of that name.
                "kept": len(releases) <= KEPT + 1,
            }
            if wrong := [what for what, right in seen.items() if not right]:
                names = ", ".join(sorted(path.name for path in releases))
                said = f"{host.name}: after a deploy to {folder} this is not right: {', '.join(wrong)}"
                raise SystemExit(f"{said}; its releases: {names}")

    @contextmanager
    def _wire(self, one_way: float) -> Iterator[dict[str, int]]:
        ports = [host.port for host in self.servers.hosts.values()]
        with relays(ports, one_way) if one_way else nullcontext(ports) as reached:
            yield dict(zip(self.servers.hosts, reached, strict=True))


def _print(count: int, rtt: int, found: Mapping[str, list[Ran]]) -> None:
    for name, ran in found.items():
        cells = (spread(values) for values in (wall(ran), cpu(ran), hosts_cpu(ran)))
        print(f"{count:5}  {rtt:6}  {name:<16}" + "".join(f"  {cell:>14}" for cell in cells), flush=True)


def _goals(where: str, found: Mapping[str, list[Ran]]) -> None:
    print(where)
    goal("wall, Lockstitch / plain Fabric", ratio(wall(found[OURS]), wall(found[FABRIC])), 1.25)
    goal("hosts' CPU, Lockstitch / ssh script", ratio(hosts_cpu(found[OURS]), hosts_cpu(found[SSH])), 1.2)
    goal("controller CPU, Lockstitch / plain Fabric", ratio(cpu(found[OURS]), cpu(found[FABRIC])), 1.5)
