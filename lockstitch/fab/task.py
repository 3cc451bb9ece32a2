"""A task that works on a fleet: it is called once, with all that was selected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import fabric

Body = TypeVar("Body", bound=Callable[..., Any])


class FleetTask(fabric.Task):  # type: ignore[misc]
    """A Fabric task whose context holds the whole selection; `remainder` lets it take what stands after `--`."""

    remainder = False


def fleet_task(*args: Any, **options: Any) -> Any:
    """Make a function a FleetTask, as a decorator with or without arguments; those of Invoke's `task` and `remainder`.

    Short flags are not made up: they collide with those of `fab` itself.
    """
    remainder = bool(options.pop("remainder", False))
    options.setdefault("auto_shortflags", False)

    def decorate(body: Callable[..., Any]) -> FleetTask:
        made: FleetTask = fabric.task(klass=FleetTask, **options)(body)
        made.remainder = remainder
        return made

    return decorate(args[0]) if args else decorate
