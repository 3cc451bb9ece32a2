"""The settings of a service, read from its own model. Pure, and no service is known by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import ValidationError

from lockstitch import services
from lockstitch.cli.scaffold.answers import said
from lockstitch.model.lazy_dataclass import dataclass

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class ServiceSetting:
    """One setting of a service. `key` has dots where it stands in a mapping of its own."""

    key: str
    says: str
    schema: Schema

    def default(self, app: str) -> str:
        """The app's name, where a name is wanted and it fits; nothing where only a person can know."""
        pattern = self.schema.get("pattern")
        return app if pattern and "." not in self.key and re.search(pattern, app) else ""

    def value(self, text: str) -> Any:
        """Return the value of a text: itself, or the number, list or word that the setting takes."""
        types = set(_types(self.schema))
        if "null" in types and text == "null":
            return None
        if not types or "string" in types:
            return text
        if types == {"array"} and not text.lstrip().startswith("["):
            return [word.strip() for word in text.split(",") if word.strip()]
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError:
            return text


def settings(kind: str) -> dict[str, ServiceSetting]:
    """Every setting of a kind of service by its key, as far as there are mappings in it."""
    schema = services.service_types()[kind].model_json_schema()
    return {setting.key: setting for setting, _ in _settings(schema, schema, "")}


def required(kind: str) -> tuple[ServiceSetting, ...]:
    """Return the settings that a service cannot do without."""
    schema = services.service_types()[kind].model_json_schema()
    return tuple(setting for setting, needed in _settings(schema, schema, "") if needed)


def plainest(app: str) -> str:
    """The kind with the fewest settings, of those that need nothing but a name. One that needs not even that runs no
    app of its own."""
    kinds = services.service_types()
    able = [
        kind
        for kind in kinds
        if required(kind)
        and all(s.default(app) for s in required(kind))
        and not wrong(kind, together(kind, {s.key: s.default(app) for s in required(kind)}))
    ]
    return min(able or kinds, key=lambda kind: len(settings(kind)))


def together(kind: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """The service's mapping, from texts by key; raises ValueError for a key that is in the way of another."""
    known, made = settings(kind), {"kind": kind}
    for key, text in texts.items():
        *above, last = key.split(".")
        inner: Any = made
        for part in above:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                raise ValueError(f"{key}: {part} has a value already")
        inner[last] = known[key].value(text) if key in known else text
    return made


def wrong(kind: str, service: Mapping[str, Any]) -> str:
    """Return what the service's own model refuses in its settings; empty where it accepts them."""
    try:
        services.service_types()[kind].model_validate(service)
    except ValidationError as error:
        return said(error)
    return ""


def _settings(whole: Schema, node: Schema, above: str) -> Iterator[tuple[ServiceSetting, bool]]:
    for name, written in node.get("properties", {}).items():
        inner, key, needed = _followed(whole, written), f"{above}{name}", name in node.get("required", ())
        if "properties" in inner:
            yield from ((setting, needed and is_needed) for setting, is_needed in _settings(whole, inner, f"{key}."))
        elif key != "kind":
            says = " ".join(str(written.get("description") or inner.get("description") or name).split())
            yield ServiceSetting(key, says, inner), needed


def _followed(whole: Schema, node: Schema) -> Schema:
    """The definition that a reference leads to."""
    for form in (node, *node.get("allOf", ())):
        if "$ref" in form:
            definition: Schema = whole["$defs"][form["$ref"].rpartition("/")[2]]
            return definition
    return node


def _types(schema: Schema) -> Iterator[str]:
    written = schema.get("type", ())
    yield from [written] if isinstance(written, str) else written
    for form in schema.get("anyOf", ()):
        yield from _types(form)
