"""EFFECT: the files every operations repository begins with: those this project itself works with.

They are there once: in `template` beside this module in an installed package, in a checkout where they are worked on.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from lockstitch.errors import LockstitchError

PARTS = ("fabfile.py", "fabric.yaml", "tasks")


def template() -> dict[str, bytes]:
    """Every file's content by its path."""
    installed = files("lockstitch.cli.scaffold").joinpath("template")
    place: Traversable = installed if installed.is_dir() else Path(__file__).resolve().parents[3]
    if not all(place.joinpath(part).is_file() or place.joinpath(part).is_dir() for part in PARTS):
        raise LockstitchError("this installation lacks the files of a new project", hint="install Lockstitch anew")
    return {path: content for part in PARTS for path, content in _read(place.joinpath(part), part)}


def _read(node: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    if node.is_file():
        yield path, node.read_bytes()
        return
    for inner in sorted(node.iterdir(), key=lambda one: one.name):
        # What Python compiled, and what an editor left.
        if inner.name != "__pycache__" and not inner.name.startswith("."):
            yield from _read(inner, f"{path}/{inner.name}")
