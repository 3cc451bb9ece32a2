"""Calls tasks: those on a fleet once with all of it, plain Fabric tasks once a host, each over a strict connection."""

from __future__ import annotations

import gc
import io
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import fabric
from invoke.context import Context
from invoke.parser.context import ParserContext
from invoke.tasks import Call, Task

from lockstitch.cli.context import FleetContext, ProjectSettings, hosts_of, plain_host, select, typed_names
from lockstitch.cli.exit_codes import afterwards, endings
from lockstitch.cli.json_document import JsonDocument
from lockstitch.cli.signals import interruptible
from lockstitch.cli.task import FleetTask
from lockstitch.errors import UsageError
from lockstitch.model.command import words as quoted

if TYPE_CHECKING:
    from lockstitch.inventory.selection import Selection
    from lockstitch.model.host import Host
    from lockstitch.remote.ssh import Network


def with_words(program: Any, do: Callable[..., None]) -> Callable[..., None]:
    """Have the words of a command line read as the argument that each task says it takes."""

    def read(*args: Any, **kwargs: Any) -> None:
        taking = takes_of(program.collection)
        contexts = typed_contexts(program)
        program.collection.to_contexts = lambda **_: contexts
        program.core.unparsed[:] = named(list(program.core.unparsed), taking, by_typed_name(contexts))
        do(*args, **kwargs)

    return read


def takes_of(collection: Any) -> dict[str, str]:
    """Return the argument that a bare word stands for, by every name of the tasks that take one."""
    return {
        typed: task.takes
        for name, aliases in collection.task_names.items()
        for typed in (name, *aliases)
        if getattr(task := collection[name], "takes", "")
    }


def by_typed_name(contexts: list[Any]) -> dict[str, Any]:
    """Return the parser's contexts by every name that may be typed for them."""
    return {str(name): context for context in contexts for name in (context.name, *context.aliases)}


def core_words(args: Any) -> tuple[str, ...]:
    """Return the words of those options before a task's name that say which hosts are meant, and how they are reached:
    another `fab` that does the same is started with them."""
    words: list[str] = []
    for name in ("hosts", "identity", "ssh-config", "connect-timeout", "config", "search-root", "collection"):
        # `get` knows no second names.
        if name in args and (argument := args[name]).got_value:
            values = argument.value if isinstance(argument.value, list) else [argument.value]
            words += [word for value in values for word in (f"--{name}", str(value))]
    return tuple(words)


def typed_contexts(program: Any) -> list[Any]:
    """Return what the parser must know of the tasks whose names are typed.

    Start-up: Invoke would make it of every task. A task whose name is part of another word (`--help=deploy`), or is yet
    to be completed, needs them all.
    """
    typed = set(program.argv)
    if any(word.startswith(("--help=", "--complete")) or re.match("-h.", word) for word in typed):
        typed |= {name for names in program.collection.task_names.items() for name in (names[0], *names[1])}
    arguments = {"ignore_unknown_help": program.config.tasks.ignore_unknown_help}
    return [
        ParserContext(name=name, aliases=aliases, args=program.collection[name].get_arguments(**arguments))
        for name, aliases in program.collection.task_names.items()
        if typed & {name, *aliases}
    ]


def named(words: list[str], taking: dict[str, str], contexts: dict[str, Any]) -> list[str]:
    """The words with `--NAME` put before one that stands for an argument of its task."""
    made: list[str] = []
    task, value_next = "", False
    for word in words:
        if value_next:
            value_next = False
        elif word in contexts:
            task = word
        elif word.startswith("-") and task:
            flag = contexts[task].flags.get(word)
            value_next = flag is not None and flag.takes_value
        elif task in taking and not word.startswith("-"):
            made.append(f"--{taking.pop(task)}")
        made.append(word)
    return made


def command_line(joined: str) -> str:
    """The shell line that is meant by what stands after `--`, which Invoke gives as `joined`.

    One word is a shell line, several are the words of one command: each arrives on the host as it was typed here.
    """
    argv = getattr(getattr(sys.modules.get("fabric.main"), "program", None), "argv", None) or []
    typed = list(argv[argv.index("--") + 1 :]) if "--" in argv else []
    return quoted(*typed) if len(typed) > 1 and " ".join(typed) == joined else joined


class FleetCall(Call):
    """A call whose context the executor makes."""

    executor: Executor
    host: Host | None

    def __init__(self, *args: Any, executor: Executor, host: Host | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.executor, self.host = executor, host

    def clone_data(self) -> dict[str, Any]:
        return {**super().clone_data(), "executor": self.executor, "host": self.host}

    def make_context(self, config: Any) -> Context:
        if self.host is None:
            self.executor.document.begin(self.called_as or self.task.name)
            return self.executor.fleet_context(self.task, config)
        return self.executor.network.connection(self.host, config)


class Executor(fabric.Executor):  # type: ignore[misc]
    """Named by `fabric.yaml` under `tasks.executor_class`."""

    def execute(self, *tasks: Any) -> Any:
        """Run the tasks; what goes wrong ends with a sentence and an exit code."""
        _hurry()
        self.document.asked = any(self._asks_json(task) for task in tasks)
        with afterwards(self.document), endings(self.document):
            try:
                with interruptible():
                    return self._execute(*tasks)
            finally:
                # How it ended is known, and only not yet said: a Ctrl-C has nothing left to interrupt.
                if threading.current_thread() is threading.main_thread():
                    signal.signal(signal.SIGINT, signal.SIG_IGN)
                # What ends with the process is not worth looking through once more.
                gc.freeze()

    def _execute(self, *tasks: Any) -> Any:
        try:
            return super().execute(*tasks)
        finally:
            if "network" in self.__dict__:
                self.network.close()

    @cached_property
    def document(self) -> JsonDocument:
        """The JSON document of the task that is called."""
        return JsonDocument()

    def _asks_json(self, task: Any) -> bool:
        """Tell whether `--json` was typed after a task on a fleet."""
        asks = "json" in getattr(task, "args", ()) and task.args["json"].value
        if asks and isinstance(self.collection[task.name], FleetTask):
            self.document.begin(task.name)
            return True
        return False

    def expand_calls(self, calls: Iterable[Any], apply_hosts: bool = True) -> list[Call]:
        """Every call that is made, with those before and after it."""
        expanded = list(self._expand(calls, direct=True))
        if self.core.remainder and not any(getattr(call.task, "remainder", False) for call in expanded):
            raise UsageError(
                "none of these tasks takes a command after `--`", hint=f"fab -H ENV run -- {self.core.remainder}"
            )
        return expanded

    def fleet_context(self, task: Task[Any], config: Any) -> FleetContext:
        """The context of a task on a fleet."""
        context = FleetContext(config)
        selection, defaulted = self._selected_by(task)
        names = [fleet.inventory.name for fleet in selection.fleets]
        self.document.environment = names[0] if len(names) == 1 else None
        context._set(
            selection=selection,
            settings=self.settings,
            dry=bool(config.run.dry),
            remainder=command_line(self.core.remainder) if getattr(task, "remainder", False) else "",
            defaulted=defaulted,
            document=self.document,
            typed=core_words(self.core[0].args),
            collection=self.collection,
        )
        return context

    @cached_property
    def settings(self) -> ProjectSettings:
        return ProjectSettings.of(self.config)

    @cached_property
    def selected(self) -> tuple[Selection, bool]:
        return select(self.settings, self._typed)

    def _selected_by(self, task: Task[Any]) -> tuple[Selection, bool]:
        """Return the selection of a task on a fleet, and whether it is the default."""
        # Start-up: `fab --list` needs no inventory.
        from lockstitch.inventory.selection import Selection

        return (Selection(), False) if getattr(task, "alone", False) and not self._typed else self.selected

    @cached_property
    def network(self) -> Network:
        """The network that the connections of plain tasks share."""
        # Start-up: tasks on a fleet have a remote of their own.
        from lockstitch.remote.ssh import Network

        typed = typed_names(self.selected[0]) if self._typed else {}
        return Network(self.config, typed=typed, root=self.settings.root)

    @property
    def _typed(self) -> str:
        return str(self.core[0].args.hosts.value or "")

    def _expand(self, calls: Iterable[Any], *, direct: bool) -> Iterator[Call]:
        for given in calls:
            call = Call(given) if isinstance(given, Task) else given
            yield from self._expand(call.pre, direct=False)
            yield from self._each(call, direct)
            yield from self._expand(call.post, direct=False)

    def _each(self, call: Call, direct: bool) -> Iterator[Call]:
        if isinstance(call.task, FleetTask):
            # What was selected wrongly is said before any task of this command line has begun.
            self._selected_by(call.task)
            yield call.clone(into=FleetCall, with_={"executor": self})
        elif isinstance(call.task, fabric.Task) or (direct and self._typed):
            for host in self._hosts(call):
                yield call.clone(into=FleetCall, with_={"executor": self, "host": host})
        else:
            yield call

    def _hosts(self, call: Call) -> tuple[Host, ...]:
        """The hosts of a plain task: those of -H, or those that the task itself names."""
        own = getattr(call.task, "hosts", None) or ()
        if self._typed:
            return hosts_of(self.selected[0])
        if not own:
            name = call.called_as or call.task.name
            raise UsageError(
                f"{name} works on hosts, and none are selected: it would run on this machine",
                hint=f"fab -H HOST {name}, or make it a task of this machine with invoke's @task",
            )
        return tuple(_named(host) for host in own)


def _hurry() -> None:
    """Fit the process for short commands on many hosts: `scripts/bench run` says what it is worth.

    What has just been loaded is not looked through for garbage again and again; and threads that mostly wait, one or
    two a host, are not made to take turns within what little each has to do.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    sys.setswitchinterval(0.02)


def _named(host: Any) -> Host:
    """A host as `@task(hosts=…)` takes it: a word, or a mapping of host, user and port."""
    if isinstance(host, str):
        return plain_host(host)
    if unknown := set(host) - {"host", "user", "port"}:
        raise UsageError(f"a task's hosts can have host, user and port, not {', '.join(sorted(unknown))}")
    # Start-up: as above.
    from lockstitch.model.host import Address, Host

    return Host(host["host"], Address(host["host"], None, host.get("port"), host.get("user")))


def open_closed() -> None:
    """Open on nothing those that are closed: the next connection would take their number, and be written to."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free, which is this one.
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A locale that lacks a character is no reason to end: it is shown by its number.
            stream.reconfigure(errors="backslashreplace")
