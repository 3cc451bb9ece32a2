"""The value Tree: a piece of an inventory together with where it was written. Pure: finding places, and merging."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lockstitch.model.lazy_dataclass import dataclass

Scalar = str | int | float | bool | None
Location = Sequence[str | int]


@dataclass(frozen=True, order=True)
class Problem:
    """Something wrong in an inventory, and where."""

    file: str
    line: int
    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {f'{self.path}: ' if self.path else ''}{self.what}"


@dataclass(frozen=True)
class YamlNode:
    """A scalar, a list or a mapping, with the file, the line and the key path it was written at."""

    content: Scalar | list[YamlNode] | dict[str, YamlNode]
    file: str
    line: int = 1
    path: str = ""

    @property
    def entries(self) -> dict[str, YamlNode]:
        """The entries of a mapping; empty where it is none."""
        return self.content if isinstance(self.content, dict) else {}

    @property
    def items(self) -> list[YamlNode]:
        """The items of a list; empty where it is none."""
        return self.content if isinstance(self.content, list) else []

    def get(self, *keys: str) -> YamlNode:
        """Return the node under the keys; an empty one at the nearest place where there is nothing."""
        node = self
        for key in keys:
            node = node.entries.get(key, replace(node, content=None))
        return node

    def plain(self) -> Any:
        """The content without its places."""
        if isinstance(self.content, dict):
            return {key: value.plain() for key, value in self.content.items()}
        return [item.plain() for item in self.content] if isinstance(self.content, list) else self.content

    def at(self, location: Location) -> YamlNode:
        """The deepest piece on the way to a location. Parts that are no key here (names of types) are passed over."""
        node = self
        for part in location:
            if isinstance(part, int) and part < len(node.items):
                node = node.items[part]
            elif part in node.entries:
                node = node.entries[str(part)]
        return node

    def problem(self, what: str, key: str = "") -> Problem:
        """A problem of this piece, or of a key that it lacks."""
        return Problem(self.file, self.line, ".".join(part for part in (self.path, key) if part), what)


def merged(under: YamlNode, over: YamlNode) -> YamlNode:
    """`over` merged over `under`: mappings merge key by key, all else is replaced.

    The order is that of `over`, then what only `under` has. A mapping of another `kind` is another thing: it replaces.
    """
    if not isinstance(under.content, dict) or not isinstance(over.content, dict):
        return over
    kinds = [tree.entries["kind"].content for tree in (under, over) if "kind" in tree.entries]
    if len(kinds) == 2 and kinds[0] != kinds[1]:
        return over
    both = {k: merged(under.content[k], v) if k in under.content else v for k, v in over.content.items()}
    return replace(under, content={**both, **{k: v for k, v in under.content.items() if k not in both}})
