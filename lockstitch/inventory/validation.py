"""Problems of an inventory in words for people: where each was written, and the nearest right word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, TypeVar

from pydantic import ValidationError

from lockstitch.databases.engine import engines
from lockstitch.inventory.merge import described, name_of
from lockstitch.inventory.settings import Settings
from lockstitch.inventory.yaml_tree import Location, Problem, YamlNode


def nearest(word: object, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant; None where nothing is near."""
    by_case = {k.lower(): k for k in known}
    matches = difflib.get_close_matches(str(word).lower(), by_case, n=1, cutoff=0.6)
    return by_case[matches[0]] if matches else None


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """The end of a message about a wrong word: the nearest right one, or all of them."""
    words = list(known)
    near = nearest(word, words)
    if near:
        return f": did you mean {near}?"
    return f" (known: {', '.join(words)})" if words else " (none is known)"


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


def judged(model: type[Model], tree: YamlNode) -> tuple[Model | None, list[Problem]]:
    """The model of a tree, or everything that is wrong with it."""
    try:
        return model.model_validate(tree.plain()), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, [_problem(detail, tree, model) for detail in details if not _echo(detail)]


@cache
def _schema(model: type[Settings]) -> dict[str, Any]:
    """The JSON Schema of a model, made once: it takes 0.1 s, and one wrong key is met again on each host of its app."""
    return model.model_json_schema()


def _echo(error: Any) -> bool:
    """Tell whether it only says that too few remain, because what was wrong with the others has been said already."""
    return bool(error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"])


def _problem(error: Any, tree: YamlNode, model: type[Settings]) -> Problem:
    location, kind, context = error["loc"], error["type"], error.get("ctx", {})
    node = tree.at(location)
    match kind:
        case "missing":
            return tree.at(location[:-1]).problem("is missing", str(location[-1]))
        case "extra_forbidden":
            return node.problem("is not a key here" + did_you_mean(location[-1], _keys(_schema(model), location[:-1])))
        case "literal_error":
            words = [word.strip("'") for word in context["expected"].replace(" or ", ", ").split(", ")]
            return node.problem(_not_one_of(error["input"], words))
        case "union_tag_invalid":
            words = [word.strip("'") for word in context["expected_tags"].split(", ")] if node.entries else []
            return node.get("kind").problem(_not_one_of(context["tag"], [word for word in words if word]))
        case "union_tag_not_found":
            return node.problem("is missing", "kind")
        case "rule":
            node = node.get(*context["key"].split("/"))
    says = _SAYS.get(kind)
    return node.problem(says.format(**context) if says else error["msg"][:1].lower() + error["msg"][1:])


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


LOCAL = "local"


def across(tree: YamlNode) -> Iterator[Problem]:
    """All problems between the parts of an inventory. What has a wrong type is passed over: its model says so."""
    groups = tree.get("groups").entries
    for group in groups.values():
        yield from _apps(group, tree)
        yield from _twice(group.get("hosts").items, "host")
        yield from _twice(group.get("apps").items, "app")
        yield from _overrides(group, [group])
        for host in group.get("hosts").items:
            there = [g for g in groups.values() if name_of(host) in map(name_of, g.get("hosts").items)]
            yield from _overrides(host, there)
            yield from _host(host, groups, tree)
    yield from _databases(tree, groups)


def _apps(group: YamlNode, tree: YamlNode) -> Iterator[Problem]:
    apps = tree.get("apps").entries
    for app in group.get("apps").items:
        if isinstance(app.content, str) and app.content not in apps:
            yield app.problem(f"there is no app {app.content}{did_you_mean(app.content, apps)}")


def _twice(listed: list[YamlNode], what: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for entry in listed:
        name = name_of(entry)
        if name and name in seen:
            yield entry.problem(f"the {what} {name} is in this group twice")
        seen.add(name)


def _overrides(place: YamlNode, groups: list[YamlNode]) -> Iterator[Problem]:
    known = [str(app.content) for group in groups for app in group.get("apps").items]
    for app, override in place.get("override").entries.items():
        if app not in known:
            yield override.problem(f"no app {app} runs here{did_you_mean(app, known)}")


def _host(host: YamlNode, groups: dict[str, YamlNode], tree: YamlNode) -> Iterator[Problem]:
    name = name_of(host)
    if name in groups:
        yield host.problem(f"{name} is the name of a group as well: a selection could not tell them apart")
    first = described(tree).get(name, host)
    if host.entries and first.plain() != host.plain():
        yield host.problem(
            f"{name} is described differently on line {first.line} of {first.file}: "
            "describe it once, elsewhere write its name"
        )


def _limits(limits: YamlNode, reference: Any, databases: dict[str, YamlNode]) -> Iterator[Problem]:
    engine = databases[reference].get("engine").content if str(reference) in databases else None
    known = engines().get(str(engine))
    if limits.content is not None and known is not None and known.timeouts is None:
        yield limits.problem(f"{engine} takes no limits from outside: set them in the app's own connection settings")


def _databases(tree: YamlNode, groups: dict[str, YamlNode]) -> Iterator[Problem]:
    databases, apps = tree.get("databases").entries, tree.get("apps").entries
    hosts = [name_of(host) for group in groups.values() for host in group.get("hosts").items]
    for app in apps.values():
        reference = app.get("database").content
        if isinstance(reference, str) and reference not in databases:
            yield app.get("database").problem(f"there is no database {reference}{did_you_mean(reference, databases)}")
        elif reference is None and app.get("backup").content in ("before_migrate", "before_deploy"):
            yield app.get("backup").problem("it names no database: write database: NAME")
        yield from _limits(app.get("migrate_timeouts"), reference, databases)
    for name, database in databases.items():
        if name in apps:
            yield database.problem(f"{name} is the name of an app as well: output could not tell them apart")
        for place, known in (("run_on", [*groups, *hosts, LOCAL]), ("offsite", hosts)):
            at = database.get(place) if place == "run_on" else database.get(place, "host")
            if isinstance(at.content, str) and at.content not in known:
                what = "group or host" if place == "run_on" else "host"
                yield at.problem(f"there is no {what} {at.content}{did_you_mean(at.content, known)}")
