"""`fab --list`: tasks that no inventory of the project can use are marked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lockstitch.cli.context import ProjectSettings

UNUSED = "(unused)"
Pairs = Sequence[tuple[str, str | None]]


def marked(program: Any, pairs: Callable[..., Pairs]) -> Callable[..., Pairs]:
    """Have the tasks marked that nobody here has a use for, in what `--list` shows. A task says with `needs` the word
    that stands in the inventories that use it."""

    def made(*args: Any, **kwargs: Any) -> Pairs:
        return [(name, _marked(program, name, text or "")) for name, text in pairs(*args, **kwargs)]

    return made


def _marked(program: Any, shown: str, text: str) -> str:
    name = shown.split(" ")[0]
    needs = getattr(program.collection[name], "needs", "") if name in program.collection.task_names else ""
    unused = needs and UNUSED not in text and not _stands(needs, ProjectSettings.of(program.config).hosts)
    return f"{text.rstrip('.')} {UNUSED}" if unused else text


def _stands(word: str, folder: Path) -> bool:
    """Tell whether a word stands in an inventory, outside of comments. Start-up: the files are not parsed."""
    files = sorted(folder.glob("*.yml"))
    return not files or any(
        re.search(rf"^[^#\n]*\b{re.escape(word)}\b", file.read_text(errors="replace"), re.MULTILINE) for file in files
    )
