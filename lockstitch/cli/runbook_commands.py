"""Commands of a runbook's stages: which tasks they are, and the words that start them in a `fab` of their own."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from lockstitch.cli.context import FleetContext
from lockstitch.cli.session import Session
from lockstitch.cli.task import FleetTask, SessionTask
from lockstitch.cli.watch_process import fab_program
from lockstitch.errors import UsageError
from lockstitch.inventory.validation import did_you_mean
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.runbooks.settings import Stage, command_words

_HOSTS = ("--hosts", "-H")


@dataclass(frozen=True)
class StageCommand:
    """One command with its values filled in. `is_change`: it may change hosts. `is_planned`: it makes a plan from what
    is on the hosts, and a record of its run before it changes anything, so it can be run again."""

    line: str
    words: tuple[str, ...]
    is_change: bool
    is_planned: bool
    is_release: bool


def stage_command(c: FleetContext, line: str, values: Mapping[str, str], *, yes: bool) -> StageCommand:
    """Return a command as it is typed after `fab -H ENV`. A command that takes `--ref` gets that of the runbook, unless
    one is written. Raises UsageError for an unknown command."""
    words = command_words(line, values)
    names = c.collection.task_names
    known = {typed for name, aliases in names.items() for typed in (name, *aliases)}
    if words[0] not in known:
        raise UsageError(f"`{line}` is no command: there is no task {words[0]}{did_you_mean(words[0], known)}")
    task = c.collection[words[0]]
    arguments = task.argspec(task.body).parameters
    flags = task.flags if isinstance(task, FleetTask) else {}
    head, tail = words[:1], words[1:]
    ref = values.get("ref", "")
    if ref and "ref" in arguments and not any(word == "--ref" or word.startswith("--ref=") for word in tail):
        head += (f"--ref={ref}",)
    if yes and "yes" in flags and "--yes" not in tail:
        head += ("--yes",)
    is_change = not isinstance(task, SessionTask) or "yes" in flags
    return StageCommand(line, head + tail, is_change, "commands" in flags, is_change and "ref" in arguments)


def program_words(session: Session, environment: str, words: Sequence[str], *, dry: bool = False) -> list[str]:
    """Return the words that start a command on an environment, with the options that this `fab` was given."""
    typed = list(session.c.typed)
    for word in _HOSTS:
        while word in typed:
            position = typed.index(word)
            del typed[position : position + 2]
    return [*fab_program(), *typed, *(["--dry"] if dry else []), "-H", environment, *words]


def is_visible(c: FleetContext, stage: Stage, values: Mapping[str, str]) -> bool:
    """Tell whether the window is checked before a stage."""
    if stage.settings.visible is not None:
        return stage.settings.visible
    return any(stage_command(c, line, values, yes=False).is_change for line in stage.commands)


def json_output(session: Session) -> int | None:
    """Return the stream that commands print to: stderr where stdout is one JSON document."""
    return sys.stderr.fileno() if session.json else None
