"""Models of what an inventory file may hold, and the JSON Schema that editors complete it from."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from lockstitch.inventory.app import AppSettings, Env
from lockstitch.inventory.checks import HostChecks
from lockstitch.inventory.database import DatabaseSettings
from lockstitch.inventory.hooks import Hooks
from lockstitch.inventory.metrics import AnySource
from lockstitch.inventory.notify import NotifySettings
from lockstitch.inventory.requires import AnyForge, Needs
from lockstitch.inventory.settings import AlternativeForm, Deferred, Settings
from lockstitch.inventory.ssh import Port, SshSettings
from lockstitch.inventory.types import (
    WORD,
    AddressText,
    BatchShare,
    Duration,
    HostName,
    Name,
    Period,
    Share,
    User,
    as_written,
)
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.wave_watch import FewPolicy, UnclearPolicy


@dataclass(frozen=True)
class PartOfApp:
    """The type of an override: any keys of an app. It is judged once it is merged with the app."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {WORD: "part of an app"}


Overrides = dict[Name, Annotated[dict[str, Any], PartOfApp()]]
_OVERRIDE = "settings of an app that differ here, by the app's name: merged over it, lists are replaced"


class Rollout(Settings):
    """The order in which the hosts of a group change."""

    canary: Share = Field(default=0, description="how many hosts change first, on their own")
    batch: BatchShare = Field(default="50%", description="how many hosts change at a time; percentages are rounded up")
    pause: Duration = Field(
        default=as_written("0s"),
        description="time after a wave before its gates are asked again and the next wave starts; `gates` of the apps "
        "judge it",
    )
    warm_up: Duration = Field(
        default=as_written("30s"), description="time after a reload whose durations no gate counts"
    )
    few: FewPolicy = Field(
        default="continue",
        description="what follows where a metric gate has too few requests when the pause ends; `wait` makes it up to "
        "four times as long",
    )
    unclear: UnclearPolicy = Field(
        default="ask", description="what follows where a gate is unclear then; `ask` without a terminal is `fail`"
    )


class HostSettings(Settings):
    """One machine. Its name alone is enough if nothing else is set."""

    name: HostName = Field(description="its name in output and selections")
    address: AddressText | None = Field(
        default=None, description="its address; by default its name, resolved by `~/.ssh/config` or DNS"
    )
    port: Port | None = Field(default=None, description="its SSH port")
    user: User | None = Field(default=None, description="who logs in")
    ssh: SshSettings = Field(default_factory=SshSettings, description="SSH settings that differ for this host")
    env: Env = Field(default={}, description="environment of its apps' commands, merged over the group's")
    override: Overrides = Field(default={}, description=_OVERRIDE)


def _named(written: Any) -> Any:
    return {"name": written} if isinstance(written, str) else written


class GroupSettings(Settings):
    """Hosts that run the same apps."""

    hosts: tuple[Annotated[HostSettings, AlternativeForm(_named, {"type": "string", WORD: "host name"})], ...] = Field(
        min_length=1, description="its machines, in the order they change"
    )
    apps: tuple[Name, ...] = Field(default=(), description="the apps that run there, in the order they are deployed")
    ssh: SshSettings = Field(default_factory=SshSettings, description="SSH settings that differ for this group")
    env: Env = Field(default={}, description="environment of their apps' commands, merged over the apps' own")
    override: Overrides = Field(default={}, description=_OVERRIDE)
    rollout: Rollout = Field(default_factory=Rollout, description="settings that differ from the environment's")
    checks: HostChecks = Field(
        default_factory=HostChecks, description="checks of its hosts, added to the environment's"
    )


# A task such as `backup.prove`, or a name of one's own.
DUTY = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


class Environment(Settings):
    """One inventory file, `hosts/NAME.yml`, merged over `hosts/_all.yml`."""

    protect: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="changes ask for the environment's name; in CI: `--yes`"
    )
    ssh: SshSettings = Field(default_factory=SshSettings, description="how hosts are reached")
    groups: dict[Name, GroupSettings] = Field(
        min_length=1, description="lists of hosts by name; they are deployed in the order written"
    )
    apps: dict[Name, Annotated[AppSettings, Deferred(AppSettings)]] = Field(
        default={}, description="what is deployed, by name"
    )
    databases: dict[Name, Annotated[DatabaseSettings, Deferred(DatabaseSettings)]] = Field(
        default={}, description="databases of the apps, by name"
    )
    metrics: dict[Name, AnySource] = Field(default={}, description="where numbers about the apps come from, by name")
    rollout: Rollout = Field(default_factory=Rollout, description="in which order the hosts of a group are changed")
    checks: HostChecks = Field(default_factory=HostChecks, description="checks of every host before a deploy begins")
    hooks: Hooks = Field(default_factory=Hooks, description="commands of your own before and after a run")
    requires: Needs = Field(
        default=(), description="what must be shown of a revision before it is deployed: [evidence](evidence.md)"
    )
    forge: AnyForge | None = Field(default=None, description="where the repositories, their checks and reviews are")
    notify: NotifySettings = Field(default_factory=NotifySettings, description="who is told of a run, and when")
    duties: dict[Annotated[str, Field(pattern=DUTY)], Period] = Field(
        default={}, description="what is to be done again and again, and how often: `due` shows what is late"
    )


def published() -> dict[str, Any]:
    """The JSON Schema of one inventory file.

    It requires no key: an editor sees one file at a time, and what it lacks `_all.yml` may hold. Reading an
    inventory judges the whole.
    """
    return published_model(Environment, "Lockstitch inventory", {"required"})


def published_model(model: type[Settings], title: str, dropped: AbstractSet[str] = frozenset()) -> dict[str, Any]:
    """Return the JSON Schema of a file for editors, without the keywords that are `dropped` and notes for the docs."""
    relaxed = _relaxed(model.model_json_schema(), _NOTES | dropped)
    assert isinstance(relaxed, dict)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **relaxed, "title": title}


def _relaxed(node: Any, dropped: AbstractSet[str], names: bool = False) -> Any:
    """A schema without some keywords; `names` says that the keys are an inventory's own."""
    if isinstance(node, list):
        return [_relaxed(item, dropped) for item in node]
    if not isinstance(node, dict):
        return node
    if names:
        return {key: _relaxed(value, dropped) for key, value in node.items()}
    if node.get(WORD) == "part of an app":
        return {"$ref": "#/$defs/AppSettings"}
    kept = {k: _relaxed(v, dropped, k in ("properties", "$defs")) for k, v in node.items() if k not in dropped}
    if "oneOf" in kept:
        kept["anyOf"] = kept.pop("oneOf")
    return kept


_NOTES = frozenset(("title", "discriminator", "propertyNames", WORD))
