"""The rules of the design that a machine can check, beside those that import-linter holds (scripts/check)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockstitch.services import found

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "lockstitch"
TOOLS = {"fabric", "invoke", "paramiko"}
THEIR_ROOMS = ("lockstitch/fab/", "lockstitch/remote/ssh/", "tasks/", "fabfile.py")


def sources() -> list[Path]:
    return sorted([*PACKAGE.rglob("*.py"), *(ROOT / "tasks").rglob("*.py"), ROOT / "fabfile.py"])


def room(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def called(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


@pytest.mark.parametrize("path", sources(), ids=room)
def test_only_the_seams_know_fabric_invoke_and_paramiko(path: Path) -> None:
    knows = {name.split(".")[0] for name in imported(path)} & TOOLS
    assert not knows or room(path).startswith(THEIR_ROOMS)


@pytest.mark.parametrize("path", sources(), ids=room)
def test_only_tasks_print(path: Path) -> None:
    prints = "print" in set(called(path))
    assert not prints or room(path).startswith("tasks/") or room(path) in ("lockstitch/__main__.py",)


@pytest.mark.parametrize("path", sources(), ids=room)
def test_only_command_quotes_for_a_shell(path: Path) -> None:
    text = path.read_text()
    assert "shlex.quote" not in text and "shlex.join" not in text and "from shlex import" not in text
    assert "'\"'\"'" not in text or room(path) == "lockstitch/command.py"


def test_the_name_of_a_service_stands_in_its_own_file_only() -> None:
    kinds = set(found()) - {"command"}  # a word of the design with a meaning of its own
    elsewhere = [p for p in PACKAGE.rglob("*.py") if "services" not in p.parts]
    named = {(room(path), kind) for path in elsewhere for kind in kinds if kind in code(path)}
    assert not named


def code(path: Path) -> set[str]:
    """The names and texts of a module, without its comments and docstrings."""
    tree = ast.parse(path.read_text())
    docs = {id(n.body[0].value) for n in ast.walk(tree) if _documented(n)}
    words = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in docs]
    return words | {word for text in texts if isinstance(text, str) for word in text.split()}


def _documented(node: ast.AST) -> bool:
    body = getattr(node, "body", None)
    return bool(isinstance(body, list) and body and isinstance(body[0], ast.Expr))


@pytest.mark.parametrize("path", sources(), ids=room)
def test_a_module_says_in_a_sentence_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_the_version_is_the_same_everywhere() -> None:
    import tomllib

    import lockstitch

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == lockstitch.__version__
