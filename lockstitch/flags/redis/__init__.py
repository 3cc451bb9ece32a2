"""Driver `redis`: a key, or a field of a hash, asked and set from the app's first host by redis-cli or python3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from lockstitch.flags.base import Flag, FlagPlace
from lockstitch.metrics.settings import Reference
from lockstitch.model.command import Value
from lockstitch.model.redis_client import ASK, asking, database_of
from lockstitch.model.shell import shell_text

_NAME = r"^[!-~]{1,200}$"


class RedisFlag(Flag):
    """A key of Redis, or a field of a hash. What it is set to is served at once: no service is reloaded."""

    examples = ({"url": "env:REDIS_URL", "key": "flags:PHASE_1"}, {"url": "env:R", "key": "flags", "field": "PHASE_1"})

    kind: Literal["redis"]
    url: Reference = Field(description="reference to its URL, as the app's hosts reach it")
    key: str = Field(description="the key", pattern=_NAME)
    field: str | None = Field(None, description="the field, where the key is a hash", pattern=_NAME)

    def says(self) -> str:
        return f"{self.key} {self.field} in Redis" if self.field else f"{self.key} in Redis"

    def references(self) -> tuple[str, ...]:
        return (self.url,)

    def values(self, place: FlagPlace, to: str | None = None) -> Mapping[str, Value]:
        url = place.known.get(self.url, "")
        asked = {"flag_key": self.key, "flag_field": self.field or ""}
        return {**asking(url, self.url, database_of(url)), **asked}

    def read_text(self, place: FlagPlace) -> str:
        return ASK + shell_text(__package__, "read.sh")

    def write_text(self, place: FlagPlace) -> str:
        return ASK + shell_text(__package__, "write.sh")
