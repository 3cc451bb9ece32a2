"""A database: an entry of the `databases` mapping. The engines it may have are those found in `services/`."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from lockstitch.databases.engine import engines
from lockstitch.inventory.settings import Settings, wrong
from lockstitch.inventory.ssh import Count
from lockstitch.inventory.types import (
    AppPath,
    Duration,
    HostName,
    Name,
    Number,
    Percent,
    PositiveDuration,
    RemotePath,
    SecretReference,
    Size,
    WebUrl,
    as_written,
    matching,
    text,
)
from lockstitch.model.lazy_dataclass import dataclass

# AWS allows less, other stores and AWS's oldest buckets more.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


def _prefix(value: str) -> str | None:
    """A folder in a bucket; nothing is the bucket itself. `..` would be a folder of that name."""
    if value.startswith("/") or not {".", ".."}.isdisjoint(value.split("/")) or not value.isprintable():
        return f"{value!r} cannot be a folder in a bucket: write it like backups/prod"
    return None


BucketName = Annotated[
    str, text("name of a bucket", matching(_BUCKET, "cannot be the name of a bucket"), pattern=_BUCKET)
]
Region = Annotated[
    str, text("region", matching(_REGION, "cannot be a region: write it like eu-west-1"), pattern=_REGION)
]
Prefix = Annotated[str, text("path in the bucket", _prefix)]

_AGE = re.compile(r"age1[a-z0-9]+|ssh-(ed25519|rsa) \S+.*")
# Not the value: it may be the secret half.
_NO_KEY = "it is no public key: age-keygen prints one, age1…"
PublicKey = Annotated[str, text("public key", lambda value: None if _AGE.fullmatch(value) else _NO_KEY, pattern=_AGE)]

_OF_A_BUCKET = ("prefix", "endpoint", "insecure", "region", "key", "secret")


class OffsiteSettings(Settings):
    """The place for copies of backups, should their host be lost: either a bucket, or a folder of another host."""

    bucket: BucketName | None = Field(default=None, description="a bucket of S3, or of a compatible store")
    prefix: Prefix = Field(default="", description="folder in the bucket for the backups")
    endpoint: WebUrl | None = Field(default=None, description="URL of the store; by default AWS's")
    insecure: bool = Field(default=False, description="allows `http://`, which anybody on the way can read")
    region: Region | None = Field(default=None, description="the bucket's region, if the store needs it")
    key: SecretReference | None = Field(
        default=None,
        description="reference to the access key's id; without it and `secret`, boto3's own sources are used: the "
        "variables `AWS_…`, `~/.aws`, the machine's role",
    )
    secret: SecretReference | None = Field(default=None, description="reference to the secret access key")
    age: tuple[PublicKey, ...] = Field(
        default=(),
        description="public keys of age; a copy is one file, encrypted for each of them before it leaves this machine",
    )
    host: HostName | None = Field(default=None, description="another host of the environment, by its name")
    directory: AppPath | None = Field(default=None, description="folder for the backups on that host")

    @model_validator(mode="after")
    def _one_of_two(self) -> OffsiteSettings:
        if (self.bucket is None) == (self.host is None):
            raise wrong("", "name either a bucket or a host" + (", not both" if self.bucket else ""))
        if self.host is not None and self.directory is None:
            raise wrong("", "a host needs a directory that the backups are put into")
        foreign = ("directory",) if self.bucket is not None else _OF_A_BUCKET
        for name in foreign:
            if getattr(self, name):
                raise wrong(name, f"that is of a {'host' if name == 'directory' else 'bucket'}, and there is none")
        if self.endpoint and self.endpoint.lower().startswith("http://") and not self.insecure:
            raise wrong("endpoint", "over http:// all can read the dumps along: write https://, or insecure: true")
        if (self.key is None) != (self.secret is None):
            raise wrong("key" if self.key else "secret", "key and secret are given both, or neither")
        return self


@dataclass(frozen=True)
class AnyEngine:
    """The type of `engine`: whichever there is."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(engines()))


class KeepSettings(Settings):
    """Rules for which backups `backup.prune` keeps. A backup stays where any of them keeps it."""

    last: Number = Field(default=7, description="how many of the newest, whatever their age")
    daily: Number = Field(default=14, description="for how many days that have a backup the newest is kept")
    weekly: Number = Field(default=8, description="for how many weeks that have a backup the newest is kept")
    monthly: Number = Field(default=0, description="for how many months that have a backup the newest is kept")


class ProveSettings(Settings):
    """The server on which `backup.prove` restores. A server of its own does not slow the one that serves."""

    url: SecretReference = Field(
        description="reference to the URL of a login that may create databases; it only touches the scratch database "
        "that it creates and drops"
    )


class PoolerSettings(Settings):
    """The pooler before the server, whose pools `database.check` shows, where the engine has one: PgBouncer."""

    url: SecretReference = Field(
        description="reference to the URL of its console, `postgresql://STATS_USER:PASSWORD@HOST:6432/pgbouncer`, as "
        "`run_on` reaches it"
    )


class CheckSettings(Settings):
    """Limits beyond which `database.check` fails."""

    connections: Percent = Field(default=80, description="connections in use, in percent of those allowed")
    most_connections: Number = Field(
        default=0, description="how many connections the server may have in use, whatever it allows; `0`: not checked"
    )
    pool_wait: PositiveDuration = Field(
        default=as_written("5s"), description="how long a client may wait for a connection of the `pooler`"
    )
    long_query: PositiveDuration = Field(default=as_written("5m"), description="how long a query may run")
    lock_wait: PositiveDuration = Field(default=as_written("30s"), description="how long a query may wait for a lock")
    lag: PositiveDuration = Field(default=as_written("60s"), description="how far a replica may lag behind")
    backup_age: Duration = Field(
        default=as_written("0s"), description="how old the newest backup may be; `0s`: not checked"
    )


class DatabaseSettings(Settings):
    """A database, where its backups are kept, and how long."""

    engine: Annotated[str, AnyEngine()] = Field(description="what kind of database it is")
    url: SecretReference = Field(
        description="reference to its URL: `env:NAME`, `file:PATH` or `cmd:COMMAND`; the URL as `run_on` reaches it"
    )
    run_on: Name = Field(
        description="where client programs run and backups are kept: a host, `local` for this machine, or a group: the "
        "host of it that has backups, its first one before there are any"
    )
    directory: RemotePath = Field(description="folder for the backups on `run_on`; several databases may share one")
    jobs: Count = Field(
        default=1,
        description="how many tables are dumped and restored at a time, if the engine's programs support it; a dump "
        "with several is a folder",
    )
    keep: KeepSettings = Field(default_factory=KeepSettings, description="which backups `backup.prune` keeps")
    prove: ProveSettings | None = Field(default=None, description="where backups are restored for a proof")
    offsite: OffsiteSettings | None = Field(default=None, description="where `backup.push` copies them")
    check: CheckSettings = Field(default_factory=CheckSettings, description="the thresholds of `database.check`")
    pooler: PoolerSettings | None = Field(default=None, description="the pooler before it, for `database.check`")
    drain: Duration = Field(
        default=as_written("10s"),
        description="how long running work may continue before a restore swaps the databases",
    )
    timeout: PositiveDuration = Field(default=as_written("6h"), description="how long a dump or restore may take")
    min_free: Size = Field(
        default=as_written("200M"), description="space that must stay free on the disk of the backups"
    )

    @model_validator(mode="after")
    def _has_pools(self) -> DatabaseSettings:
        if self.pooler is not None and not engines()[self.engine].pools:
            raise wrong("pooler", f"no pooler is known whose pools could be asked for {self.engine}")
        return self
