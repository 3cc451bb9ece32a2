"""The gates of an app, judged by what metric sources counted on its hosts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lockstitch.inventory.metrics import GateSettings
from lockstitch.metrics.intervals import CONFIDENCE, Proportion, difference, needed, rate_ratio, wilson
from lockstitch.metrics.judgement import Answer, Comparison, Traffic, judge_drop, judge_share, judge_worsening
from lockstitch.metrics.measurement import Measurement, Requests, pooled
from lockstitch.model.lazy_dataclass import dataclass


@dataclass(frozen=True)
class HostMeasurement:
    """Counts of a source on one host: since the release, or in the newest part of that, and in as long a time before
    it. `is_new` tells whether the host runs the release that is judged. `seconds` is the length of both windows."""

    host: str
    is_new: bool
    measurement: Measurement
    seconds: float

    @property
    def now(self) -> Requests:
        return self.measurement.windows[0]

    @property
    def before(self) -> Requests:
        return self.measurement.windows[1]


@dataclass(frozen=True)
class GateReading:
    """The judgement of one gate: the sentence with the counts that it is made of, and what to do about it."""

    gate: str
    answer: Answer
    says: str
    hint: str = ""
    dry: bool = False


def judge_gate(
    name: str, gate: GateSettings, hosts: Sequence[HostMeasurement], confidence: float = CONFIDENCE
) -> GateReading:
    """Judge a gate by the hosts of its app. A host whose source is blind makes it blind."""
    reading = _blind(gate, hosts) or _judged(gate, hosts, confidence)
    answer, says, hint = reading
    return GateReading(name, answer, says, hint, gate.dry)


_Said = tuple[Answer, str, str]


def _blind(gate: GateSettings, hosts: Sequence[HostMeasurement]) -> _Said | None:
    if not hosts:
        return Answer.BLIND, "there is no host to judge by", ""
    for host in hosts:
        measured = host.measurement
        if measured.blind:
            return Answer.BLIND, f"{host.host}: {measured.blind}", measured.hint
        if gate.percentile and host.now.untimed:
            return Answer.BLIND, f"{host.host}: {host.now.untimed} requests have no duration", measured.untimed_hint
    return None


def _judged(gate: GateSettings, hosts: Sequence[HostMeasurement], confidence: float) -> _Said:
    new = [host for host in hosts if host.is_new]
    old = [host for host in hosts if not host.is_new]
    now = pooled(host.now for host in new)
    if gate.rate and gate.drop:
        return _traffic(new, gate.drop, confidence)
    if gate.percentile and gate.max and gate.max.seconds:
        return _share(
            now.longer_than(gate.max.seconds),
            1 - gate.percentile / 100,
            f"took over {gate.max.seconds:g} s",
            confidence,
        )
    assert gate.status is not None
    bad = _counter(gate.status)
    noun = (
        f"had status {gate.status[0]}"
        if len(gate.status) == 1
        else f"had a status from {gate.status[0]} to {gate.status[-1]}"
    )
    if gate.max and gate.max.part:
        return _share(bad(now), gate.max.part, noun, confidence)
    assert gate.by is not None
    before = pooled(host.before for host in new)
    if "old" not in gate.against:
        return _worsening(Comparison(bad(now), bad(before)), gate.by, "before", confidence)
    if not old:
        return Answer.FEW, "no host runs another release", ""
    others = pooled(host.now for host in old)
    if "before" not in gate.against:
        return _worsening(Comparison(bad(now), bad(others)), gate.by, "on hosts with the old release", confidence)
    changes = Comparison(bad(now), bad(others), bad(before), bad(pooled(host.before for host in old)))
    return _worsening(changes, gate.by, "on hosts with the old release, each beside itself before", confidence)


def _counter(statuses: Sequence[int]) -> Callable[[Requests], Proportion]:
    return lambda requests: requests.with_status(statuses)


def _share(counted: Proportion, limit: float, noun: str, confidence: float) -> _Said:
    answer, bounds = judge_share(counted, limit, confidence), wilson(counted, confidence)
    says = f"{counted.bad} of {counted.total} requests {noun}"
    if counted.total:
        says += f": {_percent(bounds.low)} to {_percent(bounds.high)}, at most {_percent(limit)}"
    if answer is Answer.FEW:
        return answer, f"{says}; {needed(limit, confidence)} are needed", "wait, or judge a longer time with --last"
    return answer, says, ""


def _worsening(comparison: Comparison, by: float, beside: str, confidence: float) -> _Said:
    answer = judge_worsening(comparison, by, confidence)
    bounds = difference(comparison.terms, confidence)
    new, other = comparison.new, comparison.other
    says = f"{new.bad} of {new.total} requests, {other.bad} of {other.total} {beside}"
    if new.total and other.total:
        says += f": {_signed(bounds.low)} to {_signed(bounds.high)}, at most {_signed(by)}"
    return answer, says, "wait, or judge a longer time with --last" if answer is Answer.FEW else ""


def _traffic(new: Sequence[HostMeasurement], drop: float, confidence: float) -> _Said:
    seconds = max(host.seconds for host in new)
    now, before = pooled(host.now for host in new).total, pooled(host.before for host in new).total
    answer = judge_drop(Traffic(now, seconds), Traffic(before, seconds), drop, confidence)
    says = f"{now} requests, {before} in as long before"
    if before:
        ratio = rate_ratio(now, seconds, before, seconds, confidence)
        says += f": {_percent(ratio.low)} to {_percent(ratio.high)} of that, at least {_percent(1 - drop)}"
    return answer, says, "wait, or judge a longer time with --last" if answer is Answer.FEW else ""


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"


def _signed(share: float) -> str:
    return f"{share * 100:+.3g} %"
