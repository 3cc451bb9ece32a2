"""The words of expectations, for any JSON value."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.model.expectation import (
    ABSENT,
    field_at,
    path_problem,
    same,
    value_problem,
    written_problem,
)
from lockstitch.model.json_shape import schema_problem, shape_problems

KEYS = st.text("abcdefgh_-", min_size=1, max_size=4)
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.text("ab1 ", max_size=4)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))


def leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [leaf for key, each in value.items() for leaf in leaves(each, f"{path}.{key}".strip("."))]
    if isinstance(value, list):
        return [leaf for number, each in enumerate(value) for leaf in leaves(each, f"{path}[{number}]")]
    return [(path, value)] if path else []


@given(st.dictionaries(KEYS, VALUES, min_size=1))
def test_every_value_is_at_its_path_and_nowhere_else(content: dict[str, Any]) -> None:
    for path, value in leaves(content):
        assert path_problem(path) == "" and field_at(content, path) is value
        assert field_at(content, f"{path}.more") is ABSENT and field_at(content, f"{path}[0]") is ABSENT
    assert field_at(content, "ZZ") is ABSENT


@given(VALUES, VALUES)
def test_values_are_the_same_where_their_json_is(one: Any, two: Any) -> None:
    assert same(one, one) and same(one, two) == same(two, one)
    if json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True):
        assert same(one, two)
    if not same(one, two):
        assert value_problem({"is": one}, two) and value_problem({"not": one}, two) == ""


def test_true_is_not_one() -> None:
    assert not same(True, 1) and not same([0], [False]) and same(1, 1.0)


WORDS = st.fixed_dictionaries(
    {},
    optional={
        "is": VALUES,
        "not": VALUES,
        "one_of": VALUES,
        "match": st.sampled_from(["a+", "(", 3, "^$"]),
        "type": st.sampled_from(["text", "number", "integer", "boolean", "list", "object", "null", "txet", None]),
        "min": VALUES,
        "max": VALUES,
        "length": VALUES | st.fixed_dictionaries({}, optional={"min": st.integers(0, 3), "max": st.integers(0, 3)}),
        "contains": VALUES,
        "absent": st.booleans() | st.none(),
    },
)


@given(WORDS | VALUES, VALUES | st.just(ABSENT))
def test_what_may_be_written_can_be_judged(written: Any, actual: Any) -> None:
    if written_problem(written):
        return
    said = value_problem(written, actual)
    assert said == "" or said.startswith("is ")
    # Several words are all judged: one that is broken breaks them together.
    if isinstance(written, dict) and said == "" and written:
        for word, argument in written.items():
            if word in ("match", "type", "min", "max", "length", "absent", "one_of", "contains"):
                assert value_problem({word: argument}, actual) == "" or word not in written


@pytest.mark.parametrize(
    ("written", "passes", "fails"),
    [
        ({"match": "^v2"}, ["v2.1"], ["v1", 2, None, ABSENT]),
        ({"type": "number"}, [1, 1.5], [True, "1", None]),
        ({"min": 1, "max": 3}, [1, 2.5, 3], [0, 4, True, "2", ABSENT]),
        ({"length": 2}, ["ab", [1, 2], {"a": 1, "b": 2}], ["a", 2, None]),
        ({"length": {"min": 1}}, ["a", [0]], ["", []]),
        ({"contains": "admin"}, [["admin", "user"], "an admin", {"admin": 1}], [["user"], 3]),
        ({"absent": True}, [ABSENT], [None, 0]),
        ({"absent": False}, [None, 0], [ABSENT]),
        ({"not": "admin"}, ["user"], ["admin", ABSENT]),
        ({"one_of": [1, "a"]}, [1, "a"], [True, 2]),
        ({"role": "admin"}, [{"role": "admin"}], [{"role": "user"}, {}, ABSENT]),
        (None, [None], [ABSENT, 0, ""]),
    ],
)
def test_words(written: Any, passes: list[Any], fails: list[Any]) -> None:
    assert written_problem(written) == ""
    assert [value for value in passes if value_problem(written, value)] == []
    assert [value for value in fails if not value_problem(written, value)] == []


TYPES = st.sampled_from(["string", "number", "integer", "boolean", "array", "object", "null"])
SCHEMAS: st.SearchStrategy[Any] = st.deferred(
    lambda: st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "const": VALUES,
            "properties": st.dictionaries(KEYS, SCHEMAS, max_size=2),
            "required": st.lists(KEYS, max_size=2, unique=True),
            "additionalProperties": st.booleans(),
            "items": SCHEMAS,
            "minimum": st.integers(-3, 3),
            "maximum": st.integers(-3, 3),
            "minLength": st.integers(0, 3),
            "maxLength": st.integers(0, 3),
            "minItems": st.integers(0, 3),
            "maxItems": st.integers(0, 3),
            "pattern": st.sampled_from(["a", "^b", "1$"]),
        },
    )
)


@given(SCHEMAS, VALUES)
def test_a_shape_is_judged_as_by_the_reference_implementation(schema: dict[str, Any], value: Any) -> None:
    if schema_problem(schema):
        return
    assert (list(shape_problems(schema, value)) == []) == jsonschema.Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    "schema", [{"typ": "object"}, {"type": "objct"}, {}, {"format": "email"}, {"items": {"$ref": "#"}}]
)
def test_a_schema_that_would_judge_less_than_it_says_is_refused(schema: dict[str, Any]) -> None:
    assert schema_problem(schema)


@pytest.mark.parametrize("kind", [["integer"], ["number", "string"], ["integer", "null"]])
def test_a_number_that_is_too_large_for_any_is_judged(kind: list[str]) -> None:
    schema = {"type": kind}
    shaped = [list(shape_problems(schema, json.loads(text))) == [] for text in ("1e400", "-1e400", "3.0", "1.5")]
    assert shaped == ([True] * 4 if "number" in kind else [False, False, True, False])


def test_null_and_nothing_are_told_apart() -> None:
    assert value_problem("up", None) == "is None, expected 'up'"
    assert value_problem("up", ABSENT) == "is missing, expected 'up'"
