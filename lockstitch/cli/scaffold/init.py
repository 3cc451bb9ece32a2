"""The whole of `init`, for both of its forms: what is given and asked, made, put in place, and told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from lockstitch.cli.scaffold.answers import InitAnswers
from lockstitch.cli.scaffold.files import template, written
from lockstitch.cli.scaffold.questions import Prompt, gather
from lockstitch.cli.scaffold.write import checked, free, put
from lockstitch.model.command import words


def begin(
    directory: str,
    given: Mapping[str, str],
    settings: Iterable[str] = (),
    *,
    protect: bool = True,
    git: bool = False,
    dry: bool = False,
    ask: Prompt | None = None,
) -> str:
    """Make a new operations repository, and say what was made. `dry` writes nothing, and says what would be."""
    folder, first = Path(directory).expanduser(), template()
    # Before anything is asked: whoever has answered eleven questions should not hear that it was for nothing.
    free(folder, {**first, "hosts/": b"", ".gitignore": b"", "requirements.txt": b"", "README.md": b""})
    answers = gather(given, settings, protect=protect, ask=ask)
    files = written(first, answers)
    checked(files, answers.environment)
    if dry:
        free(folder, files)
    else:
        put(folder, files, git=git)
    return "\n".join(_told(folder, files, answers, dry=dry))


def _told(folder: Path, files: Mapping[str, bytes], answers: InitAnswers, *, dry: bool) -> list[str]:
    name = answers.environment
    tops = dict.fromkeys(path.partition("/")[0] + ("/" if "/" in path else "") for path in files)
    lines = [f"{'would be made' if dry else 'made'} in {folder}: {', '.join(tops)}"]
    if answers.assumed:
        lines.append(f"taken because nothing else was said, and to be put right in hosts/{name}.yml:")
        lines += [f"    --{flag} {words(value)}" for flag, value in answers.assumed]
    if dry:
        return [*lines, f"hosts/{name}.yml would be:", *files[f"hosts/{name}.yml"].decode().splitlines()]
    return [
        *lines,
        f"next, in {folder}:",
        "    fab doctor",
        *(f"    fab -H {name} {task}" for task in ("trust", "check", "plan", "deploy")),
    ]
