"""Pure: where a flag is set, and how the app's service takes its value there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from lockstitch.errors import UsageError
from lockstitch.facts.flags import FlagRecords
from lockstitch.facts.site import Facts
from lockstitch.flags.base import Flag, FlagPlace
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App
from lockstitch.inventory.validation import did_you_mean
from lockstitch.model.command import Value
from lockstitch.model.gate import Gate
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Site, Step
from lockstitch.model.probe import Probe
from lockstitch.plans.flag_state import FlagState, flag_gate, flag_probe, judge_flag
from lockstitch.plans.gates import gates
from lockstitch.plans.queries import site as site_of
from lockstitch.plans.steps import Deployment
from lockstitch.plans.taking import taking
from lockstitch.plans.wave_watches import with_pause
from lockstitch.services.base import Service
from lockstitch.services.release_context import ReleaseContext


@dataclass(frozen=True)
class FlagFacts:
    """Facts about a flag on one site; `state` is None where it is not read there."""

    state: FlagState | None = None
    records: FlagRecords = field(default_factory=FlagRecords)


@dataclass(frozen=True)
class FlagSite:
    """A site where a flag is set: how it is deployed there, its settings there, and its place for the driver."""

    job: Deployment
    flag: Flag
    place: FlagPlace

    @property
    def site(self) -> Site:
        return self.job.site

    @property
    def facts(self) -> Facts:
        return self.job.facts

    @property
    def service(self) -> Service:
        return self.job.app.service

    def gates(self, to: str | None) -> tuple[Gate, ...]:
        """Return the gates that the app serves, where its service was touched, and that the flag has a value."""
        here = current(self.job)
        own = flag_gate(self.flag, self.place, self.service, here, to)
        return (*gates(self.job.app, here, self.job.run), own) if self.flag.per_host else (own,)

    def takes(self) -> tuple[Step, ...]:
        """Return the steps by which the app takes a flag that is in its file: a reload where that is enough, else a
        restart. Each reads the value from the file itself, so that it may be repeated on the way back.

        Raises UsageError where the service does not know how.
        """
        text = self.flag.export_text(self.place)
        if not text:
            return ()
        return taking(self.job, text, self.flag.values(self.place), read_by_app=self.flag.is_read_by_app())


def current(job: Deployment) -> ReleaseContext:
    """Return what serves on a site, as its service sees it."""
    return job.old or ReleaseContext(job.app.name, job.layout, "", "", job.env, built=job.app.built)


def flag_fleet(fleet: Fleet, name: str) -> Fleet:
    """Return the part of a fleet that runs the app with a flag.

    Raises UsageError where no app has it, where several have, and where hosts of the app are left out: a flag is set on
    all of them or on none.
    """
    having = {app.name for _, app in fleet.sites() if name in app.flags}
    if not having:
        known = list(dict.fromkeys(flag for _, app in fleet.sites() for flag in app.flags))
        raise UsageError(
            f"there is no flag {name}{did_you_mean(name, known)}", hint="docs/flags.md shows the first one"
        )
    if len(having) > 1:
        raise UsageError(f"{name} is a flag of {', '.join(sorted(having))}", hint="say which: --only APP")
    (app,) = having
    here = {host.name for host, each in fleet.sites() if each.name == app}
    if others := [host for placed, host in fleet.inventory.placed if placed == app and host not in here]:
        raise UsageError(
            f"{', '.join(others)} would be left out, and a flag is set on all hosts of {app} or on none",
            hint=f"fab -H {fleet.inventory.name} …",
        )
    return fleet.only([app])


def flag_references(fleet: Fleet) -> tuple[str, ...]:
    """Return the references to secrets that the flags of a fleet need to be read."""
    references: dict[str, None] = {}
    for _, app in fleet.sites():
        for each in app.flags.values():
            references |= dict.fromkeys(each.references())
            if (name := _database(each, app)) is not None:
                references[fleet.inventory.databases[name].url] = None
    return tuple(references)


def _database(each: Flag, app: App) -> str | None:
    name = each.database_name()
    return app.database if name == "" else name


def flag_places(fleet: Fleet, name: str, known: Mapping[str, Value]) -> dict[Site, FlagPlace]:
    """Return the places where a flag is set: each site of its app, or the first. `known` has what references mean."""
    places: dict[Site, FlagPlace] = {}
    once: set[str] = set()
    for host, app in fleet.sites():
        each = app.flags.get(name)
        if each is None or app.name in once:
            continue
        if not each.per_host:
            once.add(app.name)
        engine, login = None, {}
        if (database := _database(each, app)) is not None:
            engine = fleet.inventory.databases[database].engine
            login = dict(engine.login(known[fleet.inventory.databases[database].url], ""))
        at = site_of(host.name, app)
        here = at.layout.current
        dialect = app.env_file.format if app.env_file and each.file_in_release() == app.env_file.path else "any"
        places[at] = FlagPlace(name, app.name, here, fleet.inventory.name, known, engine, login, dialect)
    return places


def flag_sites(jobs: Sequence[Deployment], name: str, places: Mapping[Site, FlagPlace]) -> list[FlagSite]:
    """Return the sites at these places; those that have a flag each, only where the app is deployed."""
    return [
        FlagSite(job, flag, places[job.site])
        for job in jobs
        if job.site in places and (flag := job.app.flags.get(name)) is not None
        if job.facts.deployed or not flag.per_host
    ]


def flag_probes(
    fleet: Fleet, places: Mapping[str, Mapping[Site, FlagPlace]]
) -> dict[Site, tuple[tuple[str, Probe[FlagState]], ...]]:
    """Return the questions to each site about the flags that are set there, with their names."""
    probes = {}
    for host, app in fleet.sites():
        at = site_of(host.name, app)
        here = ReleaseContext(app.name, at.layout, "", "", app.env, built=app.built)
        asked = tuple(
            (name, flag_probe(app.flags[name], sites[at], app.service, here))
            for name, sites in places.items()
            if at in sites
        )
        if asked:
            probes[at] = asked
    return probes


@dataclass(frozen=True)
class FlagStatus:
    """A flag on one site: `value` is None where it is not set, or cannot be read; `problem` says what is wrong with it.
    `before` is what `flag.undo` goes back to, where `can_undo`."""

    flag: str
    kind: str
    where: str
    site: Site
    value: str | None = None
    problem: str = ""
    hint: str = ""
    can_undo: bool = False
    before: str | None = None


def flag_status(
    fleet: Fleet,
    places: Mapping[str, Mapping[Site, FlagPlace]],
    facts: Mapping[str, Mapping[Site, FlagFacts]],
    away: Mapping[str, str],
) -> tuple[FlagStatus, ...]:
    """Return each flag at each place, as it was read. Where the hosts of one differ, that is a problem of each."""
    apps = {site_of(host.name, app): app for host, app in fleet.sites()}
    status: list[FlagStatus] = []
    for name, sites in places.items():
        some = [_status(name, apps[at], at, facts[name].get(at), away) for at in sites]
        for app in dict.fromkeys(each.site.app for each in some):
            of_app = [each for each in some if each.site.app == app]
            read = [each for each in of_app if each.value is not None or not each.problem]
            differ = len({each.value for each in read}) > 1
            status += [
                replace(each, problem="the hosts differ", hint=f"fab -H {fleet.inventory.name} flag.set {name}=VALUE")
                if differ and not each.problem
                else each
                for each in of_app
            ]
    return tuple(status)


def _status(name: str, app: App, at: Site, known: FlagFacts | None, away: Mapping[str, str]) -> FlagStatus:
    each = app.flags[name]
    status = FlagStatus(name, str(getattr(each, "kind", "")), each.says(), at)
    if known is None or known.state is None:
        return replace(status, problem=f"not read: {away.get(at.host, 'the question about it has no answer')}")
    reading = known.state.reading
    if reading.problem:
        return replace(status, problem=reading.problem)
    verdict = judge_flag(each, app.service.has_environment(), reading.value, known.state)
    record = known.records.last(name, reading.value)
    status = replace(status, value=reading.value, can_undo=record is not None, before=record.before if record else None)
    return status if verdict.passed else replace(status, problem=verdict.reason, hint=verdict.hint)


def judged_by(fleet: Fleet, name: str) -> Fleet:
    """Return the fleet with no other metric gates than those of a flag, and with its longest step as the pause."""
    placed = {
        at: replace(app, gates={gate: app.gates[gate] for gate in app.flags[name].gates}) if name in app.flags else app
        for at, app in fleet.inventory.placed.items()
    }
    steps = [step.seconds for app in placed.values() if name in app.flags for step in app.flags[name].steps]
    return with_pause(replace(fleet, inventory=replace(fleet.inventory, placed=placed)), max(steps, default=0.0))
