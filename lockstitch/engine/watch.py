"""EFFECT: metric gates that are judged again and again while users meet a release. What they say is decided in checks/."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from lockstitch.checks.metric_queries import SETTLE, MetricKey, MetricQuery, gate_queries, named
from lockstitch.checks.watch_counts import WatchCounts, edges
from lockstitch.checks.watch_verdicts import GateJudgement, WatchedGate, decide, judge_watch, watched_gates
from lockstitch.concurrency import sleep
from lockstitch.engine.ask import Query, Reply, ask
from lockstitch.engine.read_sources import read_sources
from lockstitch.facts.clock import CLOCK, Clock
from lockstitch.facts.switch_times import SWITCHES, HostSwitch, SwitchTimes, switch_probe
from lockstitch.inventory.fleet import Fleet
from lockstitch.metrics.judgement import Answer
from lockstitch.metrics.measurement import Measurement, Snapshot, Window
from lockstitch.model.outcome import RunEvent, RunMessage
from lockstitch.model.plan import Site, SitePlan, Wave
from lockstitch.model.wave_watch import Decision, GateMeasured, WaveWatch, Way
from lockstitch.plans.wave_watches import look_back
from lockstitch.remote import Remote

# A pause has about so many readings, no closer together and no further apart than these seconds.
_READINGS, _CLOSEST, _FURTHEST = 10, 2.0, 60.0
# The end of a window is read so much later at most, however slow requests were before.
LONGEST_SETTLE = 30.0
# `few: wait` adds as long a pause so many times.
_LONGER = 3
K = TypeVar("K")
V = TypeVar("V")


class WatchClock(Protocol):
    """The controller's clock, for tests that do not wait."""

    def now(self) -> float:
        """Return the time in epoch seconds."""

    def wait(self, seconds: float) -> None:
        """Wait so long. Raises KeyboardInterrupt for an interrupt."""


class ControllerClock:
    """The clock of this machine."""

    def now(self) -> float:
        return time.time()

    def wait(self, seconds: float) -> None:
        sleep(seconds)


def interval_of(seconds: float) -> float:
    """Return the seconds between two readings of a watch of so many seconds."""
    return min(_FURTHEST, max(_CLOSEST, seconds / _READINGS))


class GateWatch:
    """Watches the gates of a fleet's apps for one run. `answer` asks a person about a decision; None: nobody is there."""

    def __init__(
        self,
        remote: Remote,
        fleet: Fleet,
        run: str,
        answer: Callable[[Decision], Way | None] = lambda decision: None,
        clock: WatchClock | None = None,
    ) -> None:
        self._remote, self._fleet, self._run = remote, fleet, run
        self._answer, self._clock = answer, clock or ControllerClock()
        self._snapshots: dict[MetricKey, list[Snapshot]] = {}
        # The names of the release that is judged, by app and host.
        self._names: dict[tuple[str, str], Mapping[str, str]] = {}

    def pause(self, wave: Wave, old: Sequence[Site], observe: Callable[[RunEvent], None]) -> Decision:
        """Watch a wave that has passed its other gates, beside the sites with the old release. Returns what follows: to
        go on, to go back, or to stop."""
        watch = wave.watch
        assert watch is not None
        self._names |= {(watch.app, host): names for host, names in watch.names.items()}
        counts = self._begin(wave, watch, old)
        gates = watched_gates(self._fleet, watch, counts.new, [site.host for site in old])
        return self._settled(self.follow(counts, gates, watch, wave.pause, observe), observe)

    def follow(
        self,
        counts: WatchCounts,
        gates: Sequence[WatchedGate],
        watch: WaveWatch,
        seconds: float,
        observe: Callable[[RunEvent], None],
    ) -> Decision:
        """Read the sources at an interval until a gate fails or the time is over. Returns what follows."""
        self._read_before(counts, gates)
        settle = min(LONGEST_SETTLE, max(SETTLE, counts.slowest_before()))
        interval = interval_of(seconds)
        ends = list(edges(counts.begin, seconds, interval, watch.warm_up)[1:])
        most, waiting = counts.begin + seconds * (1 + _LONGER), False
        while ends:
            end = ends.pop(0)
            self._clock.wait(max(0.0, end + settle - self._clock.now()))
            counts.extend([end])
            self._read(counts, gates)
            judged = [judge_watch(counts, gate, watch) for gate in gates]
            decision = decide(judged, watch, over=not ends, may_wait=end < most)
            if decision is not None and decision.way is Way.WAIT:
                if not waiting:
                    observe(RunMessage(f"waiting for more: {decision.reason}"))
                waiting, ends = True, [end + interval]
                decision = None
            remaining = ends[-1] - end if ends else 0.0
            for each in judged:
                observe(reading_event(each, counts, remaining, last=decision is not None))
            if decision is not None:
                return decision
        return Decision(Way.ON)

    def _settled(self, decision: Decision, observe: Callable[[RunEvent], None]) -> Decision:
        """Return a decision that needs nobody any more."""
        if decision.way is not Way.ASK:
            if decision.way is Way.ON and decision.reason:
                observe(RunMessage(f"going on: {decision.reason}"))
            return decision
        answer = self._answer(decision)
        if answer is None:
            says = "there is no terminal to ask at, so the run stops here"
            if decision.unattended is Way.BACK:
                says = "there is no terminal to ask at, so it counts as failed"
            return replace(decision, way=decision.unattended, reason=f"{decision.reason}; {says}")
        observe(RunMessage(f"answered {answer.value}: {decision.reason}"))
        return replace(decision, way=answer)

    def _begin(self, wave: Wave, watch: WaveWatch, old: Sequence[Site]) -> WatchCounts:
        """Ask each host for its clock, and those of the wave when they took the release."""
        hosts = {host.name: host for host in self._fleet.hosts}
        queries = {
            unit.site.host: Query(
                unit.site.host,
                hosts[unit.site.host],
                (switch_probe(unit.site, self._run), CLOCK),
                unit.site.app,
                unit.site.user,
            )
            for unit in wave.site_plans
        }
        queries |= {site.host: Query(site.host, hosts[site.host], (CLOCK,)) for site in old if site.host in hosts}
        replies = self._asked(lambda stopped: ask(self._remote, list(queries.values()), stopped=stopped))
        new = {unit.site.host: _switch(unit, replies[unit.site.host]) for unit in wave.site_plans}
        others = {site.host: _clock(replies[site.host]) for site in old if site.host in hosts}
        return WatchCounts(new, others, look_back(wave.pause), watch.warm_up, self._clock.now())

    def _read_before(self, counts: WatchCounts, gates: Sequence[WatchedGate]) -> None:
        counts.take_before(self._measured(counts, gates, lambda query: counts.windows_before(query.host.name)))

    def _read(self, counts: WatchCounts, gates: Sequence[WatchedGate]) -> None:
        asked: dict[MetricKey, Sequence[int]] = {}

        def windows(query: MetricQuery) -> list[Window]:
            asked[query.key] = counts.unread(query.key)
            return [counts.window(query.host.name, number) for number in asked[query.key]]

        counts.take(self._measured(counts, gates, windows, since=True), asked)

    def _measured(
        self,
        counts: WatchCounts,
        gates: Sequence[WatchedGate],
        windows: Callable[[MetricQuery], Sequence[Window]],
        *,
        since: bool = False,
    ) -> Mapping[MetricKey, Measurement]:
        """Read the sources of these gates on their hosts, in the windows that `windows` returns; `since` for windows
        after the release."""
        meant = {(gate.app, gate.settings.source, host) for gate in gates for host in (*gate.new, *gate.old)}

        def ahead(query: MetricQuery) -> float:
            # A source that is asked from here knows the time of this machine.
            return counts.hosts[query.host.name].ahead if query.source.probe(query.question) is None else 0.0

        def of(query: MetricQuery) -> Sequence[Window]:
            some = windows(query) if query.key in meant else ()
            off = ahead(query) if some else 0.0
            return [Window(window.begin - off, window.end - off) for window in some]

        judged = {at: names for at, names in self._names.items() if at[1] in counts.new}
        queries = named(gate_queries(self._fleet, of), judged)
        if since:
            taken = {query.key: counts.window(query.host.name, 0).begin - ahead(query) for query in queries}
            began = {query.key: counts.hosts[query.host.name].began for query in queries}
            queries = [
                replace(
                    each, since=taken[each.key], switch=None if (at := began[each.key]) is None else at - ahead(each)
                )
                for each in queries
            ]
        return self._asked(
            lambda stopped: read_sources(self._remote, queries, stopped=stopped, snapshots=self._snapshots)
        )

    def _asked(self, do: Callable[[threading.Event], Mapping[K, V]]) -> Mapping[K, V]:
        """Return answers of hosts; raises KeyboardInterrupt after an interrupt, since a part of them is no base."""
        stopped = threading.Event()
        answers = do(stopped)
        if stopped.is_set():
            raise KeyboardInterrupt
        return answers


def _switch(unit: SitePlan, reply: Reply) -> HostSwitch:
    """Return when a site took its release: from the first step that users may have met to the end of its reload."""
    if len(reply.facts) < 2:
        return HostSwitch(Clock(), problem=reply.result.words)
    times: SwitchTimes = reply.facts[0]
    units = [unit, *([unit.continues] if unit.continues else [])]
    steps = [step.name for each in units for step in each.steps]
    switch = next((name for name in SWITCHES if name in steps), unit.steps[-1].name if unit.steps else "")
    ended = times.ended([switch])
    problem = times.problem or ("" if ended is not None else f"its journal has no end of `{switch}`")
    return HostSwitch(reply.facts[1], times.began(steps), ended, problem or _unknown(reply.facts[1]))


def _clock(reply: Reply) -> HostSwitch:
    clock = reply.facts[0] if reply.facts else Clock()
    return HostSwitch(clock, problem=_unknown(clock) if reply.facts else reply.result.words)


def _unknown(clock: Clock) -> str:
    return "" if clock.offset else "its clock cannot be read"


def reading_event(each: GateJudgement, counts: WatchCounts, remaining: float, *, last: bool) -> GateMeasured:
    reading = each.reading
    return GateMeasured(
        each.gate.app,
        each.gate.name,
        reading.answer.value,
        f"{reading.says}; it fails {each.shared}" if each.shared else reading.says,
        reading.hint if reading.answer is Answer.BLIND else "",
        reading.dry,
        reading.counts.bad,
        reading.counts.total,
        reading.beside.bad if reading.beside else None,
        reading.beside.total if reading.beside else None,
        reading.bounds.low if reading.bounds else None,
        reading.bounds.high if reading.bounds else None,
        reading.limit,
        counts.begin,
        counts.edges[-1],
        remaining,
        last,
        each.counts,
    )
