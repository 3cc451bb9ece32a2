"""The gates of an app, judged by what metric sources counted on its hosts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lockstitch.checks.value_gates import judge_records, judge_values
from lockstitch.inventory.metrics import GateSettings
from lockstitch.metrics.intervals import CONFIDENCE, Interval, Proportion, difference, needed, rate_ratio, wilson
from lockstitch.metrics.judgement import (
    Answer,
    Comparison,
    Traffic,
    judge_drop,
    judge_not_worse,
    judge_share,
    judge_worsening,
)
from lockstitch.metrics.measurement import Durations, Measurement, Requests, pooled
from lockstitch.model.format import span
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.wave_watch import GateCounts

_WAIT = "wait, or judge a longer time with --last"


@dataclass(frozen=True)
class HostMeasurement:
    """Counts of a source on one host: since the release, or in the newest part of that, and in a time before it.

    `is_new` tells whether the host runs the release that is judged. `seconds` is the length of the first window,
    `before_seconds` that of the second (0: as long).
    """

    host: str
    is_new: bool
    measurement: Measurement
    seconds: float
    before_seconds: float = 0.0

    @property
    def now(self) -> Requests:
        return self.measurement.windows[0]

    @property
    def before(self) -> Requests:
        return self.measurement.windows[1]


@dataclass(frozen=True)
class GateReading:
    """The judgement of one gate: the sentence with the counts that it is made of, and what to do about it.

    `counts` are those of the new hosts and `beside` those they are compared with, where the gate compares; the true
    value lies in `bounds`, and is judged by `limit`.
    """

    gate: str
    answer: Answer
    says: str
    hint: str = ""
    dry: bool = False
    counts: Proportion = Proportion(0, 0)
    beside: Proportion | None = None
    bounds: Interval | None = None
    limit: float | None = None


def judge_gate(
    name: str,
    gate: GateSettings,
    hosts: Sequence[HostMeasurement],
    confidence: float = CONFIDENCE,
    *,
    not_worse: bool = False,
) -> GateReading:
    """Judge a gate by the hosts of its app. A host by which it is judged and whose source is blind makes it blind. With
    `not_worse` a share is judged by what it was before, instead of by its limit."""
    meant = [host for host in hosts if host.is_new or "old" in gate.against]
    reading = _blind(gate, meant) or _judged(gate, meant, confidence, not_worse)
    return replace(reading, gate=name, dry=gate.dry)


def counted(gate: GateSettings, requests: Requests) -> Proportion:
    """Return how many of the requests, or of what the source counts, a gate calls bad."""
    if gate.status is not None:
        return requests.with_status(gate.status)
    if gate.percentile and gate.max and gate.max.seconds:
        return requests.longer_than(gate.max.seconds)
    if gate.match:
        return requests.records.get(gate.match, Proportion(0, 0))
    return Proportion(0, requests.total) if gate.rate else requests.share


def share_limit(gate: GateSettings) -> float | None:
    """Return the largest share that may be bad; None for a gate that compares, or that judges no share."""
    if gate.percentile:
        return 1 - gate.percentile / 100
    return gate.max.part if gate.max and not gate.is_of_value else None


def _blind(gate: GateSettings, hosts: Sequence[HostMeasurement]) -> GateReading | None:
    if not hosts:
        return GateReading("", Answer.BLIND, "there is no host to judge by")
    for host in hosts:
        measured = host.measurement
        if measured.blind:
            return GateReading("", Answer.BLIND, f"{host.host}: {measured.blind}", measured.hint)
        if gate.is_of_value and (why := measured.unread.get(gate.value or "")):
            return GateReading("", Answer.BLIND, f"{host.host}: {gate.value} cannot be read: {why}")
        if gate.percentile and host.now.untimed:
            says = f"{host.host}: {host.now.untimed} requests have no duration"
            return GateReading("", Answer.BLIND, says, measured.untimed_hint)
        if gate.status and len(gate.status) == 1 and host.now.grouped:
            says = f"the source tells only kinds of statuses, such as {gate.status[0] // 100}xx"
            return GateReading("", Answer.BLIND, f"{host.host}: {says}", "judge a kind")
    return None


def _judged(gate: GateSettings, hosts: Sequence[HostMeasurement], confidence: float, not_worse: bool) -> GateReading:
    if gate.is_of_value:
        values = {host.host: host.measurement.values.get(gate.value or "") for host in hosts if host.is_new}
        return GateReading("", *judge_values(gate, values))
    return judge_counts(gate, gate_counts(gate, hosts), confidence, not_worse=not_worse)


def counted_as(gate: GateSettings) -> str:
    """Return which numbers of its source a gate judges. Counts of one and the same may be judged by another limit."""
    if gate.status is not None:
        return f"{gate.source}: status {gate.status[0]} to {gate.status[-1]}"
    if gate.percentile and gate.max:
        return f"{gate.source}: over {gate.max.seconds:g} s"
    if gate.match:
        return f"{gate.source}: records that match {gate.match}"
    if gate.is_of_value:
        return f"{gate.source}: value {gate.value or ''}".rstrip()
    return f"{gate.source}: {'requests' if gate.rate else 'share'}"


def gate_counts(gate: GateSettings, hosts: Sequence[HostMeasurement]) -> GateCounts:
    """Return what a gate is judged by, of hosts whose source was read."""
    new, old = [host for host in hosts if host.is_new], [host for host in hosts if not host.is_new]

    def pair(parts: Iterable[Requests]) -> tuple[int, int]:
        count = counted(gate, pooled(parts))
        return count.bad, count.total

    now = pooled(host.now for host in new)
    timed = gate.max.seconds if gate.percentile and gate.max else None
    values = [host.measurement.values.get(gate.value or "") for host in new] if gate.is_of_value else []
    return GateCounts(
        counted_as(gate),
        pair([now]),
        pair(host.before for host in new),
        pair(host.now for host in old) if old else None,
        pair(host.before for host in old) if old else None,
        max((host.seconds for host in new), default=1.0),
        max((host.before_seconds or host.seconds for host in new), default=1.0),
        now.perhaps_longer_than(timed).bad if timed else None,
        max((value for value in values if value is not None), default=None),
    )


def judge_counts(
    gate: GateSettings, counts: GateCounts, confidence: float = CONFIDENCE, *, not_worse: bool = False
) -> GateReading:
    """Judge a gate by its counts. With `not_worse` a share is judged by what it was before, instead of by its limit."""
    now, before = Proportion(*counts.new), Proportion(*counts.before)
    if gate.rate and gate.drop:
        return _traffic(
            Traffic(now.total, counts.seconds), Traffic(before.total, counts.before_seconds), gate.drop, confidence
        )
    if gate.is_of_value:
        return GateReading("", *judge_values(gate, {"its hosts": counts.value}))
    if gate.match:
        parts = (now, counts.seconds), (before, counts.before_seconds)
        verdict = judge_records(gate, *parts, confidence, not_worse=not_worse)
        return GateReading("", *verdict, False, now, before if gate.against or not_worse else None)
    limit = share_limit(gate)
    if limit is not None:
        if not_worse:
            return _not_worse(now, before, limit, confidence)
        reading = _share(now, limit, _noun(gate), confidence)
        most = now.bad if counts.most is None else counts.most
        return _agreed(gate, Proportion(most, now.total), reading, confidence)
    assert gate.by is not None
    if "old" not in gate.against:
        return _worsening(Comparison(now, before), gate.by, "before", confidence)
    if counts.old is None:
        return GateReading("", Answer.FEW, "no host runs another release", counts=now)
    others = Proportion(*counts.old)
    if "before" not in gate.against:
        return _worsening(Comparison(now, others), gate.by, "on hosts with the old release", confidence)
    changes = Comparison(now, others, before, Proportion(*(counts.old_before or (0, 0))))
    return _worsening(changes, gate.by, "on hosts with the old release, each beside itself before", confidence)


def _noun(gate: GateSettings) -> str:
    if gate.percentile and gate.max and gate.max.seconds:
        return f"requests took over {gate.max.seconds:g} s"
    if gate.status is None:
        return "are bad"
    first, last = gate.status[0], gate.status[-1]
    return f"requests had status {first}" if first == last else f"requests had a status from {first} to {last}"


def _agreed(gate: GateSettings, most: Proportion, reading: GateReading, confidence: float) -> GateReading:
    """Return the reading of durations. Where the limit lies within a bucket of the source there are two counts, which
    must agree."""
    least = reading.counts
    if least == most or reading.limit is None or judge_share(most, reading.limit, confidence) is reading.answer:
        return reading
    says = f"from {least.bad} to {most.bad} of {least.total} {_noun(gate)}, at most {_percent(reading.limit)}"
    hint = "set `max` to the edge of a bucket"
    return replace(
        reading, answer=Answer.UNCLEAR, says=f"{says}: that lies between two buckets of the source", hint=hint
    )


def _share(count: Proportion, limit: float, noun: str, confidence: float) -> GateReading:
    answer, bounds = judge_share(count, limit, confidence), wilson(count, confidence)
    says = f"{count.bad} of {count.total} {noun}"
    if count.total:
        says += f": {_percent(bounds.low)} to {_percent(bounds.high)}, at most {_percent(limit)}"
    if answer is Answer.FEW:
        says += f"; {needed(limit, confidence)} are needed"
    return GateReading("", answer, says, _hint(answer), False, count, None, bounds, limit)


def _not_worse(now: Proportion, before: Proportion, limit: float, confidence: float) -> GateReading:
    comparison = Comparison(now, before)
    answer, bounds = judge_not_worse(comparison, limit, confidence), difference(comparison.terms, confidence)
    says = f"{now.bad} of {now.total}, {before.bad} of {before.total} before"
    if now.total and before.total:
        says += f": {_signed(bounds.low)} to {_signed(bounds.high)}, not worse than before, when it failed already"
    return GateReading("", answer, says, _hint(answer), False, now, before, bounds, 0.0)


def _worsening(comparison: Comparison, by: float, beside: str, confidence: float) -> GateReading:
    answer = judge_worsening(comparison, by, confidence)
    bounds = difference(comparison.terms, confidence)
    new, other = comparison.new, comparison.other
    says = f"{new.bad} of {new.total}, {other.bad} of {other.total} {beside}"
    if new.total and other.total:
        says += f": {_signed(bounds.low)} to {_signed(bounds.high)}, at most {_signed(by)}"
    return GateReading("", answer, says, _hint(answer), False, new, other, bounds, by)


def _traffic(recent: Traffic, earlier: Traffic, drop: float, confidence: float) -> GateReading:
    now, before = recent.events, earlier.events
    answer = judge_drop(recent, earlier, drop, confidence)
    since = "as long" if earlier.seconds == recent.seconds else span(earlier.seconds)
    says = f"{now} requests, {before} in {since} before"
    bounds = None
    if before:
        bounds = rate_ratio(now, recent.seconds, before, earlier.seconds, confidence)
        says += f": {_percent(bounds.low)} to {_percent(bounds.high)} of that rate, at least {_percent(1 - drop)}"
    counts = Proportion(0, now), Proportion(0, before)
    return GateReading("", answer, says, _hint(answer), False, *counts, bounds, 1 - drop)


def _hint(answer: Answer) -> str:
    return _WAIT if answer is Answer.FEW else ""


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"


def _signed(share: float) -> str:
    return f"{share * 100:+.3g} %"


def seconds_needed(
    gate: GateSettings, rate: float, before: Requests, before_seconds: float, confidence: float, most: float
) -> float | None:
    """Return after how many seconds a gate passes a release without any bad request, where `rate` requests come in a
    second; None where that takes longer than `most`, or the gate has nothing to compare with."""

    def passes(seconds: float) -> bool:
        requests = _clean(gate, round(rate * seconds))
        now = HostMeasurement("", True, Measurement((requests, before)), seconds, before_seconds)
        old = HostMeasurement("", False, Measurement((requests, before)), seconds, before_seconds)
        return judge_gate("", gate, (now, old), confidence).answer is Answer.PASS

    if not rate or not passes(most):
        return None
    low, high = 0.0, most
    while high - low > min(1.0, 0.5 / rate):
        middle = (low + high) / 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high


def _clean(gate: GateSettings, total: int) -> Requests:
    return Requests({200: total}, Durations(total, {0: total}, {}), share=Proportion(0, total))
