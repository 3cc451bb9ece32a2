"""The base of all models of an inventory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
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
class Deferred:
    """A model whose validator is built when there is a value for it: most inventories have no value for most models.

    What is wrong with a value is told as if the model stood here: pydantic takes in the errors of a validator within.
    """

    model: type[BaseModel]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.model.model_validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        # As the one choice of a union, it stays a definition that has a name.
        return handler(core_schema.union_schema([TypeAdapter(self.model).core_schema]))


@dataclass(frozen=True)
class AnyKind:
    """The type of a value that is one of many: the one that has the `kind` that was written. `types` returns all, or at
    least the one of a kind that it is given. It is deferred as well."""

    types: Callable[[str], Mapping[str, type[BaseModel]]]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(_union(*self.types("").items()).core_schema)

    def _validate(self, value: Any) -> Any:
        kind = value.get("kind") if isinstance(value, dict) else ""
        kind = kind if isinstance(kind, str) else ""
        types = self.types(kind)
        return _union(*([(kind, types[kind])] if kind in types else types.items())).validate_python(value)


@dataclass(frozen=True)
class DefaultKind:
    """The `kind` of a mapping that names none. It stands behind AnyKind."""

    kind: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._expand, handler(source))

    def _expand(self, written: Any) -> Any:
        return {"kind": self.kind, **written} if isinstance(written, dict) else written


@dataclass(frozen=True)
class AnyKey:
    """The type of a mapping that is one of many: the one whose key it has. `types` returns all, by their keys. It is
    deferred as well."""

    types: Callable[[], Mapping[str, type[BaseModel]]]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(core_schema.union_schema([TypeAdapter(model).core_schema for model in self.types().values()]))

    def _validate(self, value: Any) -> Any:
        types = self.types()
        keys = [key for key in types if key in value] if isinstance(value, dict) else []
        if len(keys) != 1:
            raise ValueError(f"give one of {', '.join(types)}: it says which kind it is")
        return types[keys[0]].model_validate(value)


@dataclass(frozen=True)
class EachKey:
    """The type of a mapping whose every key names a model, and its value the fields of that. It is deferred as well.
    It becomes a tuple of these models in the order that was written. `short` returns the JSON Schema of another form of
    a model's value, empty where there is none."""

    types: Callable[[], Mapping[str, type[BaseModel]]]
    short: Callable[[type[BaseModel]], Mapping[str, Any]]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        properties: dict[str, Any] = {}
        for key, model in self.types().items():
            full = handler(core_schema.union_schema([TypeAdapter(model).core_schema]))
            properties[key] = {"anyOf": [self.short(model), full]} if self.short(model) else full
        return {"type": "object", "additionalProperties": False, "properties": properties}

    def _validate(self, value: Any) -> tuple[Any, ...]:
        if isinstance(value, tuple):
            return value
        types = self.types()
        if not isinstance(value, dict):
            raise ValueError(f"it is no mapping; its keys are {', '.join(types)}")
        if unknown := [key for key in value if key not in types]:
            raise ValueError(f"there is no {unknown[0]}; the keys are {', '.join(types)}")
        known = _keyed(*((key, types[key]) for key in value)).validate_python(value)
        return tuple(known[key] for key in value)


@dataclass(frozen=True)
class _Keys:
    """The type of a mapping with these keys."""

    types: tuple[tuple[str, type[BaseModel]], ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        fields = {key: core_schema.typed_dict_field(handler.generate_schema(model)) for key, model in self.types}
        return core_schema.typed_dict_schema(fields)


@cache
def _keyed(*types: tuple[str, type[BaseModel]]) -> TypeAdapter[Any]:
    return TypeAdapter(Annotated[Any, _Keys(types)])


@dataclass(frozen=True)
class _Kinds:
    """The type of a value that has one of these kinds."""

    types: tuple[tuple[str, type[BaseModel]], ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {kind: handler.generate_schema(model) for kind, model in self.types}
        return core_schema.tagged_union_schema(choices, discriminator="kind")


@cache
def _union(*types: tuple[str, type[BaseModel]]) -> TypeAdapter[Any]:
    return TypeAdapter(Annotated[Any, _Kinds(types)])


def wrong(key: str, says: str) -> PydanticCustomError:
    """The error of a rule between keys; it is shown at `key`, a slash before each part of it."""
    return PydanticCustomError("rule", "{says}", {"says": says, "key": key})
