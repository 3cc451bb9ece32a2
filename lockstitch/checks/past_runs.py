"""Past runs judged by the limits of today, from the counts that their records hold. Pure.

A record holds what was counted from the release to each reading. What lies between two readings is their difference:
these windows stand for the minutes that a run saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lockstitch.checks.metric_gates import GateReading, counted_as, judge_counts, share_limit
from lockstitch.checks.metric_queries import gate_forms
from lockstitch.checks.past_readings import PastReading, RunPart, past_parts, sum_of, windows
from lockstitch.checks.watch_rules import WatchRule, rules_of
from lockstitch.checks.watch_verdicts import GateJudgement, WatchedGate, decide
from lockstitch.inventory.fleet import Fleet
from lockstitch.metrics.judgement import CERTAIN, IN_A_ROW, Answer, confidence_of, fails_early
from lockstitch.model.format import span
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.wave_watch import GateCounts, WaveWatch, Way

_REACH = 3


@dataclass(frozen=True)
class PastGate:
    """The verdict of a gate of today on one part of a run: pass, fail, few, unclear or blind; None where the counts of
    the record are not those that it judges. `then` is what was said."""

    part: RunPart
    app: str
    gate: str
    verdict: str | None
    says: str
    then: str
    dry: bool = False


@dataclass(frozen=True)
class PastRun:
    """A run judged anew: the first thing that takes its release back, and when (epoch seconds), or about which a person
    is asked; `went` tells whether it went back then. `whole` is false where a gate that decides could not be judged, or
    a pause ended too early; `notes` say what the record does not show."""

    run: str
    kind: str
    by: str
    at: str
    gates: tuple[PastGate, ...]
    way: Way
    reason: str
    when: float | None
    went: bool
    whole: bool
    notes: tuple[str, ...] = ()

    @property
    def goes_back(self) -> bool | None:
        """True where the limits of today take it back; None where the record does not show that."""
        return True if self.way is Way.BACK else False if self.whole else None


@dataclass(frozen=True)
class AppLimits:
    """The gates of an app as the inventory has them now, its rules, and how its pauses are decided."""

    app: str
    gates: tuple[WatchedGate, ...]
    rules: tuple[WatchRule, ...]
    watch: WaveWatch
    health: bool


def app_limits(fleet: Fleet) -> tuple[AppLimits, ...]:
    """Return the limits of every app of a fleet that has gates."""
    made = []
    for name in fleet.apps:
        forms = gate_forms(fleet, name)
        if not forms:
            continue
        gates = tuple(WatchedGate(name, label, gate, (), ()) for label, gate, _ in forms)
        dry = tuple(label for label, gate, _ in forms if gate.dry)
        how = next(group.rollout for group in fleet.groups if name in group.apps)
        app = next(app for _, app in fleet.sites() if app.name == name)
        watch = WaveWatch(name, tuple(gate.name for gate in gates), dry, few=how.few, unclear=how.unclear)
        made.append(AppLimits(name, gates, rules_of(gates, app.rollback_on), watch, "health" in app.rollback_on))
    return tuple(made)


def judge_run(run: str, events: Sequence[Mapping[str, Any]], limits: Sequence[AppLimits]) -> PastRun | None:
    """Judge one run by the limits of now; None where its record has no reading of these apps."""
    parts, damaged = past_parts(events)
    known = {limit.app: limit for limit in limits}
    gates: list[PastGate] = []
    notes: dict[str, None] = {}
    ends: list[tuple[float, Way, str]] = []
    whole = not damaged
    for (part, app, _), readings in parts.items():
        if app not in known:
            continue
        each = _PastPart(part, known[app], readings)
        gates += each.verdicts()
        ends += [end] if (end := each.decision()) else []
        notes |= dict.fromkeys(each.notes())
        whole = whole and each.whole
    if damaged:
        notes[f"{damaged} readings of its record are not understood"] = None
    if not gates and not damaged:
        return None
    backs = [end for end in ends if end[1] is Way.BACK] or ends
    when, way, reason = min(backs, key=lambda end: end[0], default=(None, Way.ON, ""))
    about = next((event for event in events if event.get("event") == "run"), {})
    began = next((event for event in events if event.get("at")), {})
    went = any(e.get("event") == "back" or (e.get("event") == "watch" and e.get("state") == "back") for e in events)
    return PastRun(
        run,
        str(about.get("kind") or "watch"),
        str(about.get("by") or began.get("by") or ""),
        str(began.get("at") or ""),
        tuple(gates),
        way,
        reason,
        when,
        went,
        whole,
        tuple(notes),
    )


class _PastPart:
    """The readings of one pause, or of a watch, of one app."""

    def __init__(self, part: RunPart, limits: AppLimits, readings: Sequence[PastReading]) -> None:
        self._part, self._limits = part, limits
        self._readings: dict[str, list[PastReading]] = {}
        for reading in readings:
            self._readings.setdefault(reading.gate, []).append(reading)
        self._ends = sorted({reading.end for reading in readings})
        self._over = any(reading.over for reading in readings)
        names = [gate.name for gate in limits.gates if self._comparable(gate) and self._readings.get(gate.name)]
        self._gates = [gate for gate in limits.gates if gate.name in names]
        before = {gate.name: _before_fails(gate, self._readings[gate.name]) for gate in self._gates}
        failing = [gate for gate in self._gates if before[gate.name]]
        self._watch = replace(
            limits.watch,
            not_worse=tuple(gate.name for gate in failing if not gate.settings.is_of_value),
            waived=tuple(gate.name for gate in failing if gate.settings.is_of_value),
        )

    @property
    def whole(self) -> bool:
        """True if the record shows what every gate that decides would have said to the end."""
        missing = {gate.name for gate in self._limits.gates} - {gate.name for gate in self._gates}
        shown = not missing & set(self._watch.deciding)
        return shown and (self._part == "watch" or self._over or self.decision() is not None)

    def verdicts(self) -> list[PastGate]:
        """Return what each gate says at the end of this part."""
        made = []
        for gate in self._limits.gates:
            readings = self._readings.get(gate.name)
            then = readings[-1].answer if readings else ""
            verdict: str | None = None
            if gate in self._gates:
                judged = self._judged(gate, self._ends[-1])
                verdict, says = judged.reading.answer.value, judged.reading.says
                says = f"{says}; it fails {judged.shared}" if judged.shared else says
            elif not readings:
                says = "the record has no reading of it"
            else:
                counts = next(
                    (each.counts for each in readings if each.counts), GateCounts("what its record does not say")
                )
                says = f"not comparable: then it counted {counts.of}, now {counted_as(gate.settings)}"
            made.append(PastGate(self._part, gate.app, gate.name, verdict, says, then, gate.settings.dry))
        return made

    def decision(self) -> tuple[float, Way, str] | None:
        """Return when this part ends early or badly, what follows, and why."""
        for end in self._ends:
            if self._part == "watch":
                if why := next(filter(None, (self._alarm(rule, end) for rule in self._limits.rules)), ""):
                    return end, Way.BACK, why
                continue
            seen = [gate for gate in self._gates if any(each.end <= end for each in self._readings[gate.name])]
            judged = [self._judged(gate, end) for gate in seen]
            over = self._over and end == self._ends[-1]
            made = decide(judged, self._watch, over=over, may_wait=False)
            if made is not None and made.way is not Way.ON:
                return end, made.way, made.reason
        return None

    def notes(self) -> list[str]:
        """Return what the record of this part cannot show."""
        made = []
        first, last = min(each[0].begin for each in self._readings.values()), self._ends[-1]
        if self._part == "pause" and not self._over and self.decision() is None:
            made.append(f"{self._limits.app}: a pause ended after {span(last - first)}: what came later is not known")
        if self._part == "watch":
            apart = max(b - a for a, b in zip([first, *self._ends], self._ends, strict=False))
            shortest = min((rule.seconds for rule in self._limits.rules), default=apart)
            if apart > shortest:
                rule = f"shorter than {span(apart)}, the longest time between two readings,"
                made.append(f"{self._limits.app}: a time over a limit that was {rule} may not be seen")
            if self._limits.health:
                made.append(f"{self._limits.app}: readings of its health are not in the record")
        return made

    def _comparable(self, gate: WatchedGate) -> bool:
        counts = [each.counts for each in self._readings.get(gate.name, ()) if each.counts]
        blind = all(each.answer == Answer.BLIND.value for each in self._readings.get(gate.name, ()))
        return blind or (bool(counts) and all(each.of == counted_as(gate.settings) for each in counts))

    def _judged(self, gate: WatchedGate, end: float) -> GateJudgement:
        """Judge a gate by what was known at a time, as a pause does."""
        readings = [each for each in self._readings[gate.name] if each.end <= end]
        newest = readings[-1]
        if newest.counts is None:
            blind = GateReading(gate.name, Answer.BLIND, newest.says, dry=gate.settings.dry)
            return GateJudgement(gate, blind)
        confidence = confidence_of(len(self._watch.deciding))
        not_worse = gate.name in self._watch.not_worse

        def judge(counts: GateCounts, at: float) -> Answer:
            if gate.settings.is_of_value and at >= CERTAIN:
                return Answer.UNCLEAR
            return judge_counts(gate.settings, counts, at, not_worse=not_worse).answer

        newest_windows = windows(readings)[-IN_A_ROW:]
        reading = judge_counts(gate.settings, newest.counts, confidence, not_worse=not_worse)
        reading = replace(reading, gate=gate.name, dry=gate.settings.dry)
        early = fails_early([counts for _, counts in newest_windows], judge, confidence)
        shared = ""
        if early or reading.answer is Answer.FAIL:
            others = [newest.counts, *(counts for _, counts in newest_windows[-1:])]
            shared = next(filter(None, (_shared(gate, each, confidence, not_worse=not_worse) for each in others)), "")
        return GateJudgement(gate, reading, early, shared, newest.counts)

    def _alarm(self, rule: WatchRule, end: float) -> str:
        """Return why a rule takes the release back by what was known at a time; empty where it does not."""
        if not any(gate.name == rule.gate.name for gate in self._gates):
            return ""
        readings = [each for each in self._readings[rule.gate.name] if each.end <= end]
        row: list[GateCounts] = []
        for at, counts in reversed(windows(readings)):
            over = _over(rule, counts) if at > end - _REACH * rule.seconds else False
            if over is None:
                continue
            if not over:
                break
            row.append(counts)
            if sum(each.seconds for each in row) >= rule.seconds:
                break
        if not row or sum(each.seconds for each in row) < rule.seconds:
            return ""
        confidence, together = confidence_of(len(self._limits.rules)), sum_of(row)
        reading = judge_counts(rule.gate.settings, together, confidence)
        if reading.answer is not Answer.FAIL or _shared(rule.gate, together, confidence):
            return ""
        return f"gate {rule.gate.name} of {rule.gate.app}, for {span(rule.seconds)}: {reading.says}"


def _over(rule: WatchRule, counts: GateCounts) -> bool | None:
    """Return whether one window is over the limit, as its plain counts say; None where it has no data."""
    settings, (bad, total) = rule.gate.settings, counts.new
    if settings.is_of_value:
        return None if counts.value is None else judge_counts(settings, counts).answer is Answer.FAIL
    if not total:
        return None
    limit = share_limit(settings)
    return bad > 0 if settings.match else limit is not None and bad > limit * total


def _shared(gate: WatchedGate, counts: GateCounts, confidence: float, *, not_worse: bool = False) -> str:
    """Return where a gate fails without the release as well; empty where it does not."""
    if "old" in gate.settings.against or gate.settings.is_of_value:
        return ""
    if counts.old is not None:
        old = replace(counts, new=counts.old, before=counts.old_before or (0, 0), most=None)
        fails = judge_counts(gate.settings, old, confidence, not_worse=not_worse).answer is Answer.FAIL
        return "on hosts with the old release too" if fails else ""
    if not_worse or share_limit(gate.settings) is None:
        return ""
    before = replace(counts, new=counts.before, most=None)
    return "before the release too" if judge_counts(gate.settings, before, confidence).answer is Answer.FAIL else ""


def _before_fails(gate: WatchedGate, readings: Sequence[PastReading]) -> bool:
    """Tell whether a gate with a limit failed before the release: then it only must not be worse than that."""
    counts = next((each.counts for each in readings if each.counts), None)
    if gate.settings.max is None or gate.settings.is_of_value or counts is None:
        return False
    before = replace(counts, new=counts.before, seconds=counts.before_seconds, most=None)
    return judge_counts(gate.settings, before).answer is Answer.FAIL
