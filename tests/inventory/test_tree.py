"""Merging trees."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lockstitch.inventory.compose import compose
from lockstitch.inventory.yaml_tree import YamlNode, merged

KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 9)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=12,
)


def tree(value: Any, file: str = "f.yml") -> YamlNode:
    return compose(json.dumps(value), file)[0]


@given(st.dictionaries(KEYS, VALUES), st.dictionaries(KEYS, VALUES))
def test_mappings_merge_and_all_else_is_replaced(under: dict[str, Any], over: dict[str, Any]) -> None:
    found = merged(tree(under), tree(over)).plain()
    assert list(found) == [*over, *(key for key in under if key not in over)]
    for key, value in found.items():
        if key in over and not (isinstance(over[key], dict) and isinstance(under.get(key), dict)):
            assert value == over[key]
        elif key not in over:
            assert value == under[key]


@given(st.dictionaries(KEYS, VALUES))
def test_merging_with_nothing_or_itself_changes_nothing(value: dict[str, Any]) -> None:
    assert merged(tree(value), tree({})).plain() == value
    assert merged(tree({}), tree(value)).plain() == value
    assert merged(tree(value), tree(value)).plain() == value


def test_every_piece_keeps_its_place() -> None:
    found = merged(tree({"a": {"b": 1}}, "_all.yml"), tree({"a": {"c": 2}}, "prod.yml"))
    assert (found.get("a", "b").file, found.get("a", "c").file) == ("_all.yml", "prod.yml")


def test_a_mapping_of_another_kind_replaces() -> None:
    under, over = {"kind": "dummy", "unit": "a"}, {"kind": "other", "name": "b"}
    assert merged(tree(under), tree(over)).plain() == over
    assert merged(tree(under), tree({"unit": "b"})).plain() == {"kind": "dummy", "unit": "b"}
