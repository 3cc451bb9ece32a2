"""The checks of a fleet: those its inventory declares, and those that its apps and hosts imply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from lockstitch.checks import apps
from lockstitch.checks import host as machine
from lockstitch.checks.check import Check, CheckGroup, Context
from lockstitch.checks.host import clock, tools
from lockstitch.checks.network import header_parts, ports, url
from lockstitch.checks.redis import redis
from lockstitch.checks.tls import certificate
from lockstitch.checks.variables import ruled, variables
from lockstitch.errors import UsageError
from lockstitch.evidence import need_types
from lockstitch.inventory.checks import (
    AppChecks,
    ClockChecks,
    DiskChecks,
    HostChecks,
    LoadChecks,
    MemoryChecks,
    QueueChecks,
)
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App
from lockstitch.inventory.validation import did_you_mean
from lockstitch.model.command import Value
from lockstitch.model.host import Host

_OF_HOSTS = ("clock", "tools", "disk", "memory", "load", "reboot", "ports", "at_boot", "tls", "urls", "redis")
_OF_APPS = (
    "variables",
    "git",
    "place",
    "sudo",
    "checkout",
    "writable",
    "environment",
    "queue",
    "migrations",
    "database",
    "service",
    "health",
)
NAMES = (*_OF_HOSTS, *_OF_APPS)


def gathered(fleet: Fleet, context: Context, skip: Iterable[str] = (), *, implied: bool) -> tuple[CheckGroup, ...]:
    """Return the checks of every host and of every app on it, each group for one script. Without `implied`, only the
    declared ones. Raises UsageError for an unknown name in `skip`."""
    skipped = known(skip)
    groups = [*_hosts(fleet, context, implied), *_apps(fleet, context, implied)]
    kept = [replace(group, checks=tuple(c for c in group.checks if c.name not in skipped)) for group in groups]
    return tuple(group for group in kept if group.checks)


def known(names: Iterable[str]) -> tuple[str, ...]:
    """Return these names of checks, or of what `requires` may name. Raises UsageError for an unknown one."""
    for name in names:
        if name not in NAMES and name not in need_types():
            raise UsageError(f"there is no check {name}{did_you_mean(name, NAMES)}", hint="docs/checks.md has them all")
    return tuple(names)


def databases(fleet: Fleet, *, implied: bool) -> tuple[str, ...]:
    """Return the databases to check: those of apps that declare it; with `implied`, of all that do not decline."""
    named = [app.database for _, app in fleet.sites() if app.database and _wanted(app.checks.database, implied)]
    return tuple(dict.fromkeys(map(str, named)))


def references(fleet: Fleet, *, implied: bool = False) -> tuple[str, ...]:
    """Return the secret references that checks need: of declared variables, of Redis and of headers; with `implied`,
    also those needed to list migrations."""
    declared = [*(group.checks for group in fleet.groups), *(app.checks for _, app in fleet.sites())]
    urls = [checks.redis.url for checks in declared if checks.redis and "://" not in checks.redis.url]
    urls += [reference for checks in declared for each in checks.urls for _, reference in header_parts(each).values()]
    secrets = [app.secrets[name] for _, app in fleet.sites() for name in ruled(app) if name in app.secrets]
    if implied:
        needed = [app for _, app in fleet.sites() if app.migrating.pending or app.service.has_environment()]
        secrets += [each for app in needed for each in app.secrets.values()]
    return tuple(dict.fromkeys([*urls, *secrets]))


def usual_host(host: Host) -> CheckGroup:
    """Return the checks of a host of which only the name is known."""
    return CheckGroup(host.name, host, tuple(_usual()))


def _wanted(said: bool | None, implied: bool) -> bool:
    return implied if said is None else said


def _hosts(fleet: Fleet, context: Context, implied: bool) -> Iterator[CheckGroup]:
    for host in fleet.hosts:
        mine = [group.checks for group in fleet.groups if host in group.hosts]
        host_checks = [check for checks in mine for check in _of_host(checks, context)]
        if implied:
            declared = {check.name for check in host_checks}
            host_checks = [*(c for c in _usual() if c.name not in declared), *host_checks]
        yield CheckGroup(host.name, host, _once(host_checks))


def _usual() -> Iterator[Check]:
    yield clock(ClockChecks())
    yield machine.disk(DiskChecks(), ["/"])
    yield machine.memory(MemoryChecks())
    yield machine.load(LoadChecks())
    yield machine.reboot("warn")


def _of_host(
    checks: HostChecks, context: Context, current: str = "", env: Mapping[str, Value] | None = None, path: str = ""
) -> Iterator[Check]:
    """Yield the declared checks. The clock is the first: its answer is more exact the sooner it arrives."""
    if checks.clock:
        yield clock(checks.clock)
    if checks.tools:
        yield tools(checks.tools, current, env)
    if checks.disk:
        yield machine.disk(checks.disk, checks.disk.paths or ["/", *([path] if path else [])])
    if checks.memory:
        yield machine.memory(checks.memory)
    if checks.load:
        yield machine.load(checks.load)
    if checks.reboot:
        yield machine.reboot(checks.reboot)
    if checks.ports or checks.not_listening:
        yield ports(checks.ports, checks.not_listening)
    if checks.at_boot:
        yield apps.at_boot(checks.at_boot, "fail")
    yield from (certificate(server, context.now) for server in checks.tls)
    yield from (url(server, context) for server in checks.urls)
    if checks.redis:
        yield redis(checks.redis, context)


def _apps(fleet: Fleet, context: Context, implied: bool) -> Iterator[CheckGroup]:
    asked: set[str] = set()
    for host, app in fleet.sites():
        env: dict[str, Value] = {**app.env, **{n: v for n, r in app.secrets.items() if (v := context.known.get(r))}}
        at = app.layout_paths
        checks = [
            *_of_host(app.checks, context, at.current, env, at.path),
            *_of_app(host, app, env, context, implied),
        ]
        if implied and app.name not in asked and (pending := apps.migrations(app, env, context)):
            checks.append(pending)
        asked.add(app.name)
        yield CheckGroup(f"{app.name}@{host.name}", host, _once(checks), app.name, app.user)


def _of_app(host: Host, app: App, env: Mapping[str, Value], context: Context, implied: bool) -> Iterator[Check]:
    checks: AppChecks = app.checks
    if ruled(app):
        yield variables(app, context)
    if _wanted(checks.git, implied):
        yield apps.repository(app)
    limits = checks.queue or (QueueChecks() if implied else None)
    if limits and (queue := apps.queue(app, limits, env)):
        yield queue
    if implied:
        # A deploy asks these in its survey and in its own `check`.
        yield apps.place(host, app)
        if may := apps.may_deploy(app, env):
            yield may
        if app.layout == "in_place":
            yield apps.checkout(app)
        if rights := apps.writable(app, env):
            yield rights
        if running := apps.environment(app, env, context):
            yield running
        units = [unit for unit in app.service.systemd_units() if unit not in checks.at_boot]
        if units:
            yield apps.at_boot(units, "warn")


def _once(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Return the checks without duplicates, for a host in two groups that declare the same."""
    different: list[Check] = []
    for check in checks:
        if not any(_same(check, other) for other in different):
            different.append(check)
    return tuple(different)


def _same(check: Check, other: Check) -> bool:
    return (check.name, check.probe.command, _how(check)) == (other.name, other.probe.command, _how(other))


def _how(check: Check) -> object:
    """Return a value that is equal for equal judgements: two partial functions are never equal."""
    judge = check.judge
    return (judge.func, judge.args) if isinstance(judge, partial) else judge
