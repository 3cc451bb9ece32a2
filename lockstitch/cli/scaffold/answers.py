"""VALUE Answers: what a new operations repository is about. Pure: reading the words that a person gives for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from lockstitch.inventory.schema import HostSettings
from lockstitch.inventory.ssh import gateway
from lockstitch.inventory.types import NAME
from lockstitch.model.lazy_dataclass import dataclass


@dataclass(frozen=True)
class InitAnswers:
    """All that the files are made from. `assumed` are the flags whose defaults nobody has confirmed.

    `groups` are the hosts by group; the app runs in the first. `service` is a service's mapping as an inventory holds
    it, with its `kind`. What `missing` says is needed before a first deploy. An app that
    `app_is_common` has its settings in hosts/_all.yml.
    """

    environment: str
    groups: Mapping[str, tuple[HostSettings, ...]]
    user: str
    gateway: str
    app: str
    repository: str
    ref: str
    path: str
    layout: str
    service: Mapping[str, Any]
    health: str = ""
    protect: bool = True
    assumed: tuple[tuple[str, str], ...] = ()
    missing: str = ""
    app_is_common: bool = False

    @property
    def hosts(self) -> tuple[HostSettings, ...]:
        """Every host, group after group."""
        return tuple(host for hosts in self.groups.values() for host in hosts)


def groups_of(pairs: Iterable[str]) -> dict[str, tuple[HostSettings, ...]]:
    """The groups of words such as `backend=api1,api2`; raises ValueError."""
    groups: dict[str, tuple[HostSettings, ...]] = {}
    for pair in pairs:
        name, equals, hosts = pair.partition("=")
        if not (equals and NAME.fullmatch(name.strip())):
            raise ValueError(f"{pair!r} is not NAME=HOST,HOST")
        if name.strip() in groups:
            raise ValueError(f"{name.strip()} is there twice")
        groups[name.strip()] = hosts_of(hosts)
    return groups


def common_user(hosts: Iterable[HostSettings]) -> str:
    """The user that each of these hosts was written with; empty where they differ, or one has none."""
    users = {host.user for host in hosts}
    return users.pop() or "" if len(users) == 1 else ""


def hosts_of(text: str) -> tuple[HostSettings, ...]:
    """The hosts of a list with commas; raises ValueError."""
    hosts = [_host(word.strip()) for word in text.split(",") if word.strip()]
    names = [host.name for host in hosts]
    if not hosts:
        raise ValueError("there is none")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(twice)} is there twice: tell them apart as NAME=ADDRESS")
    return tuple(hosts)


def _host(word: str) -> HostSettings:
    name, named, where = word.partition("=")
    try:
        parts = gateway(where if named else name)
    except ValueError:
        raise ValueError(f"{word!r} is not a host: write it like web1, user@host:port or NAME=user@host:port") from None
    address = parts["address"]
    if not named and not NAME.fullmatch(address):
        raise ValueError(f"{address!r} cannot be a host's name here: give it one, like web1={word}")
    settings = {"name": name if named else address, **{k: parts[k] for k in ("user", "port") if parts[k] is not None}}
    if settings["name"] != address:
        settings["address"] = address
    try:
        return HostSettings.model_validate(settings)
    except ValidationError as error:
        raise ValueError(said(error)) from None


def said(error: ValidationError) -> str:
    """The first thing that a model says is wrong, in one line."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    what = str(first["ctx"]["error"]) if first["type"] == "value_error" else first["msg"][:1].lower() + first["msg"][1:]
    return f"{where}: {what}" if where else what
