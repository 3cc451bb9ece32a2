"""Verdicts on the counts of a watch: each gate judged, and what is done about it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lockstitch.checks.metric_gates import GateReading, HostMeasurement, counted, gate_counts, judge_gate, share_limit
from lockstitch.checks.metric_queries import gate_forms
from lockstitch.checks.watch_counts import WatchCounts
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.metrics import GateSettings
from lockstitch.metrics.judgement import CERTAIN, IN_A_ROW, Answer, confidence_of, fails_early
from lockstitch.metrics.measurement import pooled
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.wave_watch import Decision, GateCounts, WaveWatch, Way

# How many hosts a sentence names.
_NAMED = 3


@dataclass(frozen=True)
class WatchedGate:
    """A gate in a watch: the hosts it judges, and those of its app that run the old release."""

    app: str
    name: str
    settings: GateSettings
    new: tuple[str, ...]
    old: tuple[str, ...]


@dataclass(frozen=True)
class GateJudgement:
    """The judgement of a gate in a watch: its reading over all windows, whether it fails before the time is over, and
    whether it fails without the release as well: `shared` says where. `counts` are what it was judged by; None where
    nothing was read."""

    gate: WatchedGate
    reading: GateReading
    early: bool = False
    shared: str = ""
    counts: GateCounts | None = None

    @property
    def sentence(self) -> str:
        return f"gate {self.gate.name} of {self.gate.app}"


def watched_gates(fleet: Fleet, watch: WaveWatch, new: Sequence[str], old: Sequence[str]) -> tuple[WatchedGate, ...]:
    """Return the gates that judge these hosts."""
    gates = []
    for name, settings, hosts in gate_forms(fleet, watch.app):
        having = {host.name for host in hosts}
        judged = tuple(host for host in new if host in having)
        if judged and name in watch.gates:
            others = tuple(host for host in old if host in having)
            gates.append(WatchedGate(watch.app, name, settings, judged, others))
    return tuple(gates)


def judge_watch(counts: WatchCounts, gate: WatchedGate, watch: WaveWatch) -> GateJudgement:
    """Judge a gate by everything that was counted since the release was taken."""
    confidence = confidence_of(len(watch.deciding))
    not_worse = gate.name in watch.not_worse
    count = len(counts.edges) - 1

    def measured(hosts: Sequence[str], numbers: Sequence[int] | None = None) -> tuple[HostMeasurement, ...]:
        return counts.measurements(gate.app, gate.settings.source, hosts, numbers)

    def judge(hosts: Sequence[HostMeasurement], at: float) -> Answer:
        if gate.settings.is_of_value and at >= CERTAIN:
            # A value has no interval: one of them is never certain.
            return Answer.UNCLEAR
        return judge_gate(gate.name, gate.settings, hosts, at, not_worse=not_worse).answer

    both = (*gate.new, *gate.old)
    newest = [range(count)[-1:], range(count)[-IN_A_ROW:]]
    windows = [measured(both, (number,)) for number in newest[1]]
    reading = judge_gate(gate.name, gate.settings, measured(both), confidence, not_worse=not_worse)
    early = reading.answer is not Answer.BLIND and fails_early(windows, judge, confidence)
    shared = ""
    if early or reading.answer is Answer.FAIL:
        if "old" in gate.settings.against:
            others = []
        elif gate.old:
            others = [measured(gate.old, numbers) for numbers in (None, *newest)]
        else:
            others = [] if not_worse else [time_before(gate, measured(gate.new))]
        # A host that cannot be read says nothing of the others.
        seen = [[replace(host, is_new=True) for host in part if not host.measurement.blind] for part in others]
        if any(judge(part, confidence) is Answer.FAIL for part in seen if part):
            shared = f"on {_listed(gate.old)} with the old release too" if gate.old else "before the release too"
    reading = _beside_old(gate, reading, measured(gate.old))
    if reading.answer is not Answer.BLIND and (unseen := counts.unseen(gate.app, gate.settings.source)):
        reading = replace(reading, says=f"{reading.says}; {unseen} of {count} windows of time were not read")
    read = [host for host in measured(both) if not host.measurement.blind]
    counted_by = None if reading.answer is Answer.BLIND else gate_counts(gate.settings, read)
    return GateJudgement(gate, reading, early, shared, counted_by)


def _beside_old(gate: WatchedGate, reading: GateReading, old: Sequence[HostMeasurement]) -> GateReading:
    """Return the reading of a share with what hosts with the old release counted, which decides nothing there."""
    known = [host for host in old if not host.measurement.blind]
    if share_limit(gate.settings) is None or reading.beside is not None or reading.answer is Answer.BLIND or not known:
        return reading
    beside = counted(gate.settings, pooled(host.now for host in known))
    says = f"{reading.says}; {beside.bad} of {beside.total} with the old release"
    return replace(reading, says=says, beside=beside)


def time_before(gate: WatchedGate, hosts: Sequence[HostMeasurement]) -> tuple[HostMeasurement, ...]:
    """Return what hosts counted before the release in place of what they count now, for a gate with a limit."""
    if share_limit(gate.settings) is None or any(host.measurement.blind for host in hosts):
        return ()
    return tuple(
        replace(host, measurement=replace(host.measurement, windows=(host.before, host.before))) for host in hosts
    )


def decide(judged: Sequence[GateJudgement], watch: WaveWatch, *, over: bool, may_wait: bool) -> Decision | None:
    """Return what follows from a reading; None while the watch goes on. A gate passes at its end alone."""
    deciding = [each for each in judged if each.gate.name in watch.deciding]
    failing = [each for each in deciding if each.early or (over and each.reading.answer is Answer.FAIL)]
    for each in failing:
        if not each.shared:
            soon = "" if over else "before its time is over, "
            reason = f"{each.sentence} fails: {soon}{each.reading.says}"
            return Decision(Way.BACK, each.gate.name, reason)
    for each in failing:
        reason = f"{each.sentence} fails, {each.shared}: this release is not to blame; {each.reading.says}"
        choices = (Way.STOP, Way.BACK, Way.ON)
        hint = "see to what they share; `continue` deploys the rest, `back` goes back, `stop` leaves it as it is"
        return Decision(Way.ASK, each.gate.name, reason, hint, choices, Way.STOP)
    return _at_the_end(deciding, watch, may_wait) if over else None


def _at_the_end(deciding: Sequence[GateJudgement], watch: WaveWatch, may_wait: bool) -> Decision:
    by_answer = {
        answer: [each for each in deciding if each.reading.answer is answer]
        for answer in (Answer.BLIND, Answer.UNCLEAR, Answer.FEW)
    }
    for each in by_answer[Answer.BLIND]:
        reason = f"{each.sentence} could not be judged: {each.reading.says}"
        way = Way.BACK if watch.unclear == "fail" else Way.ASK
        return _open(way, each, reason)
    if watch.unclear != "continue":
        for each in by_answer[Answer.UNCLEAR]:
            way = Way.BACK if watch.unclear == "fail" else Way.ASK
            return _open(way, each, f"{each.sentence} is unclear: {each.reading.says}")
    if watch.few == "wait":
        for each in by_answer[Answer.FEW]:
            reason = f"{each.sentence} has too few requests: {each.reading.says}"
            return Decision(Way.WAIT, each.gate.name, reason) if may_wait else _open(Way.ASK, each, reason)
    unproven = [
        f"{each.sentence} is {each.reading.answer.value}: {each.reading.says}"
        for answer in (Answer.UNCLEAR, Answer.FEW)
        for each in by_answer[answer]
    ]
    return Decision(Way.ON, reason="; ".join(unproven))


def _open(way: Way, each: GateJudgement, reason: str) -> Decision:
    hint = each.reading.hint if each.reading.answer is Answer.BLIND else ""
    return Decision(way, each.gate.name, reason, hint, (Way.ON, Way.BACK) if way is Way.ASK else ())


def _listed(hosts: Sequence[str]) -> str:
    more = f" and {len(hosts) - _NAMED} more" if len(hosts) > _NAMED else ""
    return f"{', '.join(hosts[:_NAMED])}{more}"
