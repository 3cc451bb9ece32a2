"""EFFECT: ask every site what is there. One script a site, all at once; read-only."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from lockstitch.checks import CheckGroup
from lockstitch.concurrency import MOST, run_parallel
from lockstitch.databases.backup import BackupDirectoryFacts, ServerFacts
from lockstitch.databases.health import DatabaseState
from lockstitch.engine.fanout import FanoutOptions, HostScript, run_on_hosts
from lockstitch.errors import ExitCode, LockstitchError, UsageError
from lockstitch.facts.clock import Clock
from lockstitch.facts.database import server, vault
from lockstitch.facts.queries import SiteQuery, probes
from lockstitch.facts.site import CheckoutFacts, Facts, HostFacts, Survey
from lockstitch.inventory.model import Database
from lockstitch.model.command import Command, Secret, Value, mask
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Script, Site, Step
from lockstitch.model.probe import Probe
from lockstitch.model.results import Event, HostResult, Observer, Result, StepEnded, StepOutput, nobody
from lockstitch.remote import Remote
from lockstitch.services.maintenance import MaintenanceState
from lockstitch.services.state import ServiceState


def survey(remote: Remote, asks: Sequence[SiteQuery], *, most: int = MOST, seconds: float = 0) -> Survey:
    """Connect to all hosts and ask them at once; a host that cannot be asked is reported, not raised. `seconds` is how
    long each question may take, where that was said. Raises UsageError for a wrong configuration."""
    errors = dict(remote.connect({ask.host.name: ask.host for ask in asks}.values()))
    facts: dict[Site, Facts] = {}

    def one(ask: SiteQuery) -> None:
        if ask.host.name in errors:
            return
        try:
            facts[ask.site] = _ask(remote, ask, seconds or 60)
        except LockstitchError as error:
            errors[ask.host.name] = error

    run_parallel(one, asks, remote.interrupt, most=most)
    for error in errors.values():
        # A configuration that is wrong says nothing about a host.
        if isinstance(error, UsageError):
            raise error
    return Survey({ask.site: facts[ask.site] for ask in asks if ask.site in facts}, errors)


def _ask(remote: Remote, ask: SiteQuery, seconds: float) -> Facts:
    asked = probes(ask)
    steps = tuple(Step(probe.name, "", probe.command, timeout=seconds) for probe in asked)
    results = remote.run(ask.host, Script(steps, app=ask.app.name, keep_going=True, user=ask.app.user))
    read: Mapping[str, Any] = {
        probe.name: probe.parse(result.output, result.code) for probe, result in zip(asked, results, strict=False)
    }
    return Facts(
        ask.site,
        read.get("place", CheckoutFacts()),
        read.get("host", HostFacts()),
        read.get("service", ServiceState(False)),
        read.get("target"),
        read.get("maintenance", MaintenanceState()),
        read.get("about", ()),
        read.get("pending"),
    )


def look(
    remote: Remote, databases: Mapping[str, Database], urls: Mapping[str, Value]
) -> dict[str, BackupDirectoryFacts | LockstitchError]:
    """Ask the host of each database what lies in its vault, and its server where there is a URL for it."""
    errors = remote.connect({d.host.name: d.host for d in databases.values()}.values())
    found: dict[str, BackupDirectoryFacts | LockstitchError] = {}

    def one(database: Database) -> None:
        try:
            error = errors.get(database.host.name)
            found[database.name] = error or _look(remote, database, urls.get(database.name))
        except LockstitchError as error:
            found[database.name] = error

    run_parallel(one, databases.values(), remote.interrupt)
    return found


def _look(remote: Remote, database: Database, url: Value | None) -> BackupDirectoryFacts:
    asked: list[Probe[Any]] = [vault(database), *([server(database, url)] if url else [])]
    steps = tuple(Step(probe.name, "", probe.command, timeout=60) for probe in asked)
    results = remote.run(database.host, Script(steps, app=database.name, keep_going=True))
    read: Mapping[str, Any] = {p.name: p.parse(r.output, r.code) for p, r in zip(asked, results, strict=False)}
    there: BackupDirectoryFacts = read.get("vault", BackupDirectoryFacts())
    return replace(there, server=read.get("server", ServerFacts()))


# Whatever may hang has a shorter time of its own, in its text.
_LONGEST = 60.0


@dataclass(frozen=True)
class Query:
    """The probes of one host, or of one app on it; `label` tells them apart."""

    label: str
    host: Host
    probes: tuple[Probe[Any], ...]
    app: str = ""
    user: str | None = None


@dataclass(frozen=True)
class Reply:
    """What one inquiry came to: `read` has the facts in the order of the probes, as far as they were answered; `error`
    is why there are none."""

    done: HostResult
    read: tuple[Any, ...] = ()
    error: LockstitchError | None = None

    @property
    def away(self) -> bool:
        """Whether the host could not be asked."""
        return self.done.code in (ExitCode.UNREACHABLE, ExitCode.INTERRUPTED)


def of(asking: CheckGroup) -> Query:
    """The probes of a host's checks."""
    return Query(asking.label, asking.host, tuple(c.probe for c in asking.checks), asking.app, asking.user)


def inquire(remote: Remote, inquiries: Sequence[Query], way: FanoutOptions | None = None) -> dict[str, Reply]:
    """Connect to all hosts and ask them at once; one that cannot be asked is reported, not raised."""
    errors = remote.connect({one.host.name: one.host for one in inquiries}.values())
    here = [one for one in inquiries if one.host.name not in errors]
    timed = _Timed(remote, {one.label: _Watched() for one in here})
    said = _Said()
    done = run_on_hosts(timed, [HostScript(one.label, one.host, _script(one)) for one in here], said, way)
    found = {}
    for one in inquiries:
        error = errors.get(one.host.name)
        if error is not None:
            found[one.label] = Reply(HostResult(ExitCode.UNREACHABLE, error.message), error=error)
        else:
            results = done[one.label].results or said.ended.get((one.host.name, one.app), ())
            found[one.label] = Reply(done[one.label], _read(one, results, timed.watched[one.label]))
    return found


def _script(one: Query) -> Script:
    names = [probe.name for probe in one.probes]
    # The name is what is said of one that takes too long; it must be there once.
    told = [name if names.count(name) == 1 else f"{name} {names[:n].count(name) + 1}" for n, name in enumerate(names)]
    steps = tuple(Step(name, "", probe.command, timeout=_LONGEST) for name, probe in zip(told, one.probes, strict=True))
    # `run` tells the scripts of one host apart; nothing of it is recorded.
    return Script(steps, run=one.label, app=one.app, keep_going=True, user=one.user)


def _read(one: Query, results: Sequence[Result], watched: _Watched) -> tuple[Any, ...]:
    read = []
    for probe, result in zip(one.probes, results, strict=False):
        fact = probe.parse(result.output, result.code)
        if isinstance(fact, Clock) and (heard := watched.heard.get(result.name)):
            fact = fact.seen(watched.sent, heard)
        read.append(fact)
    return tuple(read)


class _Said:
    """What was answered before a script was cut off: by its host and app, the steps that had ended."""

    def __init__(self) -> None:
        self.ended: dict[tuple[str, str], list[Result]] = {}
        self._lines: dict[tuple[str, str, str], list[str]] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepOutput):
            self._lines.setdefault((event.host, event.app, event.name), []).append(event.line)
        elif isinstance(event, StepEnded):
            text = "".join(f"{line}\n" for line in self._lines.pop((event.host, event.app, event.name), ()))
            result = Result(event.name, event.code, text, event.seconds)
            self.ended.setdefault((event.host, event.app), []).append(result)


@dataclass
class _Watched:
    """When one script was sent, and when the first word of each of its steps came."""

    sent: float = 0.0
    heard: dict[str, float] = field(default_factory=dict)


class _Timed:
    """A Remote that notes the times of what it carries."""

    def __init__(self, remote: Remote, watched: Mapping[str, _Watched]) -> None:
        self._remote, self.watched = remote, watched
        self.connect, self.open, self.interrupt, self.close = (
            remote.connect,
            remote.open,
            remote.interrupt,
            remote.close,
        )

    def run(self, host: Host, script: Script, observe: Observer = nobody) -> tuple[Result, ...]:
        watched = self.watched[script.run]

        def noted(event: Event) -> None:
            if isinstance(event, StepOutput):
                watched.heard.setdefault(event.name, time.time())
            observe(event)

        watched.heard.clear()
        watched.sent = time.time()
        return self._remote.run(host, script, noted)


# The server ends each of its questions after a sixth of that.
_LONGEST_OF_SERVER = 120.0


@dataclass(frozen=True)
class DatabaseFacts:
    """One database: what it tells of itself, and what lies in its vault."""

    state: DatabaseState = field(default_factory=DatabaseState)
    vault: BackupDirectoryFacts = field(default_factory=BackupDirectoryFacts)


def examine(
    remote: Remote, databases: Mapping[str, Database], urls: Mapping[str, Value]
) -> dict[str, DatabaseFacts | LockstitchError]:
    """Ask them all at once, one script each; one whose host cannot be asked is reported, not raised."""
    errors = remote.connect({d.host.name: d.host for d in databases.values()}.values())
    found: dict[str, DatabaseFacts | LockstitchError] = {}

    def one(name: str) -> None:
        database = databases[name]
        try:
            found[name] = errors.get(database.host.name) or _examine(remote, database, urls[name])
        except LockstitchError as error:
            found[name] = error

    run_parallel(one, databases, remote.interrupt)
    return {name: found[name] for name in databases}


def _examine(remote: Remote, database: Database, url: Value) -> DatabaseFacts:
    login = database.engine.login(url, "")
    state = Probe("state", Command(database.engine.state, values=login), database.engine.parse_state)
    asked: list[Probe[Any]] = [vault(database), server(database, url), state]
    steps = tuple(Step(probe.name, "", probe.command, timeout=_LONGEST_OF_SERVER) for probe in asked)
    results = remote.run(database.host, Script(steps, app=database.name, keep_going=True))
    read = {p.name: p.parse(r.output, r.code) for p, r in zip(asked, results, strict=False)}
    secrets = [value for value in login.values() if isinstance(value, Secret)]
    told = read["server"]
    return DatabaseFacts(
        read["state"].told(lambda text: mask(text, secrets)),
        replace(read["vault"], server=replace(told, problem=mask(told.problem, secrets))),
    )
