"""Models of what is deployed: an entry of the `apps` mapping. The services it may have are those found in
`services/`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from lockstitch import flags as drivers
from lockstitch import services
from lockstitch.inventory.checks import AppChecks, Expectations
from lockstitch.inventory.metrics import GateSettings
from lockstitch.inventory.settings import AnyKind, DefaultKind, Deferred, Settings, wrong
from lockstitch.inventory.smoke import SmokeSettings
from lockstitch.inventory.ssh import Count
from lockstitch.inventory.types import (
    AppPath,
    CommandLine,
    EnvironmentValue,
    GitRef,
    InsidePath,
    Name,
    PositiveDuration,
    RemotePath,
    Repository,
    SecretReference,
    ServedPath,
    SharedPath,
    Size,
    User,
    Variable,
    WebUrl,
    as_written,
    tidied,
)
from lockstitch.inventory.variables import EnvFile, Setting, refuse_settings
from lockstitch.inventory.watch import RollbackRule, WatchStage, refuse_rules
from lockstitch.measures.base import DEFAULT_KIND, Measure, measure_types
from lockstitch.model.layout import LayoutKind

Env = dict[Variable, EnvironmentValue]
# Looked up when it is needed: tests have services of their own.
AnyService = Annotated[services.Service, AnyKind(lambda kind: services.service_types(kind))]
AnyFlag = Annotated[drivers.Flag, AnyKind(lambda kind: drivers.flag_types()), DefaultKind(drivers.DEFAULT_KIND)]
AnyMeasure = Annotated[Measure, AnyKind(lambda kind: measure_types())]
BackupWhen = Literal["before_migrate", "before_deploy", "never"]


def _with_kinds(written: Any) -> Any:
    """Give each measure its kind: the one that was written, or its name where that is one."""
    if not isinstance(written, dict):
        return written
    types = measure_types()
    return {
        name: {"kind": name if name in types else DEFAULT_KIND, **value} if isinstance(value, dict) else value
        for name, value in written.items()
    }


class Health(Expectations):
    """The URL at which an app reports its health. It is asked on the host itself, after every switch. In texts of
    `expect` and `contains`, `{revision}`, `{release}`, `{ref}` and `{tag}` stand for those that are to serve. One with
    `{tag}` is judged where a tag was deployed."""

    url: WebUrl = Field(description="the URL to request")
    revision: str = Field(
        default="",
        description="dotted key of the JSON answer that has the commit which serves; it must be the new one",
    )
    interval: PositiveDuration = Field(default=as_written("1s"), description="time between two requests")
    timeout: PositiveDuration = Field(default=as_written("5s"), description="how long one answer may take")
    tries: Count = Field(default=30, description="how often it is requested before the gate fails")


class MigrateTimeouts(Settings):
    """Limits of the sessions in which migrations run. A migration that waits for a lock stops every query behind it.
    They go through the environment: drivers that use libpq, and node-postgres, take them from there."""

    lock: PositiveDuration | None = Field(
        default=None,
        description="how long a statement waits for a lock before the migration fails and is tried again",
    )
    statement: PositiveDuration | None = Field(default=None, description="how long one statement may take")
    tries: Count = Field(default=3, description="how often a migration is tried that could not get a lock")

    @model_validator(mode="after")
    def _some(self) -> MigrateTimeouts:
        if self.lock is None and self.statement is None:
            raise ValueError("it limits nothing: give lock, statement or both")
        return self


class AppSettings(Settings):
    """Settings of what is deployed. Commands run in the release's folder."""

    repository: Repository = Field(description="the git repository; hosts fetch from it themselves")
    ref: GitRef = Field(default="main", description="branch, tag or commit to deploy, unless `--ref` is given")
    layout: LayoutKind = Field(
        default="in_place",
        description="`in_place`: a git checkout, updated where it stands; `releases`: a folder per release and a "
        "`current` symlink",
    )
    path: AppPath = Field(description="where the app is on the host; a relative path starts at the user's home")
    state: RemotePath | None = Field(
        default=None, description="folder for lock and journal; by default `.lockstitch/NAME` beside `path`"
    )
    user: User | None = Field(default=None, description="run everything as this user, through sudo")
    build: tuple[CommandLine, ...] = Field(default=(), description="commands that make the code ready to run")
    test: tuple[CommandLine, ...] = Field(default=(), description="commands that must succeed before the code serves")
    check: CommandLine | None = Field(
        default=None, description="loads the code without serving it, instead of the service's own check"
    )
    migrate: CommandLine | None = Field(
        default=None, description="migrates the database, once per deploy, on the first host"
    )
    migrate_timeouts: MigrateTimeouts | None = Field(
        default=None, description="how long migrations may wait for locks, and how long a statement of them may take"
    )
    database: Name | None = Field(default=None, description="its database, by the name it has under `databases`")
    backup: BackupWhen = Field(
        default="before_migrate",
        description="when a deploy backs up its database: `before_migrate` only if a migration is pending",
    )
    pending: CommandLine | None = Field(
        default=None,
        description="prints a line for each pending migration, and nothing if there is none; known for Alembic, "
        "Prisma, Django and artisan",
    )
    migrate_down: CommandLine | None = Field(
        default=None,
        description="reverts the last `$steps` migrations, whose files are in `$migrations`, for `rollback "
        "--database down`; known for Alembic, Django and artisan",
    )
    migrations: tuple[InsidePath, ...] = Field(
        default=(), description="git globs of the migrations' files, one file each; known for the same four"
    )
    timeout: PositiveDuration = Field(default=as_written("30m"), description="how long one step may take")
    shared: tuple[SharedPath, ...] = Field(
        default=(), description="files and folders that all releases share (layout `releases` only)"
    )
    keep: Count = Field(default=5, description="how many good releases stay on a host")
    settings: dict[Variable, Setting] = Field(
        default={}, description="its environment variables: where each value is from, and what must be true of it"
    )
    env_file: EnvFile | None = Field(default=None, description="the file on each host that its settings stand in")
    env: Env = Field(default={}, description="environment of the app's commands; short for `settings` with `is`")
    secrets: dict[Variable, SecretReference] = Field(
        default={},
        description="secret part of the environment, as references: `env:NAME`, `file:PATH` or `cmd:COMMAND`; short "
        "for `settings` with `from`",
    )
    service: Annotated[services.Service, AnyKind(lambda kind: services.service_types(kind))] = Field(
        description="what runs the app"
    )
    health: Health | None = Field(default=None, description="how to ask the app whether it is healthy")
    maintenance_page: RemotePath | None = Field(
        default=None,
        description="file that makes the web server answer 503 while it exists, for `maintenance.on`; for services "
        "without a maintenance mode of their own",
    )
    logs: tuple[ServedPath, ...] = Field(
        default=(),
        description="log files or patterns, for `fab logs`; their last lines are shown when a deploy fails",
    )
    min_free: Size = Field(
        default=as_written("200M"), description="free space that a host must have before a deploy begins"
    )
    checks: AppChecks = Field(default_factory=AppChecks, description="checks before a deploy begins")
    gates: dict[Name, GateSettings] = Field(default={}, description="what metric sources must show of it, by name")
    watch: tuple[WatchStage, ...] = Field(
        default=(), description="how often `watch` reads after a release, in parts that follow one another"
    )
    rollback_on: dict[Name, RollbackRule] = Field(
        default={}, description="when a watch takes the release back: rules by the names of gates, or `health`"
    )
    flags: dict[Name, AnyFlag] = Field(default={}, description="its feature flags, by name")
    smoke: Annotated[SmokeSettings, Deferred(SmokeSettings)] | None = Field(
        default=None, description="requests as a user makes them, which must be answered"
    )
    measure: Annotated[dict[Name, AnyMeasure], BeforeValidator(_with_kinds)] = Field(
        default={},
        description="what `measure` takes of it, by name; its `kind` is its name without one, or else `http`",
    )

    @model_validator(mode="after")
    def _rules(self) -> AppSettings:
        if self.shared and self.layout != "releases":
            raise wrong("shared", "shared paths need layout: releases")
        if self.layout == "releases" and (pair := _overlapping(self.shared, self.service.shared())):
            raise wrong("shared", f"{pair}: each file can be shared once; keep one of the two")
        for key in ("pending", "migrate_down", "migrations", "migrate_timeouts"):
            if getattr(self, key) and not (self.migrate or self.service.migrate_line()):
                raise wrong(key, "without a migrate line there is nothing it could be about")
        if self.migrate_timeouts and self.database is None:
            raise wrong("migrate_timeouts", "it names no database: write database: NAME")
        refuse_rules(self.rollback_on, self.gates, self.flags, has_health=self.health is not None)
        if self.maintenance_page and self.service.maintenance_mode():
            raise wrong("maintenance_page", "its service has a maintenance mode of its own")
        for name in self.secrets:
            if name in self.env:
                raise wrong("secrets", f"{name} is in env as well: keep one of the two")
        refuse_settings(self)
        return self


def _overlapping(mine: tuple[str, ...], usual: tuple[str, ...]) -> str:
    """The first two shared paths of which one is or holds the other, as it was written; `usual` are the service's, each
    of which an app may write again. Empty where there are none."""
    theirs = [
        (path, path, " (which its service shares)")
        for path in usual
        if path not in {tidied(own).rstrip("/") for own in mine}
    ]
    every = [*((path, tidied(path).rstrip("/"), "") for path in mine), *theirs]
    for number, (path, first, _) in enumerate(every):
        for other, second, whose in every[number + 1 :]:
            if f"{first}/".startswith(f"{second}/") or f"{second}/".startswith(f"{first}/"):
                return f"{path!r} and {other!r}{whose} overlap"
    return ""
