"""A fleet whose requests are simulated: a clock that nobody waits for, and access logs that are computed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lockstitch.engine.release_watch import ReleaseWatch
from lockstitch.engine.runner import run
from lockstitch.engine.watch import GateWatch
from lockstitch.engine.watch_course import BackAnswer
from lockstitch.errors import ConnectError, HostLostError
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.selection import select
from lockstitch.model.command import Command
from lockstitch.model.gate import Gate, failed, passed
from lockstitch.model.host import Host
from lockstitch.model.outcome import Outcome, RunEvent, RunMessage
from lockstitch.model.plan import Change, Plan, Script, Site, SitePlan, Step, Wave
from lockstitch.model.probe import Probe
from lockstitch.model.wave_watch import Decision, GateMeasured, WatchMemory, WaveWatch, Way
from lockstitch.plans.release_watches import WatchedApp, WatchEnd
from lockstitch.remote.fake import FakeAnswer, FakeRemote

HOSTS = ("web1", "web2", "web3")
PAUSE = 600.0
# An hour before, everything was as it is.
START = 1_800_000_000.0
RUN = "20270115T080000Z-aaaa"
INVENTORY: dict[str, Any] = {
    "metrics": {
        "access": {"kind": "access_log", "path": "/var/log/api.log"},
        "page": {"kind": "endpoint", "url": "http://127.0.0.1:8000/metrics", "durations": ""},
    },
    "apps": {
        "api": {
            "repository": "git@example.com:acme/api.git",
            "path": "/app/api",
            "service": {"kind": "systemd", "unit": "api"},
        }
    },
    "groups": {"web": {"hosts": list(HOSTS), "apps": ["api"]}},
}
ERRORS = {"source": "access", "status": "5xx", "max": "5%"}
P95 = {"source": "access", "percentile": 95, "max": "300ms"}


@dataclass
class Simulation:
    """Hosts that get `rate` requests a second each, of which a share is bad and a share is slow.

    `bad` and `slow` are asked with a host, whether it has the new release, and the seconds since the start; `blind` with
    a host and the seconds, and returns why its log cannot be read. `ahead` is how far the clock of each host is.
    """

    gates: dict[str, Any] = field(default_factory=lambda: {"errors": ERRORS})
    policy: dict[str, Any] = field(default_factory=dict)
    rate: Callable[[str], float] = lambda host: 5.0
    bad: Callable[[str, bool, float], float] = lambda host, new, at: 0.0
    slow: Callable[[str, bool, float], float] = lambda host, new, at: 0.0
    blind: Callable[[str, float], str] = lambda host, at: ""
    ahead: dict[str, float] = field(default_factory=dict)
    answer: Way | None = None
    app: dict[str, Any] = field(default_factory=dict)
    healthy: Callable[[str, bool, float], bool | None] = lambda host, new, at: True
    silent: Callable[[float], bool] = lambda at: False
    run_now: str = ""
    # Requests are made for so many seconds at once.
    grain: float = 1.0
    beside: dict[str, Any] = field(default_factory=dict)
    away: Callable[[str, float], bool] = lambda host, at: False

    def __post_init__(self) -> None:
        self.time, self.lock = START, threading.Lock()
        self.events: list[RunEvent] = []
        self.asked: list[Decision] = []
        self.switched: dict[str, float] = {}
        self.backs: list[tuple[float, str]] = []
        self.going: list[BackAnswer] = []
        self.offs: list[tuple[float, str]] = []
        self.stuck = ""
        self.remote = FakeRemote()
        self.remote.answer("*", "lock", output="taken")
        self.remote.reply("*", "reload", self._reload)
        self.remote.reply("*", "undo activate", self._undo)
        self.remote.reply("*", "steps", self._steps)
        self.remote.reply("*", "clock", lambda host, *_: FakeAnswer(output=f"{self._here(host.name):.9f}"))
        self.remote.reply("*", "access_log*", self._count)
        self.remote.reply("*", "endpoint*", self._page)
        self.remote.reply("*", "latest", self._latest)
        self.remote.reply("*", "health", self._health)

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += seconds
        for host in HOSTS:
            gone = self.away(host, self.time - START)
            self.remote.connect_error(host, ConnectError(host, "no route to host") if gone else None)

    @property
    def readings(self) -> list[GateMeasured]:
        return [event for event in self.events if isinstance(event, GateMeasured)]

    @property
    def verdicts(self) -> dict[str, str]:
        """The last verdict of each gate."""
        return {event.gate: event.answer for event in self.readings if event.last}

    @property
    def said(self) -> str:
        return "\n".join(event.text for event in self.events if isinstance(event, RunMessage))

    def deploy(
        self, waves: Sequence[Sequence[str]] = (HOSTS[:1], HOSTS[1:]), down: Sequence[str] = (), **watch: Any
    ) -> Outcome:
        """Deploy to the hosts in these waves, each watched for ten minutes; those in `down` are put into maintenance
        before the first."""
        fleet = self.fleet()
        site = fleet.inventory.app("api", HOSTS[0])
        at = {name: Site(name, "api", site.layout_paths, None) for name in HOSTS}
        how = fleet.groups[0].rollout
        known = {"gates": tuple(self.gates), "few": how.few, "unclear": how.unclear, "warm_up": how.warm_up, **watch}
        gate = Gate("serving", Probe("serving", Command(":"), lambda text, code: text), lambda text: passed("well"))
        steps = (
            Step("activate", "switch", Command("activate"), undo=Command("back")),
            Step("reload", "reload", Command("reload"), redo_on_rollback=True),
        )
        going = (Step("maintenance", "go down", Command("down"), undo=Command("up"), undo_last=True),)
        units = {name: SitePlan(at[name], going) for name in down}
        before = (Wave("put api into maintenance", tuple(units.values()), visible=True),) if down else ()
        made = before + tuple(
            Wave(
                f"api {number}",
                tuple(SitePlan(at[name], steps, (gate,), continues=units.get(name)) for name in names),
                visible=True,
                pause=PAUSE,
                watch=WaveWatch("api", **known),
            )
            for number, names in enumerate(waves, 1)
        )
        ends = tuple(SitePlan(at[name], (Step("unlock", "free", Command("unlock")),)) for name in HOSTS)
        changes = tuple(Change(s, "a" * 40, "b" * 40, "r2") for s in at.values())
        plan = Plan("deploy", "prod", RUN, "ada", "", made, ends, ends, changes=changes)
        hosts = {host.name: host for host in fleet.hosts}
        watcher = GateWatch(self.remote, fleet, RUN, self._answer, self)
        plan = replace(plan, stopped=ends)
        return run(plan, self.remote, hosts, self.events.append, watch=watcher.pause)

    def watch(
        self,
        stages: Sequence[tuple[float, float]],
        new: Sequence[str] = HOSTS,
        start: float | None = None,
        *,
        tried: bool = False,
    ) -> WatchEnd:
        """Watch a release that these hosts took at the start. What takes it back is noted in `backs`."""
        watch = ReleaseWatch(self.remote, self.fleet(), RUN, clock=self)
        taken = watch.begin(self.apps(new))
        begin = taken if start is None else start
        memory = WatchMemory(tried=tried)
        return watch.watch(stages, begin, self.events.append, self.back, self.turn_off, memory=memory)

    def apps(self, new: Sequence[str] = HOSTS) -> tuple[WatchedApp, ...]:
        """The apps of a release that these hosts took at the start."""
        fleet = self.fleet()
        self.switched = self.switched or {name: START + self.ahead.get(name, 0.0) for name in new}
        app = fleet.inventory.app("api", HOSTS[0])
        at = {name: Site(name, "api", app.layout_paths, None) for name in HOSTS}
        probe = Probe("health", Command("health"), lambda text, code: text.strip())
        judge = lambda text: passed("well") if text == "well" else failed(f"it says {text}")  # noqa: E731
        health = {site: Gate("health", probe, judge) for site in at.values()} if app.rollback_on.get("health") else {}
        old = tuple(at[name] for name in HOSTS if name not in new)
        of = WatchedApp(app, tuple(at[name] for name in new), old, health)
        apps = [of]
        if self.beside:
            other = fleet.inventory.app("other", HOSTS[0])
            apps.append(WatchedApp(other, tuple(Site(name, "other", other.layout_paths, None) for name in new)))
        return tuple(apps)

    def turn_off(self, app: str, flag: str, why: str) -> str:
        self.offs.append((self.time - START, flag))
        return self.stuck

    def back(self, why: str) -> BackAnswer:
        self.backs.append((self.time - START, why))
        return self.going.pop(0) if self.going else BackAnswer(True)

    def fleet(self) -> Fleet:
        known = json.loads(json.dumps(INVENTORY))
        if self.beside:
            known["apps"]["other"] = {**known["apps"]["api"], "path": "/app/other", "gates": self.gates, **self.beside}
            known["groups"]["web"]["apps"].append("other")
        known["apps"]["api"] |= {"gates": self.gates, **self.app}
        known["rollout"] = {"pause": f"{PAUSE:.0f}s", **self.policy}
        return _loaded(json.dumps(known))

    def _answer(self, decision: Decision) -> Way | None:
        self.asked.append(decision)
        return self.answer

    def _here(self, host: str) -> float:
        return self.time + self.ahead.get(host, 0.0)

    def _reload(self, host: Host, script: Script, step: Step) -> FakeAnswer:
        with self.lock:
            self.time += 3
            self.switched[host.name] = self._here(host.name)
        return FakeAnswer()

    def _undo(self, host: Host, script: Script, step: Step) -> FakeAnswer:
        self.switched.pop(host.name, None)
        return FakeAnswer()

    def _steps(self, host: Host, script: Script, step: Step) -> FakeAnswer:
        ended = self.switched[host.name]
        lines = [("begin", "activate", ended - 4), ("end", "activate", ended - 3), ("begin", "reload", ended - 3)]
        records = [
            {"event": event, "run": RUN, "step": name, "at": datetime.fromtimestamp(at, UTC).isoformat()}
            for event, name, at in (*lines, ("end", "reload", ended))
        ]
        return FakeAnswer(output="".join(f"line {json.dumps(record)}\n" for record in records))

    def _latest(self, host: Host, script: Script, step: Step) -> FakeAnswer:
        record = {"event": "release", "run": self.run_now or RUN, "kind": "deploy", "by": "ada"}
        return FakeAnswer(output=f"line {json.dumps(record)}\n")

    def _health(self, host: Host, script: Script, step: Step) -> FakeAnswer:
        well = self.healthy(host.name, host.name in self.switched, self.time - START)
        if well is None:
            raise HostLostError(host.name, "the connection dropped")
        return FakeAnswer(output="well" if well else "sick")

    def _count(self, host: Host, script: Script, step: Step) -> FakeAnswer:
        """Print what the script on a host prints of its log."""
        name, here = host.name, self._here(host.name)
        if says := self.blind(name, self.time - START):
            return FakeAnswer(output=f"file /var/log/api.log\nunreadable {says}\n")
        lines = ["file /var/log/api.log", f"now {here:.0f} {here - 9000:.0f} 0", "lines 9 0", "format combined"]
        lines += [f"first {here - 9000:.0f}", f"newest {here:.0f}", "gap 1"]
        limits = str(step.command.values["limits"]).split()
        for number, span in enumerate(str(step.command.values["spans"]).split(), 1):
            begin, end = (float(word) for word in span.split(":"))
            assert end <= here, "a window that is not over yet"
            total, bad, slow = self._requests(name, begin, end)
            lines += [f"status {number} 200 {total - bad}", f"status {number} 502 {bad}", f"times {number} {total} 0"]
            lines += [f"over {number} {place} {slow}" for place in range(1, len(limits) + 1)]
            lines += [f"buckets {number} 100 {total}"]
        return FakeAnswer(output="\n".join([*lines, "end\n"]))

    def _page(self, host: Host, script: Script, step: Step) -> FakeAnswer:
        """Print what the metrics page of a host has counted since its process began: with its release, or long ago."""
        name, here = host.name, self._here(host.name)
        started = self.switched[name] - 1 if name in self.switched else START + self.ahead.get(name, 0.0) - 500
        total, bad, _ = self._requests(name, started, float(int(here)))
        lines = [
            f"now {here:.0f}",
            *(f'http_requests_total{{status="{s}"}} {n}' for s, n in ((200, total - bad), (500, bad))),
        ]
        return FakeAnswer(output="\n".join([*lines, f"process_start_time_seconds {started}", "200", ""]))

    def _requests(self, host: str, begin: float, end: float) -> tuple[int, int, int]:
        total = bad = slow = 0.0
        at = begin
        while at < end:
            new = host in self.switched and at >= self.switched[host]
            since = at - self.ahead.get(host, 0.0) - START
            count = 0.0 if self.silent(since) else self.rate(host) * min(self.grain, end - at)
            total, bad = total + count, bad + count * self.bad(host, new, since)
            slow, at = slow + count * self.slow(host, new, since), at + self.grain
        return round(total), round(bad), round(slow)


@cache
def _loaded(inventory: str) -> Fleet:
    """The fleet of an inventory. It is loaded once: a simulation asks at each turn, and there are hundreds of simulations."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "prod.yml").write_text(inventory)
        (fleet,) = select(InventoryFolder(Path(folder)), "prod").fleets
        return fleet
