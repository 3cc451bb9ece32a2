"""Errors in the command line, each in a line with the nearest right word; exit code 2.

Invoke parses before it asks for an executor, so the running program itself is told how to end.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from invoke.exceptions import Exit, ParseError, UnknownFileType
from invoke.parser.context import ParserContext

from lockstitch.cli.context import ProjectSettings
from lockstitch.cli.executor import with_words
from lockstitch.cli.json_document import JsonDocument
from lockstitch.cli.listing import marked
from lockstitch.errors import ExitCode, LockstitchError, UsageError

_TAKES = "fab --help TASK shows what a task takes; a long option has two dashes"
_NO_VALUE = re.compile(r"Flag <Argument: ([^ >]+).*> needed value")
_NO_IDEA = re.compile(r"No idea what '(.*)' is!")


def tell_typos() -> None:
    """Have the `fab` that is loading this project, if one is, tell typos in our way."""
    program = getattr(sys.modules.get("fabric.main"), "program", None)
    if program is not None and getattr(program, "argv", None) is not None:
        for name in ("parse_tasks", "update_config"):
            setattr(program, name, _telling(program, getattr(program, name)))
        program.parse_tasks = with_words(program, program.parse_tasks)
        program.parse_cleanup = _unread(_completing(program, program.parse_cleanup))
        program._make_pairs = marked(program, program._make_pairs)


def _completing(program: Any, do: Callable[[], None]) -> Callable[[], None]:
    """Have the shell complete what only an inventory knows."""

    def guarded() -> None:
        if program.args.complete.value:
            # Start-up: only where something is completed.
            from lockstitch.cli.completion import values

            if (candidates := values(program)) is not None:
                print("\n".join(candidates))
                raise Exit("", 0)
        do()

    return guarded


def _unread(do: Callable[[], None]) -> Callable[[], None]:
    """Let the reader of what --list and --help print go early (`| head`)."""

    def guarded() -> None:
        try:
            do()
            sys.stdout.flush()
        except BrokenPipeError:
            # Python flushes it once more when it ends, and would complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise Exit("", 0) from None

    return guarded


def _telling(program: Any, do: Callable[..., None]) -> Callable[..., None]:
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            do(*args, **kwargs)
        except ParseError as error:
            raise _exit(program, _typo(program, error)) from None
        except EOFError:
            # Fabric's own --prompt-for-… options ask before a task begins.
            no_terminal = UsageError("a password is asked for, and there is no terminal to type it on")
            raise _exit(program, no_terminal) from None
        except KeyboardInterrupt:
            raise Exit("interrupted; nothing was changed", int(ExitCode.INTERRUPTED)) from None
        except ValueError as error:
            raise _exit(program, UsageError(f"an option has a value it cannot have: {error}")) from None
        except UnknownFileType as error:
            raise _exit(program, UsageError(str(error), hint=_TAKES)) from None
        except FileNotFoundError as error:
            raise _exit(program, UsageError(f"{error.filename} does not exist")) from None

    return guarded


def _exit(program: Any, error: LockstitchError) -> Exit:
    typed = list(program.argv[1:])
    asked = "--json" in (typed[: typed.index("--")] if "--" in typed else typed)
    JsonDocument(asked=asked).end(int(ExitCode.USAGE), error.message, error.hint)
    return Exit(str(error), int(ExitCode.USAGE))


def _typo(program: Any, error: ParseError) -> UsageError:
    said = str(error)
    # Start-up: only after a typo.
    from lockstitch.inventory.validation import nearest

    if match := _NO_VALUE.search(said):
        flag = f"--{match[1]}" if len(match[1]) > 1 else f"-{match[1]}"
        return UsageError(f"{flag} needs a value", hint=_TAKES)
    if not (match := _NO_IDEA.search(said)):
        return UsageError(said[:1].lower() + said[1:].rstrip("!."), hint=_TAKES)
    word = match[1]
    if word.startswith("-"):
        return _no_option(word, error.context)
    near = nearest(word, list(program.collection.task_names))
    if word in _environments(program) or ("-R" in program.argv and not near):
        return _no_role(word, list(program.argv))
    meant = f": did you mean {near}?" if near else ""
    return UsageError(f"there is no task {word}{meant}", hint="fab --list shows the tasks")


def _no_option(word: str, task: ParserContext | None) -> UsageError:
    # Start-up: only what was typed wrongly needs it.
    from lockstitch.inventory.validation import nearest

    if task is None or not task.name:
        return UsageError(f"there is no option {word}", hint=_TAKES)
    # `-ref` was read as `-r`: only what has two dashes can be near to another option.
    near = nearest(word, [flag for flag in task.flags if flag.startswith("--")]) if word.startswith("--") else None
    meant = f": did you mean {near}?" if near else ""
    dashes = "" if word.startswith("--") else "; a long option has two dashes"
    return UsageError(f"{task.name} has no option {word}{meant}", hint=f"fab --help {task.name} shows them{dashes}")


def _no_role(word: str, argv: list[str]) -> UsageError:
    """Fabric 1 had roles with -R; now that is short for --dry."""
    rest = " ".join(part for part in argv[1:] if part not in ("-R", word)) or "TASK"
    why = f"{word} is no task; `-R` is `--dry`, there are no roles" if "-R" in argv else f"{word} is no task"
    return UsageError(why, hint=f"hosts are selected with -H: fab -H {word} {rest}")


def _environments(program: Any) -> list[str]:
    folder = ProjectSettings.of(program.config).hosts
    return [path.stem for path in Path(folder).glob("*.yml")]
