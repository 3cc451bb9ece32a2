"""Expectations of an HTTP answer: values compared with what was written, wherever a URL is asked. Pure.

A written value is a plain one, which must be equal, or a mapping of words such as `{match: "^v2"}`, all of which must
be true. A value in an answer is named by a dotted path such as `data.items[0].id`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

_PART = re.compile(r"(?P<key>[^\[\]]*)(?P<indexes>(?:\[-?\d+\])*)")
_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "list": (list,),
    "object": (dict,),
    "null": (type(None),),
}


class _Absent:
    """The value of a path that leads to nothing; JSON's null is a value."""

    def __repr__(self) -> str:
        return "missing"


ABSENT = _Absent()


def field_at(content: Any, path: str) -> Any:
    """Return the value at a dotted path of a JSON value, ABSENT where there is none."""
    for part in path.split("."):
        if isinstance(content, Mapping) and part in content:
            content = content[part]
            continue
        match = _PART.fullmatch(part)
        if match is None:
            return ABSENT
        if match["key"]:
            if not isinstance(content, Mapping) or match["key"] not in content:
                return ABSENT
            content = content[match["key"]]
        elif not match["indexes"]:
            return ABSENT
        for index in map(int, re.findall(r"-?\d+", match["indexes"])):
            if not isinstance(content, list) or not -len(content) <= index < len(content):
                return ABSENT
            content = content[index]
    return content


def path_problem(path: str) -> str:
    """Return what is wrong with a dotted path; empty where it is well formed."""
    parts = path.split(".")
    good = all(part and (match := _PART.fullmatch(part)) and match[0] for part in parts)
    return "" if good else f"{path!r} is no path of a JSON value: write it like data.items[0].id"


def same(expected: Any, actual: Any) -> bool:
    """Tell whether two JSON values are the same. true is not 1."""
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        return expected.keys() == actual.keys() and all(same(expected[key], actual[key]) for key in expected)
    if isinstance(expected, list | tuple) and isinstance(actual, list | tuple):
        return len(expected) == len(actual) and all(map(same, expected, actual))
    return bool(expected == actual)


def shown(value: Any) -> str:
    """Return a value for a message. It is whole: who masks secrets in a message cuts it only afterwards."""
    return repr(value)


def _absent(argument: Any, actual: Any) -> bool:
    return (actual is ABSENT) is argument


def _match(argument: Any, actual: Any) -> bool:
    text = str(actual) if isinstance(actual, int | float) and not isinstance(actual, bool) else actual
    return isinstance(text, str) and re.search(argument, text) is not None


def _is_a(argument: Any, actual: Any) -> bool:
    fits = isinstance(actual, _TYPES[argument])
    return fits and (argument == "boolean" or not isinstance(actual, bool))


def _numeric(actual: Any) -> bool:
    return isinstance(actual, int | float) and not isinstance(actual, bool)


def _length(argument: Any, actual: Any) -> bool:
    if not isinstance(actual, str | list | dict):
        return False
    bounds = argument if isinstance(argument, Mapping) else {"min": argument, "max": argument}
    return bool(bounds.get("min", 0) <= len(actual) <= bounds.get("max", len(actual)))


# Each word with its judge.
WORDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "is": same,
    "not": lambda argument, actual: actual is not ABSENT and not same(argument, actual),
    "one_of": lambda argument, actual: any(same(each, actual) for each in argument),
    "match": _match,
    "type": _is_a,
    "min": lambda argument, actual: _numeric(actual) and actual >= argument,
    "max": lambda argument, actual: _numeric(actual) and actual <= argument,
    "length": _length,
    "contains": lambda argument, actual: isinstance(actual, list | str | dict) and _holds(argument, actual),
    "absent": _absent,
}


def _holds(argument: Any, actual: Any) -> bool:
    if isinstance(actual, str):
        return isinstance(argument, str) and argument in actual
    return any(same(argument, each) for each in actual)


def in_words(expected: Any) -> bool:
    """Tell whether a written value is a mapping of words. Any other mapping is a value that must be equal."""
    return isinstance(expected, Mapping) and bool(expected) and all(key in WORDS for key in expected)


def written_problem(expected: Any) -> str:
    """Return what is wrong with a written value; empty where it can be judged."""
    if not in_words(expected):
        return ""
    for word, argument in expected.items():
        if said := _argument_problem(word, argument):
            return f"{word}: {said}"
    return ""


def _argument_problem(word: str, argument: Any) -> str:
    number = _numeric(argument)
    if word == "match":
        return pattern_problem(argument)
    if word == "type":
        known = isinstance(argument, str) and argument in _TYPES
        return "" if known else f"{argument!r} is not one of {', '.join(_TYPES)}"
    if word in ("min", "max"):
        return "" if number else "it should be a number"
    if word == "one_of":
        return "" if isinstance(argument, list) and argument else "it should be a list of values"
    if word == "absent":
        return "" if isinstance(argument, bool) else "it should be true or false"
    if word == "length":
        bounds = argument if isinstance(argument, Mapping) else {"min": argument}
        good = bool(bounds) and all(k in ("min", "max") and type(v) is int and v >= 0 for k, v in bounds.items())
        return "" if good else "it should be a whole number, or {min: 1, max: 10}"
    return ""


def pattern_problem(pattern: Any) -> str:
    """Return what is wrong with a regular expression; empty where it is one."""
    if not isinstance(pattern, str):
        return "it should be a regular expression in quotes"
    try:
        re.compile(pattern)
    except re.error as error:
        return f"{pattern!r} is no regular expression: {error}"
    return ""


def value_problem(expected: Any, actual: Any) -> str:
    """Return how a value differs from what was written; empty where it does not."""
    if in_words(expected):
        broken = [word for word, argument in expected.items() if not WORDS[word](argument, actual)]
        if not broken:
            return ""
        said = ", ".join(f"{word} {shown(expected[word])}" for word in broken)
        return f"is {shown(actual)}, expected {said}"
    if actual is not ABSENT and same(expected, actual):
        return ""
    return f"is {shown(actual)}, expected {shown(expected)}"


def field_problems(expected: Mapping[str, Any], content: Any) -> Iterator[str]:
    """Yield how the fields of a JSON answer differ from those that were written, by their dotted paths."""
    for path, value in expected.items():
        if said := value_problem(value, field_at(content, path)):
            yield f"{path} {said}"


def status_problem(expected: Sequence[int], actual: int) -> str:
    """Return how a status differs from those that were written; without any it must be 200 to 299."""
    if actual in expected or (not expected and 200 <= actual <= 299):
        return ""
    return f"answered {actual}, expected {' or '.join(map(str, expected)) or 'success (200 to 299)'}"


def text_problems(expected: Iterable[str], body: str) -> Iterator[str]:
    """Yield each text that a body lacks."""
    for text in expected:
        if text not in body:
            yield f"the answer does not contain {text!r}"
