"""A database: an entry of the `databases` mapping. The engines it may have are those found in `services/`."""

from __future__ import annotations

import re
from dataclasses import dataclass
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

    bucket: BucketName | None = Field(default=None, description="a bucket of S3, or of a store that speaks like it")
    prefix: Prefix = Field(default="", description="folder in the bucket that the backups are put into")
    endpoint: WebUrl | None = Field(default=None, description="where the store is; left out, it is AWS's")
    insecure: bool = Field(
        default=False, description="the store may be spoken to by `http://`, where all can read along"
    )
    region: Region | None = Field(default=None, description="the bucket's region, where the store needs it")
    key: SecretReference | None = Field(
        default=None,
        description="where the access key's id is; left out with `secret`, boto3's own ways are gone: the variables "
        "`AWS_…`, `~/.aws`, the machine's role",
    )
    secret: SecretReference | None = Field(default=None, description="where the secret access key is")
    age: tuple[PublicKey, ...] = Field(
        default=(),
        description="public keys of age; a copy is one file, encrypted for each of them before it leaves this machine",
    )
    host: HostName | None = Field(default=None, description="another host of the environment, by its name")
    directory: AppPath | None = Field(default=None, description="folder of that host that the backups are put into")

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

    last: Number = Field(default=7, description="the newest ones, whatever their age")
    daily: Number = Field(default=14, description="the newest of each of so many days that have one")
    weekly: Number = Field(default=8, description="the newest of each of so many weeks that have one")
    monthly: Number = Field(default=0, description="the newest of each of so many months that have one")


class ProveSettings(Settings):
    """The server on which `backup.prove` restores. A server of its own does not slow the one that serves."""

    url: SecretReference = Field(
        description="where the URL of a login that may make databases is; no database of it is touched but the "
        "scratch one that is made and dropped"
    )


class CheckSettings(Settings):
    """Limits beyond which `database.check` fails."""

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
