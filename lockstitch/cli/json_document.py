"""The one JSON document that a task prints where `--json` was typed, however it ends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from lockstitch.errors import CheckError, ExitCode
from lockstitch.text import json_text


class JsonDocument:
    """The answer of a task, which is printed once with the exit code and the error that ended it.

    Nothing is printed where JSON was not asked for. A task that has not answered prints one line. `lines` is for a task
    that prints a document a line (`logs`): this one is the last of them, where the task fails. `fallback` is what is
    shown on stderr where stdout cannot be written. `environment` is what commands in hints are typed with. While
    something `follows` that answers as well, a success does not end it. `afterwards` has what is done once all is
    printed.
    """

    def __init__(self, task: str = "", *, asked: bool = False) -> None:
        self.task, self.asked, self.lines = _typed(task), asked, False
        self.environment: str | None = None
        self.answer: dict[str, Any] = {}
        self.fallback: Callable[[], str] | None = None
        self.afterwards: list[Callable[[], None]] = []
        self._printed, self.follows = False, False

    def begin(self, task: str) -> None:
        """Begin the document of the next task of a command line."""
        self.task, self.lines, self.answer, self.fallback = _typed(task), False, {}, None
        self._printed, self.follows = False, False

    def end(self, code: int, message: str = "", hint: str = "") -> None:
        """Print the document, unless it was printed. Raises CheckError where a success cannot be written."""
        if not self.asked or self._printed or ((self.lines or self.follows) and code == ExitCode.DONE):
            return
        # Start-up: `fab --list` prints no answer.
        from lockstitch.cli.output import aside, untold, unwritten

        self._printed = True
        if code == ExitCode.INTERRUPTED and "result" in self.answer:
            self.answer["result"] = "interrupted"
        error = {"message": message, "hint": hint or None} if message else None
        head = {"task": self.task or None, "exit_code": code, "error": error}
        text = json_text({**head, **self.answer, "exit_code": code}, 2 if self.answer else None)
        failed = untold(text, sys.stdout)
        if failed is None or isinstance(failed, BrokenPipeError):
            return
        if self.fallback is not None:
            aside(self.fallback())
            aside(f"this is not on stdout, which cannot be written: {unwritten(failed)}")
        elif code == ExitCode.DONE:
            raise CheckError(f"the answer could not be written here: {unwritten(failed)}") from failed
        else:
            aside(f"the answer could not be written here: {unwritten(failed)}")


def _typed(task: str) -> str:
    """Return a task's name as it is typed: the default task of a collection goes by the collection's name."""
    collection, _, name = task.rpartition(".")
    return name if collection == name else task
