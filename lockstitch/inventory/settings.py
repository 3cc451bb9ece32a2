"""The base of all models of an inventory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from lockstitch.model.lazy_dataclass import dataclass


class Settings(BaseModel):
    """A mapping of an inventory: unknown keys are refused, and nobody changes it afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, defer_build=True)


@dataclass(frozen=True, eq=False)
class AlternativeForm:
    """Another form that may stand for a value: `expand` turns it into the full one, and leaves the rest alone."""

    expand: Callable[[Any], Any]
    short: dict[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.expand, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [self.short, handler(schema)]}


@dataclass(frozen=True)
class AnyKind:
    """The type of a value that is one of many: the one that has the `kind` that was written. `types` returns all."""

    types: Callable[[], Mapping[str, type[BaseModel]]]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {kind: handler.generate_schema(model) for kind, model in self.types().items()}
        return core_schema.tagged_union_schema(choices, discriminator="kind")


def wrong(key: str, says: str) -> PydanticCustomError:
    """The error of a rule between keys; it is shown at `key`."""
    return PydanticCustomError("rule", "{says}", {"says": says, "key": key})
