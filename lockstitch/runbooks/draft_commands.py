"""Commands of runbooks that people type by hand, and what takes their place. Pure.

The rules are in known_commands.yml: a pattern that is searched in one line of shell, and an answer.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache

import yaml

from lockstitch.model.command import words
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.shell import shell_text

HARMS, PART, ON_HOST, VALUE = "harms", "part", "on a host", "value"
_FAB = re.compile(r"fab\b(.*)")
_BEFORE = re.compile(r"(\$\s+|sudo\s+(-\w+\s+)*)*")


@dataclass(frozen=True)
class KnownCommand:
    """The answer to a line of shell: `run` is the command of ours that takes its place, empty where a person decides,
    and `says` is what to know. `kind` is `harms` for what destroys something, or leaves hosts that differ; `part` for
    what a run does without a stage; `on a host` for what means that only after a login; `value` for a setting, which
    may be secret."""

    run: str = ""
    says: str = ""
    kind: str = ""


def answer_to(line: str, tasks: Collection[str]) -> KnownCommand | None:
    """Return what takes the place of a line of shell; None where nothing is known. `tasks` are the names of our
    tasks."""
    bare = _BEFORE.sub("", line.strip(), count=1)
    match = _FAB.fullmatch(bare)
    for pattern, answer in _rules():
        if (answer.kind == HARMS or not match) and pattern.search(bare):
            return answer
    return _of_ours(match[1], tasks) if match else None


def evidence_for(text: str) -> str:
    """Return what finds by itself what a checkbox asks for; empty where nothing is known."""
    return next((says for pattern, says in _checks() if pattern.search(text)), "")


def shell_lines(text: str) -> Iterator[str]:
    """Yield the commands and the comments of a shell text; what spans lines is one. A script is one command."""
    if text.startswith("#!") or re.search(r"^\s*(for|while|if|case|function)\b|<<|\(\)\s*\{", text, re.MULTILINE):
        yield text.strip()
        return
    command = ""
    for line in text.splitlines():
        command = f"{command}\n{line}" if command else line.strip()
        # A backslash or an open quote goes on in the next line.
        if command.endswith("\\") or not _is_whole(command):
            continue
        yield from _parts(command)
        command = ""
    if command:
        yield command


def _parts(command: str) -> Iterator[str]:
    """Yield the comment and the commands of one line; in a line with quotes nothing is taken apart."""
    match = re.search(r"(?:^|\s)(#\s?[^'\"]*)$", command)
    bare = command[: match.start()] if match else command
    yield from [match[1]] if match else []
    yield from filter(None, map(str.strip, [bare] if re.search(r"['\"`]|\n", bare) else re.split(r"&&|;", bare)))


def _is_whole(command: str) -> bool:
    if command.startswith("#"):
        return True
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return False
    return True


@cache
def _tables() -> Mapping[str, Sequence[Mapping[str, str]]]:
    known: Mapping[str, Sequence[Mapping[str, str]]] = yaml.safe_load(shell_text(__package__, "known_commands.yml"))
    return known


@cache
def _checks() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(rule["find"], re.IGNORECASE), rule["says"]) for rule in _tables()["checks"])


@cache
def _rules() -> tuple[tuple[re.Pattern[str], KnownCommand], ...]:
    return tuple(
        (
            re.compile(rule["find"], 0 if rule["find"].startswith("^[A-Z]") else re.IGNORECASE),
            KnownCommand(rule.get("run", ""), rule.get("says", ""), rule.get("kind", "")),
        )
        for rule in _tables()["commands"]
    )


def _of_ours(rest: str, tasks: Collection[str]) -> KnownCommand | None:
    """Return a line of `fab` as a stage has it: without -H, for which the runbook's environment is."""
    try:
        typed = shlex.split(rest, comments=True)
    except ValueError:
        return None
    while typed and typed[0].startswith(("-H", "--hosts")):
        typed = typed[2:] if typed[0] in ("-H", "--hosts") else typed[1:]
    return KnownCommand(words(*typed)) if typed and typed[0] in tasks and all(map(str.isprintable, typed)) else None
