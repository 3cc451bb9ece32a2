"""The databases of an environment, as the engine uses them: each with its host. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lockstitch.databases.backup import Vault
from lockstitch.databases.engine import engines
from lockstitch.databases.retention import Keep
from lockstitch.inventory.check import LOCAL
from lockstitch.inventory.database import DatabaseSettings
from lockstitch.inventory.model import Database, Group
from lockstitch.inventory.schema import Environment
from lockstitch.model.host import Address, Host

THIS_MACHINE = Host(LOCAL, Address(LOCAL), local=True)


def databases(environment: Environment, groups: Iterable[Group]) -> Mapping[str, Database]:
    """Every database by its name; that the hosts it names are there has been judged before."""
    hosts = {LOCAL: THIS_MACHINE}
    for group in groups:
        hosts |= {host.name: host for host in group.hosts}
    hosts |= {group.name: group.hosts[0] for group in groups}
    return {name: _database(name, settings, hosts) for name, settings in environment.databases.items()}


def _database(name: str, settings: DatabaseSettings, hosts: Mapping[str, Host]) -> Database:
    offsite = settings.offsite
    return Database(
        name,
        engines()[settings.engine],
        settings.url,
        hosts[settings.run_on],
        Vault(settings.directory, name),
        settings.jobs,
        Keep(**settings.keep.model_dump()),
        settings.prove.url if settings.prove else None,
        offsite,
        hosts[offsite.host] if offsite and offsite.host else None,
        settings.check,
        settings.drain,
        settings.timeout,
        settings.min_free,
    )
