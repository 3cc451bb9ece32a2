"""What a model says is wrong, in words for people: where it was written, and the nearest right word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import ValidationError

from lockstitch.inventory.nearest import did_you_mean, nearest
from lockstitch.inventory.settings import Settings
from lockstitch.inventory.yaml_tree import Location, Problem, Tree

Model = TypeVar("Model", bound=Settings)

_SAYS = {
    "model_type": "it should be a mapping of keys to values",
    "dict_type": "it should be a mapping of keys to values",
    "model_attributes_type": "it should be a mapping of keys to values",
    "tuple_type": "it should be a list",
    "list_type": "it should be a list",
    "string_type": "it should be text",
    "int_type": "it should be a whole number",
    "int_from_float": "it should be a whole number",
    "int_parsing": "it should be a whole number",
    "bool_type": "it should be true or false",
    "bool_parsing": "it should be true or false",
    "greater_than_equal": "it should be {ge} or more",
    "greater_than": "it should be more than {gt}",
    "less_than_equal": "it should be {le} or less",
    "less_than": "it should be less than {lt}",
    "too_short": "it should have at least {min_length}",
    "too_long": "it should have at most {max_length}",
    "value_error": "{error}",
    "rule": "{says}",
}


def judged(model: type[Model], tree: Tree) -> tuple[Model | None, list[Problem]]:
    """The model of a tree, or everything that is wrong with it."""
    try:
        return model.model_validate(tree.plain()), []
    except ValidationError as error:
        schema = model.model_json_schema()
        return None, [_problem(found, tree, schema) for found in error.errors(include_url=False) if not _echo(found)]


def _echo(error: Any) -> bool:
    """Whether it only says that too few are left, because what was wrong with the others has been said already."""
    return bool(error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"])


def _problem(error: Any, tree: Tree, schema: dict[str, Any]) -> Problem:
    location, kind, context = error["loc"], error["type"], error.get("ctx", {})
    found = tree.at(location)
    match kind:
        case "missing":
            return tree.at(location[:-1]).problem("is missing", str(location[-1]))
        case "extra_forbidden":
            return found.problem("is not a key here" + did_you_mean(location[-1], _keys(schema, location[:-1])))
        case "literal_error":
            words = [word.strip("'") for word in context["expected"].replace(" or ", ", ").split(", ")]
            return found.problem(_not_one_of(error["input"], words))
        case "union_tag_invalid":
            words = [word.strip("'") for word in context["expected_tags"].split(", ")] if found.entries else []
            return found.get("kind").problem(_not_one_of(context["tag"], [word for word in words if word]))
        case "union_tag_not_found":
            return found.problem("is missing", "kind")
        case "rule":
            found = found.get(context["key"])
    says = _SAYS.get(kind)
    return found.problem(says.format(**context) if says else error["msg"][:1].lower() + error["msg"][1:])


def _not_one_of(word: object, words: list[str]) -> str:
    near = nearest(word, words)
    return f"{word!r} is not one of {', '.join(words)}" + (f": did you mean {near}?" if near else "")


def _keys(schema: dict[str, Any], location: Location) -> list[str]:
    """The keys that a mapping at a location may have."""
    node = schema
    for part in location:
        node = next(_into(schema, node, part), node)
    return [key for form in _forms(schema, node) for key in form.get("properties", {})]


def _into(schema: dict[str, Any], node: dict[str, Any], part: str | int) -> Iterator[dict[str, Any]]:
    kinds = node.get("discriminator", {}).get("mapping", {})
    if part in kinds:
        yield {"$ref": kinds[part]}
    for form in _forms(schema, node):
        if part in form.get("properties", {}):
            yield form["properties"][part]
        elif isinstance(part, int) and "items" in form:
            yield form["items"]
        elif isinstance(part, str):
            yield from form.get("patternProperties", {}).values()


def _forms(schema: dict[str, Any], node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The forms a value may have: what references and alternatives lead to."""
    if "$ref" in node:
        yield from _forms(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])
    for form in node.get("anyOf", node.get("allOf", ())):
        yield from _forms(schema, form)
    yield node
