"""Names of the source: each type has its own, and none is a word that names nothing."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.syntax import parsed

ROOT = Path(__file__).parents[1]
FILES = [file for folder in ("lockstitch", "tasks") for file in sorted((ROOT / folder).rglob("*.py"))]
# Participles, adverbs and pronouns tell a reader nothing of what a value is.
REFUSED = {"told", "left", "done", "wanted", "back", "found", "one"}


def types_of(tree: ast.Module) -> Iterator[str]:
    """Public classes and aliases of types; type variables are no types of their own."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name):
            variable = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "TypeVar"
            if target.id[0].isupper() and not target.id.isupper() and not variable:
                yield target.id


def names_of(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that is defined: functions, classes, parameters, fields and variables, and their lines."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node.lineno
            case ast.arg():
                yield node.arg, node.lineno
            case ast.Name(ctx=ast.Store()):
                yield node.id, node.lineno
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr, node.lineno
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, node.lineno


def test_no_two_public_types_share_a_name() -> None:
    names = Counter(
        name
        for file in FILES
        for name in types_of(parsed(file.read_text(encoding="utf-8")))
        if not name.startswith("_")
    )
    assert len(names) > 300
    assert [name for name, count in names.items() if count > 1] == []


def test_no_name_is_a_word_that_says_nothing() -> None:
    assert [
        f"{file.relative_to(ROOT)}:{line}: {name}"
        for file in FILES
        for name, line in names_of(parsed(file.read_text(encoding="utf-8")))
        if name in REFUSED
    ] == []


@pytest.mark.parametrize(
    "text", ["told = 1", "def f(told): ...", "class A:\n    told: int", "self.told = 1", "match x:\n    case told: ..."]
)
def test_such_a_name_would_be_seen(text: str) -> None:
    assert "told" in [name for name, _ in names_of(parsed(text))]
