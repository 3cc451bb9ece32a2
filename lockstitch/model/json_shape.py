"""JSON Schema, the part that a smoke step may use: a value is judged by its shape. Pure.

The words are those of https://json-schema.org/draft/2020-12: a schema with any other word is refused, so that nothing
is judged less strictly than it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lockstitch.model.expectation import pattern_problem, same, shown

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: type(value) is int or (isinstance(value, float) and value.is_integer()),
}
_NOTES = ("title", "description", "$schema", "$id")
_BOUNDS: Mapping[str, tuple[type | tuple[type, ...], Callable[[Any, Any], bool]]] = {
    "minimum": ((int, float), lambda value, bound: value >= bound),
    "maximum": ((int, float), lambda value, bound: value <= bound),
    "minLength": (str, lambda value, bound: len(value) >= bound),
    "maxLength": (str, lambda value, bound: len(value) <= bound),
    "minItems": (list, lambda value, bound: len(value) >= bound),
    "maxItems": (list, lambda value, bound: len(value) <= bound),
}
_WORDS = ("type", "enum", "const", "properties", "required", "additionalProperties", "items", "pattern", *_BOUNDS)


def schema_problem(schema: Any, at: str = "") -> str:
    """Return what is wrong with a schema, or which of its words is not known here; empty where it can be judged."""
    where = f"{at}: " if at else ""
    if not isinstance(schema, Mapping):
        return f"{where}a schema is a mapping"
    for word, argument in schema.items():
        if word not in (*_WORDS, *_NOTES):
            return f"{where}{word} is not a word of schemas that is judged here (known: {', '.join(_WORDS)})"
        if said := _word_problem(word, argument):
            return f"{where}{word}: {said}"
    if not set(schema) & set(_WORDS):
        return f"{where}it judges nothing"
    inner = {f"{at}.{key}".strip("."): value for key, value in schema.get("properties", {}).items()}
    if "items" in schema:
        inner[f"{at}[]"] = schema["items"]
    return next((said for place, value in inner.items() if (said := schema_problem(value, place))), "")


def _word_problem(word: str, argument: Any) -> str:
    if word == "type":
        names = argument if isinstance(argument, list) else [argument]
        good = bool(names) and all(isinstance(name, str) and name in _TYPES for name in names)
        return "" if good else f"{argument!r} is not one of {', '.join(_TYPES)}"
    if word in ("enum", "required"):
        good = isinstance(argument, list) and (word == "enum" or all(isinstance(name, str) for name in argument))
        return "" if good else "it should be a list"
    if word == "properties":
        return "" if isinstance(argument, Mapping) else "it should be a mapping of names to schemas"
    if word == "additionalProperties":
        return "" if isinstance(argument, bool) else "it should be true or false"
    if word == "pattern":
        return pattern_problem(argument)
    if word in _BOUNDS:
        return "" if isinstance(argument, int | float) and not isinstance(argument, bool) else "it should be a number"
    return ""


def shape_problems(schema: Mapping[str, Any], value: Any, at: str = "") -> Iterator[str]:
    """Yield how a JSON value differs from a schema that `schema_problem` has passed."""
    where = at or "the answer"
    if (kinds := schema.get("type")) is not None:
        names = kinds if isinstance(kinds, list) else [kinds]
        if not any(_TYPES[name](value) for name in names):
            yield f"{where} is {shown(value)}, and no {' or '.join(names)}"
            return
    if "enum" in schema and not any(same(each, value) for each in schema["enum"]):
        yield f"{where} is {shown(value)}, and none of {shown(schema['enum'])}"
    if "const" in schema and not same(schema["const"], value):
        yield f"{where} is {shown(value)}, expected {shown(schema['const'])}"
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        yield f"{where} is {shown(value)}, which does not match {schema['pattern']!r}"
    for word, (kind, holds) in _BOUNDS.items():
        fits = word in schema and isinstance(value, kind) and not isinstance(value, bool)
        if fits and not holds(value, schema[word]):
            yield f"{where} is {shown(value)}, against {word} {schema[word]}"
    if isinstance(value, dict):
        known = schema.get("properties", {})
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{where} has no {name}"
        if schema.get("additionalProperties") is False and (more := sorted(set(value) - set(known))):
            yield f"{where} has {', '.join(more)} as well"
        for name, inner in known.items():
            if name in value:
                yield from shape_problems(inner, value[name], f"{at}.{name}".strip("."))
    if isinstance(value, list) and "items" in schema:
        for number, each in enumerate(value):
            yield from shape_problems(schema["items"], each, f"{at}[{number}]")
