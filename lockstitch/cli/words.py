"""Words of the command line that Invoke reads otherwise: a bare one after a task that may be left out (`backup.verify
NAME`), and those after `--`, which it joins to one text.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from lockstitch.model.command import words as quoted


def with_words(program: Any, do: Callable[..., None]) -> Callable[..., None]:
    """Have the words of a command line read as the argument that each task says it takes."""

    def read(*args: Any, **kwargs: Any) -> None:
        taking = {
            name: task.takes
            for name in program.collection.task_names
            if getattr(task := program.collection[name], "takes", "")
        }
        contexts = {context.name: context for context in program.collection.to_contexts()}
        program.core.unparsed[:] = named(list(program.core.unparsed), taking, contexts)
        do(*args, **kwargs)

    return read


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
