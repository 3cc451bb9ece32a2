"""Values that the shell completes: environments, groups and hosts after -H, apps after --only, refs after --ref."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockstitch.cli.context import ProjectSettings, runs_folder

if TYPE_CHECKING:
    from lockstitch.facts.site import Survey
    from lockstitch.inventory.model import Inventory

_HOSTS, _APPS, _REFS = ("-H", "--hosts"), ("--only", "--app"), ("--ref", "--tag", "--to")
# The file with what the last survey of each environment saw, in the folder of the project's records.
_SEEN = "seen.json"
_MOST = 500


def values(program: Any) -> list[str] | None:
    """Return what may stand where the command line that is completed ends; None where that is no value of ours."""
    words = _typed(program)
    flag = next((n for n in range(len(words) - 1, -1, -1) if words[n].startswith("-")), None)
    # bash splits a value at its colons. What is behind anything else is the next word.
    if flag is None or any(part != ":" for part in words[flag + 2 :: 2]):
        return None
    settings, typed = ProjectSettings.of(program.config), "".join(words[flag + 1 :])
    candidates = _candidates(program, settings, words, words[flag], typed)
    # The shell does not say whether a blank is behind it: what is whole is not completed, but followed.
    return None if candidates is None or typed in candidates else candidates


def _candidates(
    program: Any, settings: ProjectSettings, words: Sequence[str], flag: str, typed: str
) -> list[str] | None:
    if flag in _HOSTS:
        return list(_selections(settings, typed))
    environment = _environment(words, settings)
    if flag in _APPS:
        return _with_list(typed, [app for inventory in _loaded(settings, environment) for app in inventory.apps])
    return _refs(program, environment) if flag in _REFS else None


def remember(folder: Path, environment: str, survey: Survey) -> None:
    """Keep the tags, branches and revisions that a survey saw. What cannot be written is not completed."""
    refs = [ref for facts in survey.facts.values() for ref in (facts.place.tag, facts.place.branch) if ref]
    refs += [tag for facts in survey.facts.values() if facts.target for tag in facts.target.tags]
    refs += [r.revision[:12] for facts in survey.facts.values() for r in facts.releases if r.verdict == "good"]
    with suppress(OSError, ValueError):
        file = folder / _SEEN
        seen = json.loads(file.read_text()) if file.exists() else {}
        kept = list(dict.fromkeys(refs))[:_MOST]
        if not refs or seen.get(environment) == kept:
            return
        folder.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{_SEEN}.{os.getpid()}")
        part.write_text(json.dumps({**seen, environment: kept}))
        part.replace(file)


def _typed(program: Any) -> list[str]:
    line = re.sub(r"^\S+ ", "", program.core.remainder, count=1)
    try:
        return shlex.split(line)
    except ValueError:
        return []


def _selections(settings: ProjectSettings, typed: str) -> Iterator[str]:
    names = [path.stem for path in sorted(settings.hosts.glob("*.yml")) if not path.stem.startswith("_")]
    environment, colon, _ = typed.rpartition(",")[2].partition(":")
    before = typed[: len(typed) - len(typed.rpartition(",")[2])]
    if not colon:
        yield from (f"{before}{name}" for name in names)
        return
    for inventory in _loaded(settings, environment):
        for part in (*(g.name for g in inventory.groups), *(host.name for host in inventory.hosts)):
            # bash completes what is behind the colon, other shells all of it.
            yield from (part, f"{before}{environment}:{part}")


def _with_list(typed: str, names: Sequence[str]) -> list[str]:
    before = typed[: len(typed) - len(typed.rpartition(",")[2])]
    return [f"{before}{name}" for name in names]


def _environment(words: Sequence[str], settings: ProjectSettings) -> str:
    at = next((n for n, word in enumerate(words[:-1]) if word in _HOSTS), None)
    return (words[at + 1] if at is not None else settings.environment).partition(":")[0].partition(",")[0]


def _loaded(settings: ProjectSettings, environment: str) -> list[Inventory]:
    """Return an inventory; none where it cannot be read: completion has nobody to tell."""
    # Start-up: only where a value is completed.
    from lockstitch.errors import LockstitchError
    from lockstitch.inventory.load import load

    with suppress(LockstitchError, OSError):
        return [load(settings.hosts, environment)]
    return []


def _refs(program: Any, environment: str) -> list[str]:
    settings = ProjectSettings.of(program.config)
    refs: list[str] = []
    with suppress(OSError, ValueError):
        refs = json.loads((runs_folder(program.config, settings.root).parent / _SEEN).read_text()).get(environment, [])
    own = [i.app(app, host).ref for i in _loaded(settings, environment) for app, host in i.placed]
    return list(dict.fromkeys([*refs, *own]))
