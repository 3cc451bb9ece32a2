"""Pure: the metric gates that judge the pauses of a deploy, and what the plan says of them before anything changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace

from lockstitch.checks.metric_gates import HostMeasurement, counted, judge_gate, seconds_needed, share_limit
from lockstitch.checks.metric_queries import SETTLE, MetricKey, MetricQuery, gate_forms, gate_queries, named
from lockstitch.errors import CheckError, UsageError
from lockstitch.facts.site import Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.metrics import GateSettings
from lockstitch.inventory.model import App
from lockstitch.inventory.schema import Rollout
from lockstitch.inventory.validation import did_you_mean
from lockstitch.metrics.intervals import needed
from lockstitch.metrics.judgement import Answer, confidence_of
from lockstitch.metrics.measurement import Measurement, Window, pooled
from lockstitch.model.format import span
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Plan, Wave
from lockstitch.model.release import version_names
from lockstitch.model.wave_watch import WaveWatch
from lockstitch.text import listed

# As long a time before the release is counted as the pause takes, within these bounds, in seconds.
_SHORTEST_BEFORE, LONGEST_BEFORE = 60.0, 600.0
_WEEK = 7 * 86400.0


def look_back(pause: float) -> float:
    """Return how many seconds before a release are counted beside a pause of so many seconds."""
    return min(LONGEST_BEFORE, max(_SHORTEST_BEFORE, pause))


def watching(app: App, how: Rollout) -> WaveWatch | None:
    """Return the watch of an app's waves, whose gates `with_watches` adds; None for an app without gates."""
    if not app.gates:
        return None
    return WaveWatch(app.name, few=how.few, unclear=how.unclear, warm_up=how.warm_up, rules=app.gates)


def with_pause(fleet: Fleet, seconds: float) -> Fleet:
    """Return the fleet with another pause after each wave."""
    groups = tuple(
        replace(group, rollout=group.rollout.model_copy(update={"pause": seconds})) for group in fleet.inventory.groups
    )
    return replace(fleet, inventory=replace(fleet.inventory, groups=groups))


@dataclass(frozen=True)
class GateSurvey:
    """Counts of the sources of gates before a deploy, in so many seconds by app and host; `waived` are the gates that
    may be blind. `names` are those of the release that serves, by VERSION_NAMES, by app and host."""

    measured: Mapping[MetricKey, Measurement]
    seconds: Mapping[tuple[str, str], float]
    waived: tuple[str, ...] = ()
    names: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)

    def before(self, app: str, gate: GateSettings, hosts: Sequence[str]) -> tuple[HostMeasurement, ...]:
        """Return what these hosts counted for a gate, as far as they were asked."""
        return tuple(
            HostMeasurement(host, True, replace(answer, windows=answer.windows * 2), self.seconds[app, host])
            for host in hosts
            if (answer := self.measured.get((app, gate.source, host)))
        )


def survey_queries(fleet: Fleet, survey: Survey, apps: Sequence[str]) -> tuple[list[MetricQuery], GateSurvey]:
    """Return the questions to the sources of the gates that will judge a deploy of these apps, and a survey without
    their answers. A site where nothing is deployed has served nothing, and is not asked."""
    pauses: dict[tuple[str, str], float] = {}
    for group in fleet.groups:
        for app in group.apps:
            pauses |= {(app, host.name): group.rollout.pause for host in group.hosts if (app, host.name) not in pauses}
    deployed = {(site.app, site.host) for site, facts in survey.facts.items() if facts.deployed}
    asked = {at: look_back(pause) for at, pause in pauses.items() if pause and at[0] in apps and at in deployed}

    def windows(query: MetricQuery) -> tuple[Window, ...]:
        seconds = asked.get((query.app, query.host.name))
        return (Window(-seconds - SETTLE, -SETTLE),) if seconds else ()

    names = {(site.app, site.host): facts.names for site, facts in survey.facts.items()}
    return named(gate_queries(fleet, windows), names), GateSurvey({}, asked, names=names)


def with_watches(plan: Plan, fleet: Fleet, survey: GateSurvey) -> Plan:
    """Return the plan with the gates that judge its pauses, and what is known of them before. Raises CheckError for a
    gate that decides and whose source cannot be read."""
    if plan.empty:
        return plan
    _refuse_unknown(fleet, survey.waived)
    known = {app: _Gates(app, fleet, plan, survey) for app in fleet.apps}
    if problems := [line for gates in known.values() for line in gates.refusals()]:
        hint = "fab -H ENV metrics shows what each source reads; --blind-gates NAME deploys without what it would say"
        raise CheckError(listed([*problems, "nothing was changed"]), hint=hint)
    waves = tuple(
        replace(wave, watch=known[wave.watch.app].watch(wave.watch)) if wave.watch else wave for wave in plan.waves
    )
    notes = (*(note for gates in known.values() for note in gates.notes()), *_turns(plan, fleet))
    return replace(plan, waves=waves, notes=(*plan.notes, *notes))


def _turns(plan: Plan, fleet: Fleet) -> Iterator[str]:
    """Yield for each measure that is a gate whether a host with the old release is there to compare with."""
    changing = {change.site.app for change in plan.changes if change.before}
    for app in fleet.apps:
        measures = {name: m for _, each in fleet.sites() if each.name == app for name, m in each.measure.items()}
        waves = [
            wave for wave in plan.waves if wave.visible and any(u.gates and u.site.app == app for u in wave.site_plans)
        ]
        for name in (name for name, measure in measures.items() if measure.is_gate() and app in changing):
            if len(waves) > 1:
                yield f"{app}: {name} is measured in the first wave, on a host with each release in turns"
            else:
                yield f"{app}: {name} compares nothing: no host has the old release after the first wave"


def _refuse_unknown(fleet: Fleet, names: Sequence[str]) -> None:
    known = list(dict.fromkeys(name for _, app in fleet.sites() for name in app.gates))
    for name in names:
        if name not in known:
            raise UsageError(f"--blind-gates {name}: there is no such gate{did_you_mean(name, known)}")


class _Gates:
    """The gates of one app, judged by what was before."""

    def __init__(self, app: str, fleet: Fleet, plan: Plan, survey: GateSurvey) -> None:
        self._app, self._fleet, self._survey = app, fleet, survey
        made = {c.site.host: version_names(c.after, c.release, c.ref) for c in plan.changes if c.site.app == app}
        self._names = {**{host: names for (at, host), names in survey.names.items() if at == app}, **made}
        self._forms = gate_forms(fleet, app)
        self._changing = app in {change.site.app for change in plan.changes}
        self._waves = [w for w in plan.waves if w.visible and w.watch and w.watch.app == app]
        names = {name for _, site_app in fleet.sites() if site_app.name == app for name in site_app.gates}
        waived = [name for name in survey.waived if name in names]
        self._blind: dict[str, str] = {}
        for label, gate, hosts in self._forms if self._waves else ():
            before = survey.before(app, gate, [host.name for host in hosts])
            if before and (reading := judge_gate(label, gate, before)).answer is Answer.BLIND:
                self._blind[label] = f"{reading.says}; {reading.hint}" if reading.hint else reading.says
        self._dry = [label for label, gate, _ in self._forms if gate.dry]
        failing = [(label, gate) for label, gate, hosts in self._forms if self._fails_before(label, gate, hosts)]
        # A value of now has no interval by which it could be told from what it was.
        self._over = [label for label, gate in failing if gate.is_of_value]
        self._not_worse = [label for label, gate in failing if not gate.is_of_value]
        self._waived = [*(label for label in self._blind if label.split(" on ")[0] in waived), *self._over]

    def watch(self, watch: WaveWatch) -> WaveWatch:
        """Return the watch with all that is known of its gates."""
        names = tuple(label for label, _, _ in self._forms)
        return replace(
            watch,
            gates=names,
            dry=tuple(self._dry),
            not_worse=tuple(self._not_worse),
            waived=tuple(self._waived),
            names=self._names,
        )

    def refusals(self) -> Iterator[str]:
        """Yield a line for each gate that decides, cannot be judged, and was not waived."""
        for label, says in self._blind.items():
            if label not in (*self._waived, *self._dry):
                yield f"{self._app}: gate {label} cannot be judged: {says}"

    def notes(self) -> Iterator[str]:
        """Yield what the plan says of the gates."""
        if not self._changing:
            return
        if not self._forms:
            if self._fleet.inventory.metrics:
                yield f"{self._app}: no metric gate judges this release"
            return
        if not self._waves:
            yield f"{self._app}: its metric gates judge nothing: there is no pause (rollout.pause, or --pause 15m)"
            return
        for label, says in self._blind.items():
            why = "waived by --blind-gates" if label in self._waived else "dry"
            if label in (*self._waived, *self._dry):
                yield f"{self._app}: gate {label} cannot be judged ({why}): {says}"
        if not (deciding := self.watch(WaveWatch(self._app)).deciding):
            yield f"{self._app}: no metric gate decides about this release"
        for label, gate, hosts in self._forms:
            if label not in self._blind:
                having = {host.name for host in hosts}
                yield from self._price(label, gate, having, confidence_of(len(deciding)))

    def _fails_before(self, label: str, gate: GateSettings, hosts: Sequence[Host]) -> bool:
        if gate.max is None or label in self._blind:
            return False
        before = self._survey.before(self._app, gate, [host.name for host in hosts])
        return bool(before) and judge_gate(label, gate, before).answer is Answer.FAIL

    def _price(self, label: str, gate: GateSettings, having: set[str], confidence: float) -> Iterator[str]:
        """Yield what a gate needs in the wave that has the fewest requests, and how long that takes."""
        name = f"{self._app}: gate {label}{' (dry: decides nothing)' if gate.dry else ''}"
        if label in (*self._not_worse, *self._over):
            reading = judge_gate(label, gate, self._survey.before(self._app, gate, sorted(having)))
            what = "decides nothing" if label in self._over else "is judged not worse than that"
            yield f"{name} fails before the change already, and {what}: {reading.says}"
        if gate.is_of_value or gate.match:
            # Neither needs a number of requests.
            return
        rates = []
        for wave in self._waves:
            hosts = [unit.site.host for unit in wave.site_plans if unit.site.host in having]
            before = self._survey.before(self._app, gate, hosts)
            if before:
                total = sum(counted(gate, host.before).total / host.seconds for host in before)
                rates.append((total, wave, before))
        if not rates:
            yield f"{name} {_needs(gate, confidence)}, and how many come is not known: nothing was counted before"
            return
        rate, wave, before = min(rates, key=lambda each: each[0])
        yield f"{name} {_time_needed(gate, rate, wave, before, confidence)}"


def _needs(gate: GateSettings, confidence: float) -> str:
    limit = share_limit(gate)
    return f"needs {needed(limit, confidence):,} requests" if limit else "needs as many requests as show a difference"


def _time_needed(
    gate: GateSettings, rate: float, wave: Wave, before: Sequence[HostMeasurement], confidence: float
) -> str:
    """Return what a gate needs, how many requests come in a minute, and whether the pause is long enough."""
    on = ", ".join(host.host for host in before)
    often = f"{rate * 60:,.0f}" if rate * 60 >= 10 or not rate else f"{rate * 60:.2g}"
    minute = f"{often} came in a minute on {on}"
    seconds = seconds_needed(gate, rate, pooled(h.before for h in before), before[0].seconds, confidence, _WEEK)
    if seconds is None:
        return f"{_needs(gate, confidence)}, and {minute}: it will not pass in the pause of {span(wave.pause)}"
    warm_up = wave.watch.warm_up if gate.percentile and wave.watch else 0.0
    needs = f"needs {round(rate * seconds):,} requests, and {minute}: {span(seconds + warm_up)}"
    if seconds + warm_up > wave.pause:
        return f"{needs}, for which the pause of {span(wave.pause)} is too short"
    return f"{needs} of the pause of {span(wave.pause)}"
