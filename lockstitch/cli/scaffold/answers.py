"""VALUE Answers: what a new operations repository is about. Pure: reading the words that a person gives for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from lockstitch.inventory.schema import HostSettings
from lockstitch.inventory.ssh import gateway
from lockstitch.inventory.types import NAME
from lockstitch.model.lazy_dataclass import dataclass


@dataclass(frozen=True)
class InitAnswers:
    """All that the files are made from. `assumed` are the flags whose defaults nobody has confirmed.

    `service` is a service's mapping as an inventory holds it, with its `kind`.
    """

    environment: str
    hosts: tuple[HostSettings, ...]
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
