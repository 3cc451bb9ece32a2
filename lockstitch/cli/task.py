"""A task that works on a fleet: it is called once, with all that was selected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import fabric


class FleetTask(fabric.Task):  # type: ignore[misc]
    """A Fabric task whose context holds the whole selection.

    `remainder` lets it take what stands after `--`, and `takes` is the argument that a bare word after it stands for.
    One that is `alone` works without any host, and so on none where no -H was given.
    """

    remainder = False
    takes = ""
    alone = False

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Any]:
        """Asked for more than once, where Invoke takes each text of `help` away with the first."""
        kept = dict(self.help)
        made: list[Any] = super().get_arguments(ignore_unknown_help)
        self.help.update(kept)
        return made


@overload
def fleet_task(body: Callable[..., Any], /) -> FleetTask: ...
@overload
def fleet_task(
    *, remainder: bool = False, takes: str = "", alone: bool = False, **options: Any
) -> Callable[[Callable[..., Any]], FleetTask]: ...
def fleet_task(
    body: Callable[..., Any] | None = None,
    /,
    *,
    remainder: bool = False,
    takes: str = "",
    alone: bool = False,
    **options: Any,
) -> Any:
    """Make a function a FleetTask, as a decorator with or without arguments; those of Invoke's `task` and of FleetTask.

    Short flags are not made up: they collide with those of `fab` itself.
    """
    options.setdefault("auto_shortflags", False)

    def decorate(body: Callable[..., Any]) -> FleetTask:
        made: FleetTask = fabric.task(klass=FleetTask, **options)(body)
        made.remainder, made.takes, made.alone = remainder, takes, alone
        return made

    return decorate if body is None else decorate(body)


JSON = {"json": "print it as JSON"}
WAY = {
    **JSON,
    "serial": "one host after the other",
    "parallel": "at most so many hosts at the same time; 64 without it",
    "timeout": "end it on a host after so many seconds",
}
