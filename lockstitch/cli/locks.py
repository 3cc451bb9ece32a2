"""The tasks on locks: those of a fleet's apps, and of the databases that belong to it."""

from __future__ import annotations

from lockstitch import plans
from lockstitch.cli.session import Session
from lockstitch.engine.journal import now
from lockstitch.engine.locks import Locks, break_locks, record_taken
from lockstitch.engine.survey import survey_databases
from lockstitch.errors import CheckError, LockstitchError
from lockstitch.facts.database import database_site
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import Database
from lockstitch.model.host import Host
from lockstitch.model.lock import LockInfo, parse_lock
from lockstitch.model.plan import Site
from lockstitch.report.status import locks_json, locks_text
from lockstitch.text import listed, oneline


def show_locks(session: Session, only: str) -> None:
    """Print every lock of the fleet."""
    fleet = session.fleet(only)
    survey = session.survey(fleet, plans.usual_asks(fleet))
    plans.raise_unreachable(survey)
    held = {site: facts.host.lock for site, facts in survey.facts.items()} | _of_vaults(session, fleet)
    session.answer(lambda: locks_json(held), lambda: locks_text(held))


def take_locks(session: Session, only: str) -> None:
    """Lock a fleet by hand."""
    fleet, hosts = _connected(session, only)
    environment = fleet.inventory.name
    info = LockInfo(session.run_id, session.by, session.message, now())
    sites = _sites(fleet)
    Locks(session.remote, hosts, sites, info, {}, environment).acquire()
    record_taken(session.remote, hosts, sites, info)
    print(f"locked {environment} as run {session.run_id}; free it with: fab -H {environment} lock.break")


def free_locks(session: Session, only: str) -> None:
    """Free the fleet's locks whoever holds them, and say whose they were."""
    fleet, hosts = _connected(session, only)
    session.confirm(fleet)
    who = {"run": session.run_id, "by": session.by, "message": session.message}
    broken = break_locks(session.remote, hosts, _sites(fleet), **who, warn=session.note)
    lines = [f"{site.host}: {site.app}: broke the lock of {info}" for site, info in broken.items()]
    print("\n".join(map(oneline, lines)) or "nothing was locked")


def _connected(session: Session, only: str) -> tuple[Fleet, dict[str, Host]]:
    fleet = session.fleet(only)
    hosts = dict.fromkeys((*fleet.hosts, *(database.host for database in databases_of(fleet))))
    for error in session.remote.connect(hosts).values():
        raise error
    return fleet, {host.name: host for host in hosts}


def _sites(fleet: Fleet) -> tuple[Site, ...]:
    return (*plans.sites(fleet), *map(database_site, databases_of(fleet)))


def databases_of(fleet: Fleet) -> list[Database]:
    """The databases of a selection: of its apps, or all of them where a whole environment is meant."""
    known = fleet.inventory.databases.values()
    whole = fleet.narrowed is None and fleet.hosts == fleet.inventory.hosts
    names = {app.database for _, app in fleet.sites()}
    return [database for database in known if whole or database.name in names]


def _of_vaults(session: Session, fleet: Fleet) -> dict[Site, LockInfo | None]:
    databases = {database.name: database for database in databases_of(fleet)}
    held: dict[Site, LockInfo | None] = {}
    for name, answer in survey_databases(session.remote, databases, {}).items():
        if isinstance(answer, LockstitchError):
            raise answer
        if answer.vault.unreadable:
            raise CheckError(listed(f"{name}: unreadable: {why}" for why in answer.vault.unreadable))
        held[database_site(databases[name])] = parse_lock(answer.vault.lock_file)
    return held
