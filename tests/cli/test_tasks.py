"""Tasks are thin, their modules import one way, and own tasks are added to them."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path

import pytest

from tests.syntax import parsed
from tests.wheels import ROOT

TASKS = sorted((ROOT / "tasks").glob("*.py"))
CLI = sorted((ROOT / "lockstitch" / "cli").rglob("*.py"))
STATEMENTS = 3


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        name = "." * node.level + (node.module or "")
        return [name, *(f"{name.rstrip('.')}.{alias.name}" for alias in node.names)]
    return []


@pytest.mark.parametrize("file", TASKS, ids=lambda file: file.stem)
def test_a_task_is_names_options_help_and_a_short_body(file: Path) -> None:
    tree = parsed(file.read_text())
    allowed = ("__future__", "typing", "lockstitch.cli")
    named = [name for node in ast.walk(tree) for name in imported(node) if not name.startswith(".")]
    assert [name for name in named if name != "lockstitch" and not name.startswith(allowed)] == []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            assert len(body) <= STATEMENTS, f"{file.name}: {node.name}"
            assert not any(isinstance(one, ast.If | ast.For | ast.With | ast.Try) for one in body), node.name


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_no_import_of_the_seam_goes_in_a_circle() -> None:
    """Also none that stands in a function or under TYPE_CHECKING."""
    modules = {module_of(file): parsed(file.read_text()) for file in CLI}
    graph = {
        module: {name for node in ast.walk(tree) for name in imported(node) if name in modules} - {module}
        for module, tree in modules.items()
    }
    # `from lockstitch.cli import x` imports x; the package's own module imports them, and none of them imports it.
    users = [module for module, names in graph.items() if "lockstitch.cli" in names]
    assert users == []
    assert list(graphlib.TopologicalSorter(graph).static_order())


def test_an_import_in_a_function_says_why() -> None:
    silent = []
    for file in CLI:
        lines = file.read_text().splitlines()
        for function in ast.walk(parsed(file.read_text())):
            if isinstance(function, ast.FunctionDef):
                first = next((node for node in ast.walk(function) if imported(node)), None)
                if isinstance(first, ast.stmt) and "Start-up" not in "\n".join(lines[first.lineno - 3 : first.lineno]):
                    silent.append(f"{file.name}:{first.lineno}")
    assert silent == []
