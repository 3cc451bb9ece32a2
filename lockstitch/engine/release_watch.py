"""EFFECT: a release watched for hours: its gates, rules and health at every reading. What follows is decided in checks/."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from lockstitch.checks.metric_queries import SETTLE, gate_forms
from lockstitch.checks.watch_counts import WatchCounts
from lockstitch.checks.watch_rules import (
    RuleJudgement,
    judge_rule,
    new_edges,
    reach_of,
    reading_times,
    unit_of,
)
from lockstitch.checks.watch_verdicts import GateJudgement, judge_watch, watched_gates
from lockstitch.engine.ask import Query, ask
from lockstitch.engine.watch import LONGEST_SETTLE, GateWatch, reading_event
from lockstitch.engine.watch_course import AppWatch, BackAnswer, WatchAlarm, WatchCourse
from lockstitch.facts.clock import CLOCK
from lockstitch.facts.switch_times import HostSwitch, LatestRelease, latest_probe, switch_of, switch_probe
from lockstitch.inventory.watch import HEALTH
from lockstitch.metrics.judgement import Answer
from lockstitch.model.outcome import RunEvent
from lockstitch.model.plan import Site
from lockstitch.model.wave_watch import WatchMemory, WaveWatch
from lockstitch.plans.release_watches import WatchedApp, WatchEnd
from lockstitch.plans.wave_watches import LONGEST_BEFORE

# Less than so many seconds are none.
_NONE = 1e-3


class ReleaseWatch(GateWatch):
    """Watches the release of one run, which `begin` asks the hosts for. It holds no lock, and takes a release back at
    most once."""

    _watched: Sequence[AppWatch] = ()
    _unit = 0.0

    def begin(self, apps: Sequence[WatchedApp]) -> float:
        """Ask the hosts when they took the release, and read the time before. Returns when the last of them took it, in
        the controller's epoch seconds."""
        self._watched, self._unit = self._begin_apps(apps)
        return max(each.counts.begin for each in self._watched)

    def watch(
        self,
        stages: Sequence[tuple[float, float]],
        begin: float,
        observe: Callable[[RunEvent], None],
        take_back: Callable[[str], BackAnswer],
        turn_off: Callable[[str, str, str], str] = lambda app, flag, reason: "nobody can",
        *,
        memory: WatchMemory | None = None,
    ) -> WatchEnd:
        """Read until the stages are over, which count from `begin` (controller's epoch seconds). `take_back` does that,
        for a reason; it is asked once, also where a watch before, whose `memory` this one has, was cut off after that."""
        watched, unit = self._watched, self._unit
        known = memory or WatchMemory()
        course = WatchCourse(watched, known, observe, self._clock.now)
        # What was asked a moment ago by a watch that was killed is no second time.
        asked = known.at + min(unit, *(every for _, every in stages))
        for due in self._due(stages, begin, watched):
            soon = True
            while soon:
                self._clock.wait(max(0.0, due + _settle(watched) - self._clock.now()))
                if latest := self._superseded(watched, counts=self._clock.now() >= asked):
                    return WatchEnd("superseded", latest, course.standing)
                course.keep()
                remaining = begin + sum(seconds for seconds, _ in stages) - due
                # Seconds of today are no exact sums.
                remaining = remaining if remaining > _NONE else 0.0
                alarm, soon = self._reading(watched, due, unit, remaining, observe, course.problems)
                if alarm and course.react(alarm, take_back, turn_off):
                    return WatchEnd("back", alarm.reason, course.standing)
                # What is over its limit is read again after a minute, not at the next reading of the schedule.
                soon, due = soon and not course.tried and remaining > unit, due + unit
        return WatchEnd("over", "", course.standing, tuple(_undecided(watched)))

    def _due(self, stages: Sequence[tuple[float, float]], begin: float, watched: Sequence[AppWatch]) -> Iterator[float]:
        """Yield the times of readings. Those that have passed, before the watch or because a reading took long or this
        machine slept, are one, now: what was wrong an hour ago takes nothing back."""
        times = list(reading_times(stages, begin))
        while times:
            late, read = self._clock.now() - _settle(watched), max(each.counts.edges[-1] for each in watched)
            passed = [at for at in times if at <= max(late, read)]
            times = times[len(passed) :]
            if not times:
                yield max(late, passed[-1])
            elif passed and passed[-1] > read:
                yield late
            else:
                yield times.pop(0)

    def _begin_apps(self, apps: Sequence[WatchedApp]) -> tuple[list[AppWatch], float]:
        """Return the watches of apps, and the length of the windows of their rules."""
        hosts = {host.name: host for host in self._fleet.hosts}
        sites = {site: True for each in apps for site in each.new} | {site: False for each in apps for site in each.old}
        queries = {
            site: Query(
                str(site),
                hosts[site.host],
                (switch_probe(site, self._run), CLOCK) if new else (CLOCK,),
                site.app,
                site.user,
            )
            for site, new in sites.items()
        }
        replies = self._asked(lambda stopped: ask(self._remote, list(queries.values()), stopped=stopped))

        def switch(site: Site) -> HostSwitch:
            reply = replies[str(site)]
            if len(reply.facts) < len(queries[site].probes):
                return HostSwitch(CLOCK.parse("", 1), problem=reply.result.words)
            return switch_of(*reply.facts) if sites[site] else switch_of(None, reply.facts[0])

        watched = []
        for each in apps:
            names = tuple(name for name, _, _ in gate_forms(self._fleet, each.app.name))
            dry = tuple(name for name, gate, _ in gate_forms(self._fleet, each.app.name) if gate.dry)
            watch = WaveWatch(each.app.name, names, dry)
            self._names |= {(each.app.name, host): known for host, known in each.names.items()}
            new, old = ({site.host: switch(site) for site in some} for some in (each.new, each.old))
            gates = watched_gates(self._fleet, watch, tuple(new), tuple(old))
            counts = WatchCounts(new, old, LONGEST_BEFORE, watch.warm_up, self._clock.now())
            watched.append(AppWatch(each, gates, watch, counts))
            self._read_before(counts, gates)
        # The windows of all apps end at the same times.
        unit = unit_of([rule for each in watched for rule in each.rules])
        for each_watch in watched:
            each_watch.counts.ask_most(math.ceil(reach_of(each_watch.rules, unit) / unit) + 3)
        return watched, unit

    def _superseded(self, watched: Sequence[AppWatch], *, counts: bool) -> str:
        """Ask the hosts for their newest release and their health, which `counts` or not. Returns which run came after
        this one, if any did."""
        hosts = {host.name: host for host in self._fleet.hosts}
        queries, owners = [], {}
        for each in watched:
            for site in (*each.of.new, *each.of.old):
                gate = each.of.health.get(site)
                probes = (latest_probe(site), *((gate.probe,) if gate else ()))
                queries.append(Query(str(site), hosts[site.host], probes, site.app, site.user))
                owners[str(site)] = (each, site, gate)
        replies = self._asked(lambda stopped: ask(self._remote, queries, stopped=stopped))
        answers: dict[int, dict[str, str | None]] = {}
        for label, reply in replies.items():
            each, site, gate = owners[label]
            latest: LatestRelease = reply.facts[0] if reply.facts else LatestRelease(problem=reply.result.words)
            each.unasked.pop(label, None)
            if site in each.of.new and latest.problem:
                each.unasked[label] = latest.problem
            elif site in each.of.new and latest.run != self._run:
                return f"{site} has a later run: {latest.kind} {latest.run} by {latest.by}"
            if gate is not None:
                verdict = gate.judge(reply.facts[1]) if len(reply.facts) > 1 else None
                reason = None if verdict is None else "" if verdict.passed else verdict.reason
                answers.setdefault(id(each), {})[site.host] = reason
        for each in watched if counts else ():
            each.health = each.health.after(answers.get(id(each), {}))
        return ""

    def _reading(
        self,
        watched: Sequence[AppWatch],
        end: float,
        unit: float,
        remaining: float,
        observe: Callable[[RunEvent], None],
        problems: dict[str, str],
    ) -> tuple[WatchAlarm | None, bool]:
        """Read every source once. Returns why the release must go back, if it must, and whether something is over its
        limit now."""
        alarm: WatchAlarm | None = None
        soon = False
        for each in watched:
            counts = each.counts
            if len(counts.edges) == 1:
                # The first window may be long, where much time has passed: the warm-up is one of its own.
                warm = counts.begin + unit * math.ceil(counts.warm_up / unit)
                counts.extend([warm] if counts.begin < warm <= end else ())
            counts.extend(new_edges(counts.edges[-1], end, unit, reach_of(each.rules, unit)))
            if len(counts.edges) > 1 and each.gates:
                self._read(counts, each.gates)
            rules = [judge_rule(counts, rule, len(each.rules), unit, each.since) for rule in each.rules]
            gates = [judge_watch(counts, gate, each.watch) for gate in each.gates]
            counts.forget(reach_of(each.rules, unit))
            if len(counts.edges) > 1:
                for judgement in gates:
                    observe(reading_event(judgement, counts, remaining, last=not remaining))
                for rule in rules:
                    observe(_rule_event(rule, counts, remaining))
            each.judged = gates
            _note_problems(each, gates, rules, problems)
            alarm = alarm or next((_alarm(each, rule) for rule in rules if rule.alarm), None) or _sick(each)
            failing = each.health.failing([site.host for site in each.of.new], 1) if each.failures else ()
            soon = soon or bool(failing) or any(rule.over and not rule.shared for rule in rules)
        return alarm, soon


def _settle(watched: Sequence[AppWatch]) -> float:
    """Return how much later the end of a window is read, in seconds: requests that are still running are counted then."""
    return min(LONGEST_SETTLE, max(SETTLE, *(each.counts.slowest_before() for each in watched)))


def _rule_event(judgement: RuleJudgement, counts: WatchCounts, remaining: float) -> RunEvent:
    gate = replace(judgement.rule.gate, name=f"{judgement.rule.gate.name} (rollback_on)")
    event = reading_event(
        GateJudgement(gate, judgement.reading, shared=judgement.shared), counts, remaining, last=False
    )
    return replace(event, begin=max(counts.begin, counts.edges[-1] - judgement.rule.seconds))


def _note_problems(
    each: AppWatch, gates: Sequence[GateJudgement], rules: Sequence[RuleJudgement], problems: dict[str, str]
) -> None:
    """Keep what does not pass now, and forget what passes again."""
    for gate in gates:
        bad = gate.reading.answer in (Answer.FAIL, Answer.BLIND) and not gate.reading.dry
        _set(
            problems, gate.sentence, f"{gate.sentence}: {gate.reading.answer.value}: {gate.reading.says}" if bad else ""
        )
    for rule in rules:
        _set(problems, f"{rule.sentence} shared", f"{rule.sentence} fails, {rule.shared}" if rule.shared else "")
        blind = f"{rule.sentence}: nothing was read for that long: {rule.reading.says}"
        _set(problems, f"{rule.sentence} blind", blind if rule.blind >= rule.rule.seconds else "")
    for site in each.of.new:
        says = each.unasked.get(str(site), "")
        if not says and site.host in each.health.unknown:
            says = "its health could not be asked"
        _set(problems, f"{site} unknown", f"{site}: {says}" if says else "")
    failing = each.health.failing([site.host for site in each.of.new], 1)
    says = f"health of {each.of.app.name} fails on {', '.join(failing)}: {each.health.reasons.get(next(iter(failing), ''), '')}"
    _set(problems, f"health of {each.of.app.name}", says if failing else "")


def _undecided(watched: Sequence[AppWatch]) -> Iterator[str]:
    """Yield a line for each gate whose last reading neither passed nor failed; none for one that decides nothing."""
    for gate in (gate for each in watched for gate in each.judged):
        if gate.reading.answer in (Answer.FEW, Answer.UNCLEAR) and not gate.reading.dry:
            yield f"{gate.sentence}: {gate.reading.answer.value}: {gate.reading.says}"


def _set(problems: dict[str, str], key: str, text: str) -> None:
    if text:
        problems[key] = text
    else:
        problems.pop(key, None)


def _alarm(each: AppWatch, judgement: RuleJudgement) -> WatchAlarm:
    return WatchAlarm(f"{judgement.sentence}: {judgement.reading.says}", each.of.app.name, judgement.rule.flag)


def _sick(each: AppWatch) -> WatchAlarm | None:
    """Return that the health of new hosts fails as often as takes the release back; None where an old one fails too, or
    none of them could be asked: then nobody knows whose trouble it is."""
    if not each.failures:
        return None
    failing = each.health.failing([site.host for site in each.of.new], each.failures)
    old = [site.host for site in each.of.old if site in each.of.health]
    if not failing or each.health.failing(old, 1) or (old and set(old) <= set(each.health.unknown)):
        return None
    name, times = each.of.app.name, f"{each.failures} times in a row on {', '.join(failing)}"
    reason = f"health of {name} failed {times}: {each.health.reasons[failing[0]]}"
    return WatchAlarm(reason, name, each.of.app.rollback_on[HEALTH].flag)
