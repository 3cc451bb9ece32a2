"""Models of an app's settings: its environment variables, the rules for their values, and the file they stand in.

`env`, `secrets` and `checks.variables` of an app are short forms: `merged_settings` makes one mapping of all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StrictInt, model_validator

from lockstitch.inventory.settings import Settings, wrong
from lockstitch.inventory.types import (
    EnvironmentValue,
    Name,
    PositiveDuration,
    SecretReference,
    ServedPath,
    Variable,
    WrittenType,
    as_written,
    matching,
    text,
    tidied,
)
from lockstitch.model.env_file import Dialect, name_problem, render

if TYPE_CHECKING:
    from lockstitch.inventory.app import AppSettings

PLACEHOLDERS = ("changeme", "change-me", "change_me", "changeit", "placeholder", "secret", "password", "todo", "xxx")
_MODE = re.compile(r"0?[0-7]{3}")
# What awk's expressions lack, or have in some versions only.
_ONLY_HERE = re.compile(r"\\[A-Za-z0-9]|\(\?|\{|[*+?]\?")
_OWNER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*(?::[A-Za-z0-9_][A-Za-z0-9_.@-]*)?")


def _expression(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("it should be a regular expression, in quotes")
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is no regular expression: {error}") from None
    return value


Expression = Annotated[str, WrittenType("regular expression", _expression, {"type": "string", "minLength": 1})]
OctalMode = Annotated[
    str, text("octal mode", matching(_MODE, "is no mode of a file: write it in quotes, like '0600'"), pattern=_MODE)
]
FileOwner = Annotated[
    str, text("USER or USER:GROUP", matching(_OWNER, "is no owner: write USER or USER:GROUP"), pattern=_OWNER)
]


class Rotation(Settings):
    """Settings of `env.rotate`: with `accept` for a key that several hosts verify, so that no host refuses what another
    has signed; with `proof`, `former` and `refused` for a key that a provider issues and revokes."""

    accept: Variable | None = Field(
        default=None, description="the variable with the other key that the app accepts beside this one"
    )
    overlap: PositiveDuration = Field(
        default=as_written("2h"), description="how long what was signed with the former key is accepted"
    )
    proof: Name | None = Field(default=None, description="the smoke step that passes only if the new key works")
    former: SecretReference | None = Field(
        default=None, description="where the former key is while it is rotated, on the machine you type on"
    )
    refused: Name | None = Field(
        default=None, description="the smoke step that uses `former`, and that the provider must refuse at the end"
    )

    @model_validator(mode="after")
    def _one_way(self) -> Rotation:
        issued = [key for key in ("proof", "former", "refused") if getattr(self, key) is not None]
        if self.accept is None and not issued:
            raise wrong("", "say how: accept: VARIABLE, or proof, former and refused for a provider's key")
        if issued and (key := next((k for k in ("accept", "overlap") if k in self.model_fields_set), "")):
            raise wrong(key, f"{issued[0]} is for a key that a provider issues, and it is for one that hosts verify")
        if issued and (lacks := next((k for k in ("proof", "former", "refused") if k not in issued), "")):
            raise wrong(issued[0], f"it needs {lacks} as well")
        return self


class VariableRules(Settings):
    """Rules for the value of an environment variable of the app. The value itself is never shown."""

    refuse: tuple[str, ...] = Field(
        default=PLACEHOLDERS,
        description="values that it must not have, ignoring case; empty is always refused",
    )
    min_length: Annotated[StrictInt, Field(ge=1)] = Field(default=1, description="its minimum length")


class Setting(VariableRules):
    """An environment variable of the app: where its value is from, and what must be true of it. Without `from` and
    `is`, somebody has to write it into the file on the host."""

    source: SecretReference | None = Field(
        default=None,
        alias="from",
        description="where its secret value is: `env:NAME`, `file:PATH` or `cmd:COMMAND`, on the machine you type on",
    )
    value: EnvironmentValue | None = Field(default=None, alias="is", description="its value, where it is no secret")
    match: Expression | None = Field(default=None, description="what must be found in the value")
    each: Expression | None = Field(
        default=None, description="what each part of the value, between commas, must be as a whole"
    )
    same: Literal["fleet"] | None = Field(default=None, description="`fleet`: it must be the same on all hosts")
    when: Literal["run", "build"] = Field(
        default="run",
        description="`build`: it is built into the code, so a change of it is a new release of the same revision",
    )
    rotate: Rotation | None = Field(default=None, description="how `env.rotate` changes it, a key")

    @model_validator(mode="after")
    def _rules(self) -> Setting:
        if self.source is not None and self.value is not None:
            raise wrong("is", "its value is from elsewhere: keep one of `from` and `is`")
        if self.rotate and self.source is None:
            raise wrong("rotate", "a key that is rotated is a secret: write where the new one is, as `from`")
        if self.rotate and self.when == "build":
            raise wrong("rotate", "what is built into the code cannot be rotated while it runs")
        for key in ("match", "each"):
            if self.by_hand and (sign := _ONLY_HERE.search(getattr(self, key) or "")):
                says = f"its value is on the hosts alone, whose awk reads {sign[0]!r} differently: write it without"
                raise wrong(key, says)
        if self.value is not None and (says := self.refusal(self.value)):
            raise wrong("is", f"its own rules refuse it: {says}")
        return self

    @property
    def has_rules(self) -> bool:
        """Tell whether `check` looks at its value; those of `env` and `secrets` alone have no rules."""
        return bool(self.refuse or self.match or self.each or self.min_length > 1 or self.by_hand)

    @property
    def by_hand(self) -> bool:
        """Tell whether only the file on the host has its value."""
        return self.source is None and self.value is None

    def refusal(self, value: str) -> str:
        """Return the rule that a value breaks, without the value; empty where it is good. An `is` may be empty."""
        if not value and self.value is None:
            return "it is empty"
        if self.is_refused(value):
            return "it is, or holds, a value that `refuse` names"
        if value and len(value) < self.min_length:
            return f"it is {len(value)} characters long, {self.min_length} are wanted"
        return "" if self.is_formed(value) else "it does not match what `match` or `each` says"

    def is_refused(self, value: str) -> bool:
        """Tell whether a value, or a part of it, is one of `refuse`."""
        return bool({word.lower() for word in self.refuse} & {each.lower() for each in (value, *self._parts(value))})

    def is_formed(self, value: str) -> bool:
        """Tell whether a value is as `match` and `each` say."""
        if self.match and not re.search(self.match, value):
            return False
        return all(re.fullmatch(self.each or "", part) for part in self._parts(value))

    def _parts(self, value: str) -> list[str]:
        return [part.strip() for part in value.split(",")] if self.each else []


class EnvFile(Settings):
    """The file on each host that the app's settings stand in, written by `env.push`."""

    path: ServedPath = Field(
        default=".env", description="the file; a relative path is in the release, and with `releases` in `shared`"
    )
    format: Dialect = Field(
        default="dotenv",
        description="who reads it: dotenv libraries, `EnvironmentFile=` of a unit, or a shell",
    )
    read_by: Literal["service", "app"] | None = Field(
        default=None,
        description="`app`: its own code reads the file as it starts (the default of dotenv); `service`: what starts "
        "the app does, and each process has the variables in its environment (the default of the others)",
    )
    mode: OctalMode = Field(default="0600", description="its mode")
    owner: FileOwner | None = Field(default=None, description="its owner; by default as it is, or the app's user")
    keep: Annotated[StrictInt, Field(ge=1, le=1000)] = Field(
        default=10, description="how many former files are kept on the host, for `env.undo`"
    )

    @property
    def is_read_by_app(self) -> bool:
        """Tell whether the app's code reads the file itself."""
        return (self.read_by or ("app" if self.format == "dotenv" else "service")) == "app"


def merged_settings(app: AppSettings) -> Mapping[str, Setting]:
    """Return the settings of an app with those of its short forms, which have no rules of their own."""
    written: dict[str, dict[str, object]] = {
        **{name: {"is": value, "refuse": ()} for name, value in app.env.items()},
        **{name: {"from": source, "refuse": ()} for name, source in app.secrets.items()},
    }
    made = {name: Setting.model_validate(setting) for name, setting in written.items()}
    for name, rules in app.checks.variables.items():
        known = made.get(name) or Setting()
        # A value of `env` that breaks them is told by `check`.
        made[name] = known.model_copy(update={"refuse": rules.refuse, "min_length": rules.min_length})
    return {**made, **app.settings}


def refuse_settings(app: AppSettings) -> None:
    """Raise an error for settings of an app that contradict each other."""
    forms: dict[str, Mapping[str, object]] = {
        "env": app.env,
        "secrets": app.secrets,
        "checks.variables": app.checks.variables,
    }
    every = merged_settings(app)
    for name in every:
        form = next((form for form, names in forms.items() if name in names), "settings")
        # What is only looked for in files reaches no script.
        if (form != "checks.variables" or app.env_file) and (says := name_problem(name)):
            raise wrong(f"{form.replace('.', '/')}/{name}", says)
    for name, setting in app.settings.items():
        at = f"settings/{name}"
        for form, names in forms.items():
            if name in names:
                raise wrong(at, f"it is in {form} as well: keep one of the two")
        if setting.when == "build" and not app.build:
            raise wrong(f"{at}/when", "it is built into the code, and the app has no build lines")
        if setting.rotate and setting.rotate.accept in every:
            raise wrong(f"{at}/rotate/accept", f"env.rotate writes {setting.rotate.accept}: declare it nowhere else")
        if setting.rotate and app.env_file is None:
            raise wrong(f"{at}/rotate", "it is rotated in the file on the hosts: write env_file")
    if app.env_file is not None:
        _refuse_file(app, app.env_file, every)


def _refuse_file(app: AppSettings, file: EnvFile, settings: Mapping[str, Setting]) -> None:
    if file.mode[-1] != "0" and any(setting.source for setting in settings.values()):
        raise wrong("env_file/mode", "everybody on the host could read its secrets: write '0600' or '0640'")
    shared = [path.rstrip("/") for path in (*app.shared, *app.service.shared())]
    path = tidied(file.path)
    inside = any(path == each or path.startswith(f"{each}/") for each in map(tidied, shared))
    if app.layout == "releases" and not path.startswith("/") and not inside:
        raise wrong(
            "env_file/path", f"{file.path} is a file of one release: add it to `shared`, or give its whole path"
        )
    for name, setting in settings.items():
        try:
            render(file.format, name, setting.value or "")
        except ValueError as error:
            raise wrong("env_file/format", f"{name} cannot stand in it: {error}") from None
