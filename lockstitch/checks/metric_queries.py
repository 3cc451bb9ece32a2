"""Questions to metric sources: which is asked on which host, for which app. Pure; engine/read_sources.py asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from urllib.parse import urlsplit

from lockstitch.checks.app_values import ValueQuery, value_queries
from lockstitch.facts.site import Facts
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.metrics import GateSettings
from lockstitch.inventory.model import App
from lockstitch.inventory.watch import rules_over
from lockstitch.metrics.base import Source
from lockstitch.metrics.measurement import LogPlace, Question, Window
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.services.release_context import ReleaseContext

# The newest seconds are left out: the lines of requests that are still running, or not yet written, are missing.
SETTLE = 2.0
# App, source, host: an app may be judged by several sources, and a source may be read for several apps of one host.
MetricKey = tuple[str, str, str]


@dataclass(frozen=True)
class MetricQuery:
    """A question to a source about one app on one host: its requests in `windows`, those that took longer than each
    of `limits` (seconds), without those for `ignored` paths, and the records of the logs at `places` that match one of
    `patterns`. It is asked as `user`; None is the login user. `since` is when the release was taken, and
    `switch` when the change to it began, as windows have it. `values` are further questions, for values of the app.
    `names` are those of the release that serves."""

    app: str
    name: str
    source: Source
    host: Host
    windows: tuple[Window, ...]
    limits: tuple[float, ...] = ()
    ignored: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    places: tuple[LogPlace, ...] = ()
    user: str | None = None
    since: float | None = None
    switch: float | None = None
    values: tuple[ValueQuery, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> MetricKey:
        return self.app, self.name, self.host.name

    @property
    def question(self) -> Question:
        """The question as a source takes it."""
        windows = (self.windows, self.limits, self.ignored, self.patterns, self.places, self.since, self.switch)
        return Question(*windows, names=self.names)


def named(queries: Sequence[MetricQuery], names: Mapping[tuple[str, str], Mapping[str, str]]) -> list[MetricQuery]:
    """Return the questions with the names of the release that they are about, which are given by app and host."""
    return [replace(query, names=names.get((query.app, query.host.name), {})) for query in queries]


def gate_queries(fleet: Fleet, windows: Callable[[MetricQuery], Sequence[Window]]) -> list[MetricQuery]:
    """Return the questions for the gates of each app on each host, by its settings there. `windows` is told a question
    and returns its windows; one without any is not asked."""
    queries = []
    for host, app in fleet.sites():
        for name in dict.fromkeys(gate.source for gate in app.gates.values()):
            limits = {gate.max.seconds for gate in app.gates.values() if gate.source == name and gate.max}
            limits |= {
                *rules_over(r for at, r in app.rollback_on.items() if at in app.gates and app.gates[at].source == name)
            }
            known = tuple(sorted(limit for limit in limits if limit))
            source, ignored = fleet.inventory.metrics[name], health_paths([app])
            query = _of_app(MetricQuery(app.name, name, source, host, (), known, ignored), app, fleet)
            queries.append(replace(query, windows=tuple(windows(query))))
    return [query for query in queries if query.windows]


def gate_forms(fleet: Fleet, app_name: str) -> list[tuple[str, GateSettings, tuple[Host, ...]]]:
    """Return the gates of an app, each with the hosts that have it; one whose limits differ is named with its hosts."""
    forms: dict[tuple[str, GateSettings], list[Host]] = defaultdict(list)
    for host, app in fleet.sites():
        for name, gate in app.gates.items() if app.name == app_name else ():
            forms[name, gate].append(host)
    names = [name for name, _ in forms]
    return [
        (name if names.count(name) == 1 else f"{name} on {', '.join(h.name for h in hosts)}", gate, tuple(hosts))
        for (name, gate), hosts in forms.items()
    ]


def source_queries(fleet: Fleet, windows: Sequence[Window]) -> list[MetricQuery]:
    """Return a question to every source on each host whose apps have a gate on it; on every host where none has."""
    sites = fleet.sites()
    queries = []
    for name, source in fleet.inventory.metrics.items():
        gated = [(host, app) for host, app in sites if any(gate.source == name for gate in app.gates.values())]
        if source.of_app or any(_values_of(source, name, app) for _, app in gated):
            asked = [(MetricQuery(app.name, name, source, host, tuple(windows)), app) for host, app in gated or sites]
            queries += [_of_app(query, app, fleet) for query, app in asked]
            continue
        for host in dict.fromkeys(host for host, _ in gated or sites):
            apps = [app for at, app in gated or sites if at == host]
            queries.append(MetricQuery("", name, source, host, tuple(windows), ignored=health_paths(apps)))
    return queries


def _values_of(source: Source, name: str, app: App) -> frozenset[str]:
    """Return the values of an app that its gates want of a source."""
    return source.values_of_app() & {gate.value for gate in app.gates.values() if gate.source == name}


def _of_app(query: MetricQuery, app: App, fleet: Fleet) -> MetricQuery:
    """Return the question with what only its app knows, where its source is about one app, or its gates want that."""
    if names := _values_of(query.source, query.name, app):
        query = replace(query, values=value_queries(fleet, query.host, app, names))
    if not query.source.of_app:
        return query
    patterns = dict.fromkeys(gate.match for gate in app.gates.values() if gate.source == query.name and gate.match)
    return replace(query, patterns=tuple(patterns), places=log_places(app), user=app.user)


def log_places(app: App) -> tuple[LogPlace, ...]:
    """Return the places of an app's logs: the files that it names, then those of its service, units and questions."""
    of_service = app.service.logs(ReleaseContext(app.name, app.layout_paths, "", ""))
    mine = [path if path.startswith("/") else f"{app.layout_paths.current}/{path}" for path in app.logs]
    paths = dict.fromkeys([*mine, *(source.path for source in of_service if source.path)])
    units = [LogPlace(unit=source.unit) for source in of_service if source.unit]
    asks = [LogPlace(ask=source.ask) for source in of_service if source.ask]
    return (*(LogPlace(path) for path in paths if path), *units, *asks)


def health_paths(apps: Sequence[App]) -> tuple[str, ...]:
    """Return the paths of the apps' own health checks."""
    return tuple(dict.fromkeys(urlsplit(app.health.url).path or "/" for app in apps if app.health))


@dataclass(frozen=True)
class Sides:
    """The hosts of an app by the release they run: the newest one, taken so many seconds ago (where that is known), or
    another. A host of which the release is not known is on neither side."""

    new: Mapping[str, float | None]
    old: frozenset[str] = frozenset()

    def windows(self, host: str, seconds: float) -> tuple[Window, ...]:
        """Return the window since a host took the release, of at most `seconds`, and one as long before it; for a host
        with another release the longest of these. None for a host on neither side."""
        ages = {name: seconds + SETTLE if age is None else age for name, age in self.new.items()}
        if host in ages:
            age = ages[host]
        elif host in self.old:
            age = max(ages.values())
        else:
            return ()
        length = max(1.0, min(seconds, age - SETTLE))
        taken = max(age, SETTLE + length)
        return Window(-SETTLE - length, -SETTLE), Window(-taken - length, -taken)


def sides(facts: Iterable[Facts], now: float) -> Sides:
    """Tell the hosts of one app apart by the release that was taken last; `now` is the controller's time."""
    deployed = {each.site.host: each for each in facts if each.place.revision}
    revisions = {host: each.place.revision for host, each in deployed.items()}
    ages = {host: each.age(now) for host, each in deployed.items()}
    known = {host: age for host, age in ages.items() if age is not None}
    if not known:
        # Which of several is the newest is not known: none is compared with another.
        return Sides(ages)
    newest = revisions[min(known, key=lambda host: known[host])]
    new = {host: age for host, age in ages.items() if revisions[host] == newest}
    return Sides(new, frozenset(revisions) - frozenset(new))
