"""Plug-ins found by folder: the classes that the modules of a package define."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from typing import TypeVar

from pydantic import BaseModel

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


def module_names(package: str) -> list[str]:
    """Return the names of the modules of a package, without importing any."""
    return [module.name for module in pkgutil.iter_modules(importlib.import_module(package).__path__)]


def classes_in(package: str, base: type[T], modules: Iterable[str] | None = None) -> Iterator[type[T]]:
    """Import the modules of a package, all without `modules`, and yield the classes of a base that are in them."""
    for name in module_names(package) if modules is None else modules:
        for value in vars(importlib.import_module(f"{package}.{name}")).values():
            if isinstance(value, type) and issubclass(value, base):
                yield value


def by_kind(package: str, base: type[M], modules: Iterable[str] | None = None) -> dict[str, type[M]]:
    """Return the classes that have a `kind`, the one literal of that field, by it in alphabetical order."""
    models = {_kind(model): model for model in classes_in(package, base, modules) if "kind" in model.model_fields}
    return dict(sorted(models.items()))


def _kind(model: type[BaseModel]) -> str:
    (kind,) = model.model_fields["kind"].annotation.__args__  # type: ignore[union-attr]
    return str(kind)
