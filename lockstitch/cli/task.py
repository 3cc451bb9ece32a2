"""Decorators that make tasks on a fleet: a task is called once, with all that was selected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature
from typing import Any, overload

import fabric

from lockstitch.cli.context import FleetContext, remote_for

# Options that many tasks have: the default and the help text. Those of the Session are added by `session_task`.
OPTIONS: Mapping[str, tuple[Any, str]] = {
    "json": (False, "print the answer as JSON on stdout; progress goes to stderr"),
    "commands": (False, "show with the plan every command that is sent"),
    "message": ("", "why; kept in the journal and the lock"),
    "yes": (False, "do not ask, where the environment is protected"),
    "sudo": (False, "as root, through sudo without a password"),
    "user": ("", "as this user, through sudo without a password"),
    "serial": (False, "one host after the other"),
    "parallel": (0, "at most so many hosts at the same time; 64 without it"),
    "timeout": (0.0, "end it on a host after so many seconds"),
    "until_ok": (1, "try up to so many times, a second apart, until it exits with 0"),
}
# Help texts of arguments that a task declares itself.
_HELP = {
    **{name: text for name, (_, text) in OPTIONS.items()},
    "only": "only these apps, with commas",
    "app": "only these apps, with commas",
    "database": "only these databases, with commas, by their names in the inventory",
}

FANOUT = ("json", "serial", "parallel", "timeout")
CHANGE = ("message", "yes", "json", "commands")
# For a change in waves: these limit what the rollout of the inventory allows.
ROLLOUT_HELP = {
    "serial": "one host after the other, whatever the rollout says",
    "parallel": "at most so many hosts at the same time, where the rollout says more",
    "timeout": "end a step on a host after so many seconds",
}


class FleetTask(fabric.Task):  # type: ignore[misc]
    """A Fabric task whose context holds the whole selection.

    `remainder` lets it take what stands after `--`, and `takes` is the argument that a bare word after it stands for.
    One that is `alone` works without any host, and so on none where no -H was given. `needs` is a word without which no
    inventory has a use for it. `flags` are options that its body
    takes as keywords without naming them: by name, the default and the help text.
    """

    def __init__(
        self,
        body: Callable[..., Any],
        *,
        remainder: bool = False,
        takes: str = "",
        alone: bool = False,
        needs: str = "",
        flags: Mapping[str, tuple[Any, str]] | None = None,
        help: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> None:
        self.remainder, self.takes, self.alone, self.flags = remainder, takes, alone, dict(flags or {})
        self.needs = needs
        names = self.argspec(body).parameters
        known = {**_HELP, **{name: text for name, (_, text) in self.flags.items()}}
        # Short flags are not made up: they collide with those of `fab` itself.
        settings.setdefault("auto_shortflags", False)
        super().__init__(body, help={**{n: known[n] for n in names if n in known}, **(help or {})}, **settings)

    def argspec(self, body: Callable[..., Any]) -> Signature:
        """The arguments of the body, and its flags."""
        spec: Signature = super().argspec(body)
        own = [parameter for parameter in spec.parameters.values() if parameter.kind is not Parameter.VAR_KEYWORD]
        flags = [Parameter(n, Parameter.KEYWORD_ONLY, default=default) for n, (default, _) in self.flags.items()]
        return spec.replace(parameters=[*own, *flags])

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Any]:
        """Asked for more than once, where Invoke takes each text of `help` away with the first."""
        kept = dict(self.help)
        made: list[Any] = super().get_arguments(ignore_unknown_help)
        self.help.update(kept)
        return made


class SessionTask(FleetTask):
    """A task whose body is given an open Session, which has the values of `options`; with `dry` it changes nothing.

    One that asks all selected hosts first (`asks_all`) connects to them while the rest of the code is loaded.
    """

    def __init__(
        self,
        body: Callable[..., Any],
        *,
        options: Sequence[str] = (),
        dry: bool = False,
        asks_all: bool = False,
        **settings: Any,
    ) -> None:
        self.dry, self.asks_all = dry, asks_all
        super().__init__(body, flags={name: OPTIONS[name] for name in options}, **settings)

    def __call__(self, c: FleetContext, *args: Any, **given: Any) -> Any:
        options = {name: given.pop(name) for name in self.flags if name in given}
        with remote_for(c) as remote:
            if self.asks_all and not given.get("only"):
                remote.connect_ahead(c.hosts)
            # Start-up: the engine is loaded when a task runs, not for `fab --list`.
            from lockstitch.cli.session import Session

            with Session(c, remote, dry=self.dry, **options) as session:
                result = self.body(session, *args, **given)
        c.document.end(0)
        self.times_called += 1
        return result


Body = Callable[..., Any]


@overload
def fleet_task(body: Body, /) -> FleetTask: ...
@overload
def fleet_task(**settings: Any) -> Callable[[Body], FleetTask]: ...
def fleet_task(body: Body | None = None, /, **settings: Any) -> Any:
    """Make a function a FleetTask, as a decorator with or without arguments: those of Invoke's `task`, and its own."""
    return _decorated(FleetTask, body, settings)


@overload
def session_task(body: Body, /) -> SessionTask: ...
@overload
def session_task(**settings: Any) -> Callable[[Body], SessionTask]: ...
def session_task(body: Body | None = None, /, **settings: Any) -> Any:
    """Make a function a SessionTask: `@session_task(options=["json"])` adds --json, and the body gets a Session."""
    return _decorated(SessionTask, body, settings)


def _decorated(kind: type[FleetTask], body: Body | None, settings: dict[str, Any]) -> Any:
    return kind(body) if body is not None else lambda body: kind(body, **settings)
