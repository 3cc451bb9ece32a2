"""Models of what must be true of a host before a deploy: the `checks` mappings of an inventory."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt, model_validator

from lockstitch.inventory.settings import AlternativeForm, Settings, wrong
from lockstitch.inventory.ssh import Port
from lockstitch.inventory.types import (
    WORD,
    AddressText,
    Duration,
    HeaderName,
    HeaderReference,
    Number,
    Percent,
    PositiveDuration,
    RemotePath,
    ServedPath,
    Variable,
    WrittenType,
    as_written,
    matching,
    text,
)
from lockstitch.inventory.types import WebUrl as Url
from lockstitch.inventory.variables import VariableRules
from lockstitch.model.redis_client import redis_url
from lockstitch.model.version import WANTED
from lockstitch.services.systemd_unit import UNIT_NAME

Factor = Annotated[float, Field(gt=0, le=1000)]
_TOOL = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.+/-]*")
_UNIT = re.compile(UNIT_NAME.strip("^$"))
_AT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?")

Tool = Annotated[
    str, text("tool", matching(_TOOL, "is no name of a program: write python3 or .venv/bin/python"), pattern=_TOOL)
]
VersionRange = Annotated[
    str,
    text("versions", matching(WANTED, "is no range of versions: write '>=3.11', '>=18,<21' or '*'"), pattern=WANTED),
]
UnitName = Annotated[str, text("unit", matching(_UNIT, "is no name of a unit"), pattern=_UNIT)]


RedisUrl = Annotated[
    str, WrittenType("URL without a password, or reference", redis_url, {"type": "string", "minLength": 1})
]


class _Limits(Settings):
    @model_validator(mode="after")
    def _in_order(self) -> _Limits:
        low, high = getattr(self, "warn", None), getattr(self, "fail", None)
        if low is not None and high is not None and low > high:
            raise wrong("warn", "a warning after the failure is never seen: write it below `fail`")
        return self


class DiskChecks(_Limits):
    """Limits on how full file systems may be, by space and by inodes, in percent."""

    paths: tuple[RemotePath, ...] = Field(
        default=(), description="a path on each file system to check; by default `/` and the app's own"
    )
    warn: Percent = Field(default=85, description="warns from this value on")
    fail: Percent = Field(default=95, description="fails from this value on")


class MemoryChecks(_Limits):
    """Limits on how much of the memory may be in use, in percent; what the kernel can give back counts as free."""

    warn: Percent = Field(default=85, description="warns from this value on")
    fail: Percent = Field(default=95, description="fails from this value on")


class LoadChecks(_Limits):
    """Limits on how busy the CPUs may be: the load average of five minutes for each CPU."""

    warn: Factor = Field(default=1.0, description="warns from this value on")
    fail: Factor = Field(default=4.0, description="fails from this value on")


class ClockChecks(_Limits):
    """Limits on how far the host's clock may be from the controller's."""

    warn: PositiveDuration = Field(default=as_written("2s"), description="warns beyond this")
    fail: PositiveDuration = Field(default=as_written("30s"), description="fails beyond this")


class TlsChecks(Settings):
    """A TLS certificate: of a server, asked from the host, or of a file on it."""

    host: AddressText | None = Field(default=None, description="the server, as the host reaches it")
    port: Port = Field(default=443, description="its port")
    name: AddressText | None = Field(
        default=None, description="the name to ask for, which the certificate must be valid for; by default `host`"
    )
    file: RemotePath | None = Field(default=None, description="a PEM file on the host, instead of a server")
    warn: Duration = Field(default=as_written("21d"), description="warns if less time is left")
    fail: Duration = Field(default=as_written("3d"), description="fails if less time is left")

    @model_validator(mode="after")
    def _one(self) -> TlsChecks:
        if (self.host is None) == (self.file is None):
            raise wrong("host", "give either host or file")
        if self.warn < self.fail:
            raise wrong("warn", "a warning after the failure is never seen: write it above `fail`")
        return self


def _tls(written: Any) -> Any:
    if not isinstance(written, str):
        return written
    if written.startswith("/"):
        return {"file": written}
    match = _AT.fullmatch(written)
    port = {"port": int(match[2])} if match and match[2] else {}
    return {"host": match[1].strip("[]") if match else written, **port}


class Expectations(Settings):
    """Expectations of an HTTP answer: the same words wherever a URL is asked."""

    status: Annotated[StrictInt, Field(ge=100, le=599)] = Field(
        default=200, description="the expected HTTP status; a 401 also shows that a service is there"
    )
    expect: dict[str, Any] = Field(default={}, description="fields that the JSON answer must have: dotted key to value")
    contains: str = Field(default="", description="text that the answer must contain")

    @model_validator(mode="after")
    def _no_status_as_field(self) -> Expectations:
        status = self.expect.get("status")
        if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599:
            raise wrong(
                "expect", f"`expect` names fields of the JSON answer; the HTTP status is `status: {status}`, beside it"
            )
        return self


class UrlChecks(Expectations):
    """A service that must answer, asked from the host."""

    url: Url = Field(description="the URL to request")
    headers: dict[HeaderName, HeaderReference] = Field(
        default={},
        description="headers to send, as references: `Authorization: env:API_AUTH`, or `Bearer env:API_KEY` with a "
        "word before it; a redirect is not followed",
    )
    timeout: PositiveDuration = Field(default=as_written("10s"), description="how long the answer may take")


class RedisChecks(_Limits):
    """A Redis that must answer, and how full it may be, in percent of its `maxmemory`."""

    url: RedisUrl = Field(description="its URL, as the host reaches it; a URL with a password only by reference")
    warn: Percent = Field(default=80, description="warns from this value on")
    fail: Percent = Field(default=95, description="fails from this value on")


class QueueChecks(_Limits):
    """Limits on how many jobs may wait in the app's queues, where its service knows them."""

    warn: Number = Field(default=100, description="warns if more wait, in all queues together")
    fail: Number = Field(default=10_000, description="fails if more wait")


def _variables(written: Any) -> Any:
    names = isinstance(written, list) and all(isinstance(name, str) for name in written)
    return {name: {} for name in written} if names else written


def _url(written: Any) -> Any:
    return {"url": written} if isinstance(written, str) else written


def _short(form: str) -> dict[str, Any]:
    return {"type": "string", WORD: form}


class HostChecks(Settings):
    """Checks of each host. Those that are left out are not asked before a deploy."""

    tools: dict[Tool, VersionRange] = Field(
        default={}, description="programs that must be installed, and their versions"
    )
    disk: DiskChecks | None = Field(default=None, description="how full file systems may be")
    memory: MemoryChecks | None = Field(default=None, description="how much memory may be in use")
    load: LoadChecks | None = Field(default=None, description="how busy the CPUs may be")
    clock: ClockChecks | None = Field(default=None, description="how far the clock may be off")
    reboot: Literal["warn", "fail"] | None = Field(
        default=None, description="the result if the host waits for a reboot"
    )
    ports: tuple[Port, ...] = Field(default=(), description="TCP ports that a process must listen on")
    not_listening: tuple[Port, ...] = Field(default=(), description="TCP ports that no process may listen on")
    at_boot: tuple[UnitName, ...] = Field(default=(), description="units that must start with the host")
    tls: tuple[Annotated[TlsChecks, AlternativeForm(_tls, _short("HOST, HOST:PORT or /FILE"))], ...] = Field(
        default=(), description="TLS certificates, and how long they must remain valid"
    )
    urls: tuple[Annotated[UrlChecks, AlternativeForm(_url, _short("URL"))], ...] = Field(
        default=(), description="services that must answer"
    )
    redis: RedisChecks | None = Field(default=None, description="a Redis that must answer and have free memory")


class AppChecks(HostChecks):
    """Checks of each host of an app; asked as the user who runs everything of it."""

    variables: Annotated[
        dict[Variable, VariableRules],
        AlternativeForm(
            _variables, {"type": "array", "items": {"type": "string", WORD: "NAME"}, WORD: "list of NAMEs"}
        ),
    ] = Field(
        default={},
        description="environment variables that must be set, in `env`, `secrets` or one of `env_files`; short for "
        "`settings` with rules",
    )
    env_files: tuple[ServedPath, ...] = Field(
        default=(".env",), description="files of `NAME=value` lines; a relative path is in the release that serves"
    )
    git: bool | None = Field(default=None, description="the repository must answer each host")
    queue: QueueChecks | None = Field(default=None, description="how many jobs may wait")
    database: bool | None = Field(
        default=None, description="the app's `database` must answer, within the limits of its own `check`"
    )
