"""A database: an entry of the `databases` mapping. The engines it may have are those found in `services/`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, StrictInt
from pydantic_core import CoreSchema, core_schema

from lockstitch.databases.engine import engines
from lockstitch.inventory.offsite import OffsiteSettings
from lockstitch.inventory.settings import Settings
from lockstitch.inventory.ssh import Count
from lockstitch.inventory.types import Name, RemotePath, SecretReference
from lockstitch.inventory.units import Duration, PositiveDuration, Size, as_written

Number = Annotated[StrictInt, Field(ge=0)]
Percent = Annotated[StrictInt, Field(ge=1, le=100)]


@dataclass(frozen=True)
class AnyEngine:
    """The type of `engine`: whichever there is."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(engines()))


class KeepSettings(Settings):
    """Which backups stay when `backup.prune` is typed. A backup that any of them keeps stays."""

    last: Number = Field(default=7, description="the newest ones, whatever their age")
    daily: Number = Field(default=14, description="the newest of each of so many days that have one")
    weekly: Number = Field(default=8, description="the newest of each of so many weeks that have one")
    monthly: Number = Field(default=0, description="the newest of each of so many months that have one")


class ProveSettings(Settings):
    """Where `backup.prove` restores. A server of its own does not slow the one that serves."""

    url: SecretReference = Field(
        description="where the URL of a login that may make databases is; no database of it is touched but the "
        "scratch one that is made and dropped"
    )


class CheckSettings(Settings):
    """From when on `database.check` says no."""

    connections: Percent = Field(default=80, description="connections in use, in percent of those allowed")
    long_query: PositiveDuration = Field(default=as_written("5m"), description="how long a query may run")
    lock_wait: PositiveDuration = Field(default=as_written("30s"), description="how long a query may wait for a lock")
    lag: PositiveDuration = Field(default=as_written("60s"), description="how far a replica may be behind")
    backup_age: Duration = Field(
        default=as_written("0s"), description="how old the newest backup may be; `0s`: it is not looked at"
    )


class DatabaseSettings(Settings):
    """A database, where its backups are kept, and how long."""

    engine: Annotated[str, AnyEngine()] = Field(description="what kind of database it is")
    url: SecretReference = Field(
        description="where its URL is: `env:NAME`, `file:PATH` or `cmd:COMMAND`; the URL as `run_on` reaches it"
    )
    run_on: Name = Field(
        description="whose client programs are used, and who holds the backups: a group (its first host), "
        "a host, or `local` for this machine"
    )
    directory: RemotePath = Field(
        description="folder of `run_on` for the backups; one folder may serve several databases"
    )
    jobs: Count = Field(
        default=1,
        description="how many tables are dumped and restored at a time, where the engine's programs can; a dump of "
        "several at a time is a folder",
    )
    keep: KeepSettings = Field(default_factory=KeepSettings, description="which backups stay when they are pruned")
    prove: ProveSettings | None = Field(default=None, description="where backups are restored to prove them")
    offsite: OffsiteSettings | None = Field(default=None, description="where `backup.push` takes them")
    check: CheckSettings = Field(default_factory=CheckSettings, description="from when on `database.check` says no")
    drain: Duration = Field(
        default=as_written("10s"),
        description="how long work under way may go on before a restore takes the database's place",
    )
    timeout: PositiveDuration = Field(default=as_written("6h"), description="how long a dump or restore may take")
    min_free: Size = Field(default=as_written("200M"), description="what must stay free on the disk of the backups")
