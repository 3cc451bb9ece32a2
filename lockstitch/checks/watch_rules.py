"""Rules by which a watch takes a release back: over the newest minutes of a gate, and over its health. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from lockstitch.checks.metric_gates import GateReading, HostMeasurement, counted, judge_gate, share_limit
from lockstitch.checks.watch_counts import WatchCounts
from lockstitch.checks.watch_verdicts import WatchedGate, time_before
from lockstitch.inventory.watch import RollbackRule, rule_gate
from lockstitch.metrics.judgement import Answer, confidence_of
from lockstitch.metrics.measurement import pooled
from lockstitch.model.format import span
from lockstitch.model.lazy_dataclass import dataclass

# The windows of rules are this long, or a third of the shortest rule, in seconds.
_MINUTE, _PARTS = 60.0, 3
# Minutes without data are skipped, but no further back than so many times the rule's own length.
_REACH = 3
_Judge = Callable[[Sequence[HostMeasurement]], GateReading]


@dataclass(frozen=True)
class WatchRule:
    """A rule of `rollback_on`: the gate, with the rule's limit, must be over it for so many seconds. `flag` is turned
    off before the release is taken back; empty for none."""

    gate: WatchedGate
    seconds: float
    flag: str = ""


@dataclass(frozen=True)
class RuleJudgement:
    """The judgement of a rule: its reading of the newest part, whether that was over in its newest minute, and whether
    the release must go back. `shared` says where else it fails, which blames no release; `blind` is for how many
    seconds the source has not been read."""

    rule: WatchRule
    reading: GateReading
    over: bool = False
    alarm: bool = False
    shared: str = ""
    blind: float = 0.0

    @property
    def sentence(self) -> str:
        return f"gate {self.rule.gate.name} of {self.rule.gate.app}, for {span(self.rule.seconds)}"


def rules_of(gates: Sequence[WatchedGate], settings: Mapping[str, RollbackRule]) -> tuple[WatchRule, ...]:
    """Return the rules of `rollback_on` about these gates."""
    return tuple(
        WatchRule(replace(gate, settings=rule_gate(gate.settings, rule)), rule.for_, rule.flag)
        for gate in gates
        if (rule := settings.get(gate.name.split(" on ")[0])) is not None and rule.for_
    )


def reading_times(stages: Sequence[tuple[float, float]], begin: float) -> Iterator[float]:
    """Yield when a watch reads: `stages` are its parts as (seconds, seconds between two readings)."""
    for seconds, interval in stages:
        end, at = begin + seconds, begin
        while at < end:
            at = min(at + interval, end)
            yield at
        begin = end


def unit_of(rules: Sequence[WatchRule]) -> float:
    """Return the length of the windows that rules are judged by, in seconds."""
    return min([_MINUTE, *(max(1.0, rule.seconds / _PARTS) for rule in rules)])


def reach_of(rules: Sequence[WatchRule], unit: float) -> float:
    """Return how many seconds back the windows of rules are kept."""
    return _REACH * max([unit, *(rule.seconds for rule in rules)])


def new_edges(last: float, end: float, unit: float, reach: float) -> tuple[float, ...]:
    """Return the ends of new windows from `last` on: whole units up to `end`, after one long window where that is
    further back than any rule looks."""
    units = int((end - last) / unit + 1e-6)
    kept = int(reach / unit)
    first = max(1, units - kept)
    return tuple(last + unit * number for number in range(first, units + 1))


def judge_rule(counts: WatchCounts, rule: WatchRule, rules: int, unit: float, since: float = 0.0) -> RuleJudgement:
    """Judge one of so many rules by the newest windows that have data, and begin no earlier than `since`: it is an
    alarm where each of them is over the limit, and all together fail."""
    gate, source = rule.gate, rule.gate.settings.source
    need, confidence = max(1, round(rule.seconds / unit)), confidence_of(rules)

    def measured(hosts: Sequence[str], numbers: Sequence[int]) -> list[HostMeasurement]:
        answers = counts.measurements(gate.app, source, hosts, numbers)
        # A host that cannot be read says nothing of the others.
        return [host for host in answers if not host.measurement.blind]

    def judged(hosts: Sequence[HostMeasurement]) -> GateReading:
        return judge_gate(gate.name, gate.settings, [replace(host, is_new=True) for host in hosts], confidence)

    blind = counts.blind_for(gate.app, source, gate.new)
    row: list[int] = []
    newest_over = False
    for number in counts.newest(_REACH * need):
        if counts.edges[number] < since:
            break
        hosts = measured(gate.new, (number,))
        over = _over(gate, hosts, judged) if hosts else None
        if over is None:
            continue
        newest_over = newest_over or (over and not row)
        if not over:
            break
        row.append(number)
        if len(row) == need:
            break
    meant = row or list(counts.newest(need))
    hosts = measured(gate.new, meant)
    if not hosts:
        reading = judge_gate(
            gate.name, gate.settings, counts.measurements(gate.app, source, gate.new, meant), confidence
        )
        return RuleJudgement(rule, reading, blind=blind)
    reading = judged(hosts)
    alarm = len(row) == need and reading.answer is Answer.FAIL
    shared = _shared(gate, measured(gate.old, meant), hosts, judged) if alarm else ""
    return RuleJudgement(rule, reading, newest_over, alarm and not shared, shared, blind)


def _over(gate: WatchedGate, hosts: Sequence[HostMeasurement], judged: _Judge) -> bool | None:
    """Return whether one window is over the limit, as its plain counts say; None where it has no data."""
    settings = gate.settings
    if settings.is_of_value:
        answer = judged(hosts).answer
        return None if answer is Answer.BLIND else answer is Answer.FAIL
    count = counted(settings, pooled(host.now for host in hosts))
    if not count.total:
        return None
    if settings.match:
        # Their number is judged over the whole time.
        return count.bad > 0
    limit = share_limit(settings)
    return limit is not None and count.bad > limit * count.total


def _shared(gate: WatchedGate, old: Sequence[HostMeasurement], new: Sequence[HostMeasurement], judged: _Judge) -> str:
    if old:
        return "on hosts with the old release too" if judged(old).answer is Answer.FAIL else ""
    before = time_before(gate, new)
    return "before the release too" if before and judged(before).answer is Answer.FAIL else ""


@dataclass(frozen=True)
class HealthCounts:
    """Failures of the health URL in a row, by host, with the last reason; `unknown` are the hosts that could not
    be asked the last time."""

    failures: Mapping[str, int]
    reasons: Mapping[str, str]
    unknown: tuple[str, ...] = ()

    def after(self, answers: Mapping[str, str | None]) -> HealthCounts:
        """Return the counts after a reading: for each host why its health failed, empty where it passed, None where it
        could not be asked, which neither confirms nor resets."""
        failures, reasons = dict(self.failures), dict(self.reasons)
        for host, reason in answers.items():
            if reason is not None:
                failures[host] = failures.get(host, 0) + 1 if reason else 0
                reasons[host] = reason
        return HealthCounts(failures, reasons, tuple(host for host, reason in answers.items() if reason is None))

    def failing(self, hosts: Sequence[str], times: int) -> tuple[str, ...]:
        """Return those of the hosts whose health failed so often."""
        return tuple(host for host in hosts if self.failures.get(host, 0) >= times)
