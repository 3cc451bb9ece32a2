"""Values that a host does not tell by itself: of an app's database, its Redis and its queues. Pure.

They are asked by the questions of `database.check` and `check`, and only where a gate names them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace

from lockstitch.checks.redis import NAME, info_probe
from lockstitch.databases.health import Room
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App, Database
from lockstitch.metrics.measurement import Measurement
from lockstitch.model.command import Command, Value
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, number
from lockstitch.services.queues import QueueState
from lockstitch.services.release_context import ReleaseContext

_QUEUES = ("jobs_waiting", "jobs_failed")
_REDIS = ("redis_memory", "redis_clients")
_NO_DATABASE = "the app has no `database` in the inventory"
_TELLS = "fab -H ENV queue.status tells more"


@dataclass(frozen=True)
class AppValues:
    """Values by their names, and why others cannot be read."""

    values: Mapping[str, float] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)

    def beside(self, answer: Measurement) -> Measurement:
        """Return the answer of a source with these values."""
        if answer.blind:
            return answer
        return replace(answer, values={**answer.values, **self.values}, unread={**answer.unread, **self.unread})


Secrets = Mapping[str, Value]


@dataclass(frozen=True)
class ValueQuery:
    """A question for the values `names`, asked on `host` as `user`; None is the login user. What is alike in `about` is
    asked once. `probe` takes the secrets that are known by their `references`; without those that are `needed` it is
    not asked."""

    about: tuple[str, ...]
    names: tuple[str, ...]
    host: Host
    probe: Callable[[Secrets], Probe[AppValues]]
    needed: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    user: str | None = None

    def without(self, why: str) -> AppValues:
        """Return the answer where there is none."""
        return _lacking(self.names, why)


def value_queries(fleet: Fleet, host: Host, app: App, names: frozenset[str]) -> tuple[ValueQuery, ...]:
    """Return the questions for values of an app on a host, by their names."""
    queries = []
    if "connections" in names:
        database = fleet.inventory.databases.get(app.database or "")
        queries.append(connections(database) if database else _nowhere(host, ("connections",), _NO_DATABASE))
    if named := tuple(name for name in _REDIS if name in names):
        queries.append(_of_redis(fleet, host, app, named))
    if named := tuple(name for name in _QUEUES if name in names):
        queries.append(_of_queues(host, app, named))
    return tuple(queries)


def _nowhere(host: Host, names: tuple[str, ...], why: str) -> ValueQuery:
    silent = Probe("values", Command(":"), lambda *_: _lacking(names, why))
    return ValueQuery((host.name, *names), names, host, lambda _: silent)


def _lacking(names: Iterable[str], why: str) -> AppValues:
    return AppValues(unread=dict.fromkeys(names, why))


def connections(database: Database) -> ValueQuery:
    """Return the question for the used part of the connections, where the fewest are free: of the server, the database
    or the login."""
    engine, name = database.engine, "connections"

    def parse(text: str, code: int) -> AppValues:
        rooms, problem = engine.parse_room(text, code)
        known = [room for room in rooms if room.allowed > 0]
        if problem or not known:
            return _lacking((name,), f"{database.name}: {problem or 'the server does not tell how many are allowed'}")
        return AppValues({name: max(map(_full, known))})

    def probe(known: Secrets) -> Probe[AppValues]:
        return Probe(name, Command(engine.room, values=engine.login(known[database.url], "")), parse)

    return ValueQuery((name, database.name), (name,), database.host, probe, (database.url,), (database.url,))


def _full(room: Room) -> float:
    return room.used / room.allowed


def _of_redis(fleet: Fleet, host: Host, app: App, names: tuple[str, ...]) -> ValueQuery:
    groups = [group.checks.redis for group in fleet.inventory.groups if host in group.hosts]
    settings = app.checks.redis or next((checks for checks in groups if checks), None)
    if settings is None:
        return _nowhere(host, names, "no `checks: {redis: …}` says which Redis")
    reference = () if "://" in settings.url else (settings.url,)

    def parse(info: Mapping[str, str]) -> AppValues:
        values, unread = {}, {}
        for name, used, most, none in (
            ("redis_memory", "used_memory", "maxmemory", "it has no maxmemory"),
            ("redis_clients", "connected_clients", "maxclients", "it does not tell its maxclients"),
        ):
            amount, limit = number(info.get(used, "")), number(info.get(most, ""))
            if problem := info.get("problem"):
                unread[name] = f"{settings.url}: {problem}"
            elif amount is None or not limit:
                unread[name] = f"{settings.url}: {none if amount is not None else f'it does not tell its {used}'}"
            else:
                values[name] = amount / limit
        return AppValues(values, unread)

    def probe(known: Secrets) -> Probe[AppValues]:
        asked, missing = info_probe(settings.url, known, {})
        if missing:
            return Probe(NAME, Command(":"), lambda *_: _lacking(names, missing))
        return Probe(NAME, asked.command, lambda text, code: parse(asked.parse(text, code)))

    return ValueQuery((NAME, settings.url, host.name), names, host, probe, reference, reference)


def _of_queues(host: Host, app: App, names: tuple[str, ...]) -> ValueQuery:
    def probe(known: Secrets) -> Probe[AppValues]:
        env = {**app.env, **{name: known[reference] for name, reference in app.secrets.items() if reference in known}}
        queues = app.service.queue(ReleaseContext(app.name, app.layout_paths, "", "", env))
        if queues is None:
            return Probe("queues", Command(":"), lambda *_: _lacking(names, "its service knows no queues"))
        status = queues.status
        return Probe("queues", status.command, lambda text, code: _jobs(status.parse(text, code)))

    return ValueQuery(("queues", app.name, host.name), names, host, probe, (), tuple(app.secrets.values()), app.user)


def _jobs(state: QueueState) -> AppValues:
    values, unread = {}, {}
    sizes = [size for size in state.sizes.values() if size is not None]
    if state.problem or not sizes or len(sizes) < len(state.sizes):
        unread["jobs_waiting"] = f"{state.problem or 'not every queue could be asked'}; {_TELLS}"
    else:
        values["jobs_waiting"] = float(sum(sizes))
    if state.problem or state.failed is None:
        unread["jobs_failed"] = f"{state.problem or 'the app does not tell its failed jobs'}; {_TELLS}"
    else:
        values["jobs_failed"] = float(state.failed)
    return AppValues(values, unread)
