"""Driver `unleash`: the share of a gradual rollout in one environment of Unleash, set through its admin API by python3
on the app's first host.

ask.sh     the requests, and what each of their answers means
read.sh    prints the value
write.sh   sets it
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from lockstitch.flags.base import Flag, FlagPlace
from lockstitch.metrics.settings import Reference, Seconds, UrlOrReference
from lockstitch.model.command import Value
from lockstitch.model.shell import shell_text
from lockstitch.model.written import REFERENCE

_NAME = r"^[^\s/]{1,200}$"
_VALUE = re.compile(r"(off )?(100|[1-9]?\d)(\.\d{1,4})?")


class UnleashFlag(Flag):
    """A flag in Unleash: `25` is on, for a share of 25 %; `off 25` is the environment switched off, which keeps that
    share for when it is on again. Stickiness, constraints and other strategies stay as they are."""

    examples = (
        {"url": "https://unleash.example.com", "token": "env:UNLEASH_TOKEN", "environment": "production"},
        {
            "url": "env:UNLEASH_URL",
            "token": "env:UNLEASH_TOKEN",
            "environment": "production",
            "project": "shop",
            "name": "phase.1",
            "strategy": "everybody",
        },
    )

    kind: Literal["unleash"]
    url: UrlOrReference = Field(description="the server, as the app's hosts reach it, or a reference to it")
    token: Reference = Field(description="reference to a token that may change the flag: of an admin, or of a person")
    environment: str = Field(description="the environment, as it is called in Unleash", pattern=_NAME)
    project: str = Field("default", description="the project", pattern=_NAME)
    name: str = Field("", description="its name there, where that is another one", pattern=r"^[^\s/]{0,200}$")
    strategy: str = Field("", description="title or id of the rollout strategy, where there are several")
    timeout: Seconds = Field(10.0, description="how long one answer may take")

    def says(self) -> str:
        return f"the rollout in {self.environment} of {self.url}"

    def refusal(self, value: str) -> str:
        if (match := _VALUE.fullmatch(value)) and float(match[2] + (match[3] or "")) <= 100:
            return ""
        return f"{value!r} is no share: write a percentage from 0 to 100, or `off 25` for switched off with that share"

    def references(self) -> tuple[str, ...]:
        return tuple(each for each in (self.url, self.token) if REFERENCE.fullmatch(each))

    def values(self, place: FlagPlace, to: str | None = None) -> Mapping[str, Value]:
        return {
            "flag_url": place.known.get(self.url, self.url),
            "flag_token": place.known.get(self.token, ""),
            "flag_project": self.project,
            "flag_feature": self.name or place.flag,
            "flag_environment": self.environment,
            "flag_strategy": self.strategy,
            "flag_timeout": f"{self.timeout:g}",
        }

    def read_text(self, place: FlagPlace) -> str:
        return shell_text(__package__, "ask.sh", "read.sh")

    def write_text(self, place: FlagPlace) -> str:
        return shell_text(__package__, "ask.sh", "write.sh")
