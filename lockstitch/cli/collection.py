"""The tasks of an operations repository: Lockstitch's, then the repository's own, less what it leaves out."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

from invoke.collection import Collection
from invoke.exceptions import Exit
from invoke.tasks import Task

from lockstitch.errors import ExitCode, UsageError


def with_own_tasks(shipped: Collection, own: ModuleType, without: Iterable[str] = ()) -> Collection:
    """Return the shipped tasks with those of every file in the package `own`: one of the same name takes the place of
    the shipped one. `without` names tasks (`init`, `service.stop`) and groups (`queue`) that are left out.

    A Collection in a file is a group: its tasks are added to the group of that name.
    """
    tasks = dict(_named(shipped))
    for name in without:
        gone = [key for key in tasks if key == name or key.startswith(f"{name}.")]
        if not gone:
            raise _refused(f"fabfile.py leaves out {name}, which is no task", "fab --list shows the tasks")
        for key in gone:
            del tasks[key]
    for info in pkgutil.iter_modules(own.__path__):
        module = import_module(f"{own.__name__}.{info.name}")
        for value in vars(module).values():
            if isinstance(value, Collection):
                tasks |= {f"{value.name}.{name}": task for name, task in _named(value)}
            elif isinstance(value, Task) and value.__module__ == module.__name__:
                tasks[shipped.transform(value.name)] = value
    return _collection(tasks)


def _named(collection: Collection) -> Iterator[tuple[str, Task[Any]]]:
    """Every task of a collection by its full name."""
    yield from collection.tasks.items()
    for name, inner in collection.collections.items():
        yield from ((f"{name}.{task}", value) for task, value in _named(inner))


def _collection(tasks: dict[str, Task[Any]]) -> Collection:
    groups: dict[str, dict[str, Task[Any]]] = {}
    made = Collection()
    for name, task in tasks.items():
        group, dot, rest = name.partition(".")
        if dot:
            groups.setdefault(group, {})[rest] = task
        else:
            made.add_task(task, name)
    for group, inner in groups.items():
        if group in made.tasks:
            raise _refused(f"{group} is a task of tasks/ and a group", f"leave the group out: without=[{group!r}]")
        made.add_collection(_collection(inner), group)
    return made


def _refused(message: str, hint: str) -> Exit:
    """Return the error that ends `fab` while it loads its fabfile, without a traceback."""
    return Exit(str(UsageError(message, hint=hint)), int(ExitCode.USAGE))
