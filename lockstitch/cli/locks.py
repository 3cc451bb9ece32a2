"""The tasks on locks: those of a fleet's apps, and of the databases that belong to it."""

from __future__ import annotations

from collections.abc import Sequence

from lockstitch import plans
from lockstitch.cli.session import Session
from lockstitch.engine.journal import now
from lockstitch.engine.locks import Locks, break_locks, record_taken, refuse_frozen
from lockstitch.engine.survey import find_keepers, survey_databases
from lockstitch.errors import CheckError, LockHeldError, LockstitchError
from lockstitch.facts.database import database_site
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import Database
from lockstitch.model.host import Host
from lockstitch.model.lock import EVERYTHING, LockInfo, parse_lock
from lockstitch.model.plan import Plan, Script, Site
from lockstitch.plans.lock_steps import release_step
from lockstitch.report.status import locks_json, locks_text
from lockstitch.text import listed, oneline


def show_locks(session: Session, only: str) -> None:
    """Print every lock of the fleet."""
    fleet = session.fleet(only)
    held = _held(session, fleet, _keepers(session, fleet))
    session.answer(lambda: locks_json(held), lambda: locks_text(held))


def take_locks(session: Session, only: str) -> None:
    """Lock a fleet by hand. A host that is added to it later is locked with it."""
    fleet, databases, hosts = _connected(session, only)
    environment = fleet.inventory.name
    info = LockInfo(session.run_id, session.by, session.message, now(), scope=_scope(fleet))
    sites = _sites(fleet, databases)
    if session.dry:
        print(f"{environment} would be locked: {', '.join(hosts)}")
        return
    Locks(session.remote, hosts, sites, info, {}, environment).acquire()
    record_taken(session.remote, hosts, sites, info)
    free = f"fab -H {environment} lock.release"
    print(f"locked {environment} as run {session.run_id}; free it with: {free}, or for anybody: {free[:-7]}break")


def release_locks(session: Session, only: str) -> None:
    """Free the locks that this person took by hand, and say whose the others are."""
    fleet, databases, hosts = _connected(session, only)
    held = {site: info for site, info in _held(session, fleet, databases).items() if info}
    mine = {site: info for site, info in held.items() if info.by == session.by and info.scope}
    for site, info in () if session.dry else mine.items():
        script = Script((release_step(site, info.run),), app=site.app, user=site.user)
        for result in session.remote.run(hosts[site.host], script):
            if not result.ok:
                raise CheckError(f"{site.host}: {site.app}: its lock could not be freed: {oneline(result.output)}")
    verb = "would release" if session.dry else "released"
    lines = [f"{site.host}: {site.app}: {verb} the lock of {info}" for site, info in mine.items()]
    others = [f"{site.host}: {site.app} is locked by {info}" for site, info in held.items() if site not in mine]
    if others and not mine:
        hint = f"{_RELEASES}; only if that run is dead, or its owner agrees: fab -H {fleet.inventory.name} lock.break"
        raise LockHeldError(listed([*others, "nothing was released"]), hint=hint)
    print("\n".join(map(oneline, [*lines, *others])) or "nothing was locked")


_RELEASES = "lock.release frees what you took by lock.take on this machine"


def refuse_under_freeze(session: Session, plan: Plan) -> None:
    """Raise LockHeldError where a site on which nothing was ever done came to what somebody has locked by hand: its
    host has no lock, those that were there before have."""
    sizes = plan.journal_sizes
    fleets = [fleet for fleet in session.c.selection.fleets if fleet.inventory.name == plan.environment]
    for fleet in fleets:
        whole = Fleet(fleet.inventory, tuple((g.name, host) for g in fleet.inventory.groups for host in g.hosts))
        groups = {host.name: [g.name for g in fleet.inventory.groups if host in g.hosts] for host in whole.hosts}
        fresh = {site: groups[site.host] for site in plan.sites if sizes.get(site) == 0 and site.host in groups}
        others = [ask for ask in plans.usual_asks(whole) if ask.site not in plan.sites]
        refuse_frozen(session.remote, fresh, others, plan.environment)


def free_locks(session: Session, only: str) -> None:
    """Free the fleet's locks whoever holds them, and say whose they were."""
    fleet, databases, hosts = _connected(session, only)
    if session.dry:
        held = [(site, info) for site, info in _held(session, fleet, databases).items() if info]
        said = listed(f"{site.host}: {site.app}: the lock of {info} would be broken" for site, info in held)
        print(said or "nothing is locked")
        return
    session.confirm(fleet)
    who = {"run": session.run_id, "by": session.by, "message": session.message}
    broken = break_locks(session.remote, hosts, _sites(fleet, databases), **who, warn=session.note)
    lines = [f"{site.host}: {site.app}: broke the lock of {info}" for site, info in broken.items()]
    print("\n".join(map(oneline, lines)) or "nothing was locked")


def _connected(session: Session, only: str) -> tuple[Fleet, list[Database], dict[str, Host]]:
    fleet = session.fleet(only)
    databases = _keepers(session, fleet)
    hosts = dict.fromkeys((*fleet.hosts, *(database.host for database in databases)))
    for error in session.remote.connect(hosts).values():
        raise error
    return fleet, databases, {host.name: host for host in hosts}


def _held(session: Session, fleet: Fleet, databases: Sequence[Database]) -> dict[Site, LockInfo | None]:
    survey = session.survey(fleet, plans.usual_asks(fleet))
    plans.raise_unreachable(survey)
    return {site: facts.host.lock for site, facts in survey.facts.items()} | _of_vaults(session, databases)


def _scope(fleet: Fleet) -> str:
    """Return what of an environment is selected: all of it, or the groups of which every host is."""
    inventory = fleet.inventory
    if fleet.narrowed is None and set(fleet.hosts) == set(inventory.hosts):
        return EVERYTHING
    whole = [group.name for group in inventory.groups if set(group.hosts) <= set(fleet.hosts)]
    return " ".join(whole) or "some"


def _sites(fleet: Fleet, databases: Sequence[Database]) -> tuple[Site, ...]:
    return (*plans.sites(fleet), *map(database_site, databases))


def databases_of(fleet: Fleet) -> list[Database]:
    """Return the databases of a selection: of its apps, or all of them where a whole environment is meant."""
    known = fleet.inventory.databases.values()
    whole = fleet.narrowed is None and fleet.hosts == fleet.inventory.hosts
    names = {app.database for _, app in fleet.sites()}
    return [database for database in known if whole or database.name in names]


def _keepers(session: Session, fleet: Fleet) -> list[Database]:
    """Return the databases of a selection, each at the host that keeps its backups."""
    meant = {database.name: database for database in databases_of(fleet)}
    return list(find_keepers(session.remote, meant, session.note).values())


def _of_vaults(session: Session, meant: Sequence[Database]) -> dict[Site, LockInfo | None]:
    databases = {database.name: database for database in meant}
    held: dict[Site, LockInfo | None] = {}
    for name, answer in survey_databases(session.remote, databases, {}).items():
        if isinstance(answer, LockstitchError):
            raise answer
        if answer.vault.unreadable:
            raise CheckError(listed(f"{name}: unreadable: {why}" for why in answer.vault.unreadable))
        held[database_site(databases[name])] = parse_lock(answer.vault.lock_file)
    return held
