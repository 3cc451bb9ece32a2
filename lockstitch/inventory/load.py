"""EFFECT: reads the inventory files of a folder. Every problem in them is said at once."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from lockstitch.errors import InventoryError, UsageError
from lockstitch.inventory import flags, gates, hooks, measures, resolve, smoke_rules
from lockstitch.inventory.compose import compose
from lockstitch.inventory.model import Inventory
from lockstitch.inventory.schema import Environment
from lockstitch.inventory.types import NAME
from lockstitch.inventory.validation import across, did_you_mean, judged
from lockstitch.inventory.yaml_tree import Problem, YamlNode, merged
from lockstitch.model.lazy_dataclass import dataclass

COMMON = "_all.yml"


@dataclass(frozen=True)
class InventoryFolder:
    """A folder of inventories, as `select` takes it."""

    directory: str | Path

    def names(self) -> list[str]:
        """The environments there are."""
        return environments(self.directory)

    def load(self, name: str) -> Inventory:
        """One of them."""
        return load(self.directory, name)


def environments(directory: str | Path) -> list[str]:
    """The names of the environments in a folder: its `.yml` files, without those that begin with `_` or a dot."""
    try:
        files = sorted(path for path in Path(directory).iterdir() if path.suffix == ".yml")
    except OSError as error:
        raise UsageError(
            f"the folder of inventories {_shown(Path(directory))} cannot be read: {_reason(error)}",
            hint="make it, and write an environment into it: hosts/prod.yml is prod",
        ) from error
    named = [path for path in files if not path.name.startswith(("_", "."))]
    wrong = [
        f"{_shown(path)}:1: the name of an environment is made of letters, digits, dots, dashes and underscores"
        for path in named
        if not NAME.fullmatch(path.stem)
    ]
    if wrong:
        raise InventoryError(wrong)
    return [path.stem for path in named]


def load(directory: str | Path, name: str) -> Inventory:
    """The inventory of an environment, with `_all.yml` merged under it."""
    known = environments(directory)
    if name not in known:
        raise InventoryError(
            [
                f"{_shown(Path(directory) / f'{name}.yml')}: no such file: "
                f"there is no environment {name}{did_you_mean(name, known)}"
            ]
        )
    tree, problems = _tree(Path(directory), name)
    _refuse(problems)
    environment, wrong = judged(Environment, tree)
    placed, misplaced = resolve.place(tree)
    problems = [*wrong, *across(tree), *hooks.misplaced(tree), *misplaced]
    _refuse(problems)
    assert environment is not None
    metrics = {**gates.implied_sources(placed, environment.metrics), **environment.metrics}
    problems = [*gates.misfits(tree, placed, metrics), *gates.unknown_hosts(tree, environment.metrics)]
    problems += gates.uneven_rules(tree, placed)
    _refuse(
        [*problems, *flags.misfits(tree, placed), *smoke_rules.misfits(tree, placed), *measures.misfits(tree, placed)]
    )
    groups, problems = resolve.resolve(environment, tree)
    _refuse(problems)
    places = resolve.places(groups)
    databases = resolve.databases(environment, places, groups)
    own = hooks.hooks(environment.hooks, places), environment.notify, environment.duties
    needs = environment.requires, environment.forge
    return Inventory(name, environment.protect, groups, placed, databases, metrics, *own, *needs)


def _tree(directory: Path, name: str) -> tuple[YamlNode, list[Problem]]:
    own, problems = _read(directory / f"{name}.yml")
    if not (directory / COMMON).exists():
        return own, problems
    common, more = _read(directory / COMMON)
    return replace(merged(common, own), file=own.file, line=own.line), problems + more


def _read(path: Path) -> tuple[YamlNode, list[Problem]]:
    file = _shown(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        return YamlNode({}, file), [Problem(file, 1, "", f"is not UTF-8 text: {error.reason}")]
    except OSError as error:
        return YamlNode({}, file), [Problem(file, 1, "", f"cannot be read: {_reason(error)}")]
    return compose(text, file)


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise InventoryError([str(problem) for problem in sorted(set(problems))])


def _shown(path: Path) -> str:
    """A path as people write it: relative where it is below the working directory."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
