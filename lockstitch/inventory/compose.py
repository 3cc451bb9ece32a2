"""YAML text into a Tree. Safe: no YAML tag makes an object. What is wrong is collected, with its line.

Plain words mean what YAML 1.2 says: only true and false are booleans, so that `no` is a word and `010` no octal.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import field

import yaml

from lockstitch.inventory.yaml_tree import Problem, Scalar, YamlNode
from lockstitch.model.lazy_dataclass import dataclass

_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = re.compile(_TAG + "(?:str|int|float|bool|null|timestamp|merge|value|map|seq)")
_WORDS: dict[str, Scalar] = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"-?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]{1,2})?")

# Levels that any parser can take; every one needs a bracket, or a column of indentation.
_DEEPEST = 1_000
# How many pieces the aliases of one file may stand for.
_ALIASED = 20_000


def compose(text: str, file: str) -> tuple[YamlNode, list[Problem]]:
    """The tree of a file's text and the problems of its YAML; an empty file is an empty mapping."""
    reader = _Reader(file, _ALIASED + len(text))
    try:
        node = _parsed(text)
        tree = reader.tree(node, 1, "", ()) if node else YamlNode({}, file)
    except yaml.YAMLError as error:
        return YamlNode({}, file), [_syntax(error, file)]
    except RecursionError:
        return YamlNode({}, file), [Problem(file, 1, "", "is nested too deeply")]
    except _TooMuchError as error:
        return YamlNode({}, file), [error.problem]
    if tree.content is None:
        tree = YamlNode({}, file)
    return tree, reader.problems


def _parsed(text: str) -> yaml.Node | None:
    """Parse it with libyaml where that is there: it is ten times as fast. Its messages are worse, and very deep nesting
    ends the process, so text with mistakes or with many brackets is left to the parser in Python."""
    fast = getattr(yaml, "CSafeLoader", None)
    deepest = text.count("[") + text.count("{") + max(map(_indentation, text.splitlines()), default=0)
    if fast and deepest < _DEEPEST:
        with suppress(yaml.YAMLError):
            return yaml.compose(text, Loader=fast)
    return yaml.compose(text, Loader=yaml.SafeLoader)


def _indentation(line: str) -> int:
    # Dashes, question marks and colons begin a level each, also several in one line.
    return len(line) - len(line.lstrip(" -?:"))


def _syntax(error: yaml.YAMLError, file: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    return Problem(file, mark.line + 1 if mark else 1, "", f"is not valid YAML: {said}")


class _TooMuchError(Exception):
    """Aliases of aliases that stand for more than any inventory has."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass
class _Reader:
    file: str
    # How many more nodes there may be; what is written without aliases has fewer than it has characters.
    remaining: int
    problems: list[Problem] = field(default_factory=list)

    def tree(self, node: yaml.Node, line: int, path: str, above: tuple[int, ...]) -> YamlNode:
        """The tree of a node; `above` are the nodes it is in, by which an alias to one of them is noticed."""
        made = YamlNode(None, self.file, line, path)
        # Deep ones take more: each has its whole path.
        self.remaining -= 1 + len(above) // 16
        if self.remaining < 0:
            said = f"its aliases stand for more than {_ALIASED} pieces: write less with them"
            raise _TooMuchError(made.problem(said))
        if id(node) in above:
            return self._wrong(made, "an alias holds itself")
        if not _PLAIN_TAGS.fullmatch(node.tag):
            return self._wrong(made, f"the YAML tag {node.tag.replace(_TAG, '!!')} is not allowed")
        above = (*above, id(node))
        if isinstance(node, yaml.MappingNode):
            return YamlNode(self._mapping(node, path, above), self.file, line, path)
        if isinstance(node, yaml.SequenceNode):
            items = [
                self.tree(item, item.start_mark.line + 1, f"{path}[{index}]", above)
                for index, item in enumerate(node.value)
            ]
            return YamlNode(items, self.file, line, path)
        return YamlNode(_scalar(node) if isinstance(node, yaml.ScalarNode) else None, self.file, line, path)

    def _mapping(self, node: yaml.MappingNode, path: str, above: tuple[int, ...]) -> dict[str, YamlNode]:
        entries: dict[str, YamlNode] = {}
        inherited: dict[str, YamlNode] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.problems.append(Problem(self.file, line, path, "a key must be a plain word"))
            elif key.tag == _TAG + "merge":
                for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    inherited = {**self.tree(source, line, path, above).entries, **inherited}
            elif key.value in entries:
                self.problems.append(
                    entries[key.value].problem(f"is written again on line {line}: keep one of the two")
                )
            else:
                entries[key.value] = self.tree(value, line, f"{path}.{key.value}".lstrip("."), above)
        return {**inherited, **entries}

    def _wrong(self, made: YamlNode, what: str) -> YamlNode:
        self.problems.append(made.problem(what))
        return made


def _scalar(node: yaml.ScalarNode) -> Scalar:
    value = str(node.value)
    if node.style or node.tag == _TAG + "str":
        return value
    if value in _WORDS:
        return _WORDS[value]
    if _INTEGER.fullmatch(value):
        return int(value)
    return float(value) if _FLOAT.fullmatch(value) else value
