"""The whole of `init`, for both of its forms: what is given and asked, made, put in place, and told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lockstitch.cli.scaffold.answers import InitAnswers
from lockstitch.cli.scaffold.files import environment_files, template, written
from lockstitch.cli.scaffold.project import Project, project, requirement
from lockstitch.cli.scaffold.questions import Prompt, gather
from lockstitch.cli.scaffold.write import add, checked, free, free_files, put
from lockstitch.inventory.load import COMMON
from lockstitch.model.command import words


def begin(
    directory: str,
    given: Mapping[str, str],
    settings: Iterable[str] = (),
    groups: Iterable[str] = (),
    *,
    protect: bool = True,
    git: bool = False,
    dry: bool = False,
    ask: Prompt | None = None,
) -> str:
    """Make a new operations repository, or another environment of one, and say what was made. `dry` writes nothing,
    and says what would be."""
    folder = Path(directory).expanduser()
    how: dict[str, Any] = {"protect": protect, "ask": ask}
    if there := project(folder):
        return "\n".join(_another(there, given, settings, groups, dry=dry, how=how))
    first = template()
    # Before anything is asked: whoever has answered eleven questions should not hear that it was for nothing.
    free(folder, {**first, "hosts/": b"", ".gitignore": b"", "requirements.txt": b"", "README.md": b""})
    answers = gather(given, settings, groups, **how)
    files = written(first, answers, requirement())
    checked(files, answers.environment)
    if dry:
        free(folder, files)
    else:
        put(folder, files, git=git)
    return "\n".join([*_told(folder, files, answers, dry=dry), *_next(folder, answers, ["fab doctor"], dry=dry)])


def _another(
    there: Project,
    given: Mapping[str, str],
    settings: Iterable[str],
    groups: Iterable[str],
    *,
    dry: bool,
    how: Mapping[str, Any],
) -> Iterator[str]:
    """Add an environment to a project, and say what was made."""
    if given.get("environment"):
        free_files(there.folder, [f"hosts/{given['environment']}.yml"])
    answers = gather(given, settings, groups, there=there, **how)
    made = environment_files(answers)
    inventory = f"hosts/{answers.environment}.yml"
    files = {path: text for path, text in made.items() if path == inventory or not (there.folder / path).exists()}
    common = there.folder / "hosts" / COMMON
    free_files(there.folder, files)
    checked({**files, **({f"hosts/{COMMON}": common.read_bytes()} if common.exists() else {})}, answers.environment)
    if not dry:
        add(there.folder, files)
    yield from _told(there.folder, files, answers, dry=dry)
    if there.like and not answers.app_is_common:
        apps = [f"the app{'s' if len(there.others) > 1 else ''} {', '.join(there.others)}"] if there.others else []
        more = ", ".join([*apps, "build, test, migrate, env, secrets, databases, checks, …"])
        yield f"not taken over from hosts/{there.like}.yml: {more}"
        yield f"    copy what {answers.environment} needs, or move what both share to hosts/{COMMON}"
    yield from _next(there.folder, answers, [], dry=dry)


def _told(folder: Path, files: Mapping[str, bytes], answers: InitAnswers, *, dry: bool) -> Iterator[str]:
    name = answers.environment
    tops = dict.fromkeys(path.partition("/")[0] + ("/" if "/" in path else "") for path in files)
    yield f"{'would be made' if dry else 'made'} in {folder}: {', '.join(tops if len(tops) > 1 else files)}"
    if answers.assumed:
        yield f"taken because nothing else was said, and to be put right in hosts/{name}.yml:"
        yield from (f"    --{flag} {words(value)}" for flag, value in answers.assumed)
    if answers.missing:
        yield f"needed in hosts/{name}.yml before the first deploy: {answers.missing}"
    if idle := list(answers.groups)[1:]:
        yield f"{answers.app} runs in {next(iter(answers.groups))}; no app runs yet in {', '.join(idle)}"


def _next(folder: Path, answers: InitAnswers, first: Iterable[str], *, dry: bool) -> Iterator[str]:
    name = answers.environment
    if dry:
        yield f"hosts/{name}.yml would be:"
        yield from environment_files(answers)[f"hosts/{name}.yml"].decode().splitlines()
        return
    yield f"next, in {folder}:"
    yield from (f"    {line}" for line in first)
    yield from (f"    fab -H {name} {task}" for task in ("trust", "doctor", "check", "plan", "deploy"))
