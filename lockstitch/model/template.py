"""Templates: texts in which `{name}` stands for a value that is known later. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib import parse

from lockstitch.errors import CheckError

_NAME = re.compile(r"\{([a-z_][a-z0-9_]*)\}")


def template_names(node: Any) -> Iterator[str]:
    """Yield the name of each value that stands in the texts of a tree of lists and mappings."""
    if isinstance(node, str):
        yield from _NAME.findall(node)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from template_names(key)
            yield from template_names(value)
    elif isinstance(node, list | tuple):
        for each in node:
            yield from template_names(each)


def filled(node: Any, values: Mapping[str, Any]) -> Any:
    """Return a tree with the values in place of their names. A text that is one name alone becomes the value itself,
    such as a number. Raises KeyError for a name without a value."""
    if isinstance(node, str):
        if whole := _NAME.fullmatch(node):
            return values[whole[1]]
        return _NAME.sub(lambda match: as_text(values[match[1]]), node)
    if isinstance(node, Mapping):
        return {filled_text(str(key), values): filled(value, values) for key, value in node.items()}
    return [filled(each, values) for each in node] if isinstance(node, list | tuple) else node


def filled_text(text: str, values: Mapping[str, Any], escape: Callable[[str], str] = str) -> str:
    """Return a text with the values in place of their names. Raises KeyError for a name without a value."""
    return _NAME.sub(lambda match: escape(as_text(values[match[1]])), text)


def filled_path(path: str, values: Mapping[str, Any]) -> str:
    """Return the path of a URL with the values, escaped, in place of their names. Raises KeyError as above, and
    CheckError where they lead to another folder: clients take `..` away with what is before it."""
    made = filled_text(path, values, lambda value: parse.quote(value, safe=""))
    if made != path and any(part in (".", "..") for part in made.partition("?")[0].split("/")):
        raise CheckError(f"the values in {path} make . or .. of a part of it, which is another place")
    return made


def as_text(value: Any) -> str:
    """Return a saved value as it stands in a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
