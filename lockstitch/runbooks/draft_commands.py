"""Commands of runbooks that people type by hand, and what takes their place. Pure.

The rules are in known_commands.yml: a pattern that is searched in one line of shell, and an answer.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache

import yaml

from lockstitch.inventory.types import NAME
from lockstitch.model.command import words
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.shell import shell_text

HARMS, PART, ON_HOST, VALUE = "harms", "part", "on a host", "value"
_QUOTED = r"'[^']*'|\"(?:[^\"\\]|\\.)*\""
_WORD = rf"({_QUOTED}|[^\s'\"])*"
# What stands before a command: a prompt, settings of its environment, sudo.
_BEFORE = re.compile(rf"(\$\s+|sudo\s+(-\w+\s+)*|[A-Za-z_]\w*={_WORD}\s+(?=\S))*", re.DOTALL)
_FAB = re.compile(r"fab\b(.*)", re.DOTALL)
# A command typed after a login, behind options and the host.
_LOGIN = re.compile(r"ssh(?:\s+-[BbcDEeFIiJLlmOopQRSWw]\s+\S+|\s+-\w+)*+\s+[^-\s]\S*\s+(.+)", re.DOTALL)
_SCRIPT = re.compile(r"^\s*(for|while|until|if|case|select|function)\b|<<|\(\)\s*\{", re.MULTILINE)
# What depends on another command, or is not waited for.
_CONDITIONAL = re.compile(r"\|\||(?<![&>])&(?=\s|$)|^(\[\[?|!|test)\s|^\{\s.*;|^\(", re.DOTALL)
# What is done with the output of a command, or makes its words.
_JOINED = re.compile(r"[|<>`]|\$\(")
_PART = re.compile(rf"(?:{_QUOTED}|\$\([^()]*\)|\\.|[^'\"\\;&]|(?<!&)&(?!&))+", re.DOTALL)
_SECRET = re.compile(
    rf"\b(?=[A-Z])([A-Z0-9_]*(?:PASS|PWD|SECRET|TOKEN|KEY)[A-Z0-9_]*)=(?!['\"]?[$<])({_QUOTED}|[^\s'\"]+)"
)
# That of root is taken for a comment, but in a session that has no other one.
_PROMPT = re.compile(r"^\s*(?:\S+@\S+#|\S*\$)\s+(?=\S)", re.MULTILINE)
_ROOT_PROMPT = re.compile(r"^\s*#\s+(?=\S)", re.MULTILINE)


@dataclass(frozen=True)
class KnownCommand:
    """The answer to a line of shell: `run` is the command of ours that takes its place, empty where a person decides,
    `environment` that for which it was typed, and `says` is what to know. `kind` is `harms` for what destroys
    something, or leaves hosts that differ; `part` for what a run does without a stage; `on a host` for what means that
    only after a login; `value` for a setting, which may be secret."""

    run: str = ""
    says: str = ""
    kind: str = ""
    environment: str = ""


def answer_to(line: str, tasks: Collection[str]) -> KnownCommand | None:
    """Return what takes the place of a line of shell; None where nothing is known, or not all that it does. `tasks` are
    the names of our tasks."""
    line = line.strip()
    bare = _BEFORE.sub("", line, count=1)
    matches = [answer for pattern, answer in _rules() if pattern.search(line if answer.kind == VALUE else bare)]
    if harm := next((answer for answer in matches if answer.kind == HARMS), None):
        return harm
    unquoted = _unquoted(bare)
    if _SCRIPT.search(bare) or _CONDITIONAL.search(unquoted):
        return None
    if match := _FAB.fullmatch(bare):
        return _of_ours(match[1], tasks)
    if match := _LOGIN.fullmatch(bare):
        return _on_host(match[1], tasks)
    answer = matches[0] if matches else None
    if answer and answer.kind == PART and bare[:1] not in '[]{}"-' and _JOINED.search(unquoted):
        return KnownCommand(says=answer.says) if answer.says else None
    return answer


def without_secrets(line: str) -> str:
    """Return a line of shell without the values that have the name of a secret."""
    return _SECRET.sub(lambda match: f"{match[1]}=…", line)


def evidence_for(text: str) -> str:
    """Return what finds by itself what a checkbox asks for; empty where nothing is known."""
    return next((says for pattern, says in _checks() if pattern.search(text)), "")


def shell_lines(text: str, language: str = "") -> Iterator[str]:
    """Yield the commands and the comments of a shell text; what spans lines is one. A script is one command. Where some
    lines have a prompt, the others are what was printed: comments."""
    is_root = language in ("console", "shell-session") and not _PROMPT.search(text)
    prompt = _ROOT_PROMPT if is_root else _PROMPT
    is_session = bool(prompt.search(text))
    if not is_session and (text.startswith("#!") or _SCRIPT.search(text)):
        yield text.strip()
        return
    command = ""
    for line in text.splitlines():
        if is_session and not command:
            match = prompt.match(line)
            if not match:
                yield from [f"# {line.strip().removeprefix('# ')}"] if line.strip() else []
                continue
            line = line[match.end() :]
        command = f"{command}\n{line}" if command else line.strip()
        # A backslash or an open quote goes on in the next line.
        if command.endswith("\\") or not _is_whole(command):
            continue
        yield from _parts(command)
        command = ""
    if command:
        yield command


def _parts(command: str) -> Iterator[str]:
    """Yield the comment and the commands of one line. What depends on another command stays with it."""
    match = re.search(r"(?:^|\s)(#\s?[^'\"]*)$", command)
    bare = (command[: match.start()] if match else command).strip()
    yield from [match[1]] if match else []
    parts = [bare] if _CONDITIONAL.search(_unquoted(bare)) else _PART.findall(bare)
    yield from filter(None, map(str.strip, parts))


def _unquoted(command: str) -> str:
    return re.sub(_QUOTED, "''", command, flags=re.DOTALL)


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
            re.compile(rule["find"], 0 if "[A-Z]" in rule["find"] else re.IGNORECASE),
            KnownCommand(rule.get("run", ""), rule.get("says", ""), rule.get("kind", "")),
        )
        for rule in _tables()["commands"]
    )


def _of_ours(rest: str, tasks: Collection[str]) -> KnownCommand | None:
    """Return a line of `fab` as a stage has it; None for what no stage can have: some hosts of an environment, and what
    a shell fills in or does with the output."""
    try:
        typed = shlex.split(rest, comments=True)
    except ValueError:
        return None
    environment = ""
    while typed and (match := re.fullmatch(r"(?:-H|--hosts)=?(.*)", typed[0])):
        environment = match[1] or "".join(typed[1:2])
        typed = typed[1:] if match[1] else typed[2:]
    if not typed or typed[0] not in tasks or not all(map(str.isprintable, typed)):
        return None
    is_filled = re.search(r"[$`]", re.sub(r"'[^']*'", "", rest)) or re.search(r"[<>|&;*?()]", _unquoted(rest))
    if is_filled or (environment and not NAME.fullmatch(environment)):
        return None
    return KnownCommand(words(*typed), environment=environment)


def _on_host(line: str, tasks: Collection[str]) -> KnownCommand | None:
    """Return what takes the place of a line that is typed on a host; None where that is not one command."""
    typed = re.sub(r"\A(['\"])(.*)\1\Z", r"\2", line.strip(), flags=re.DOTALL)
    answers = [answer_to(part, tasks) for part in shell_lines(typed)]
    known = {each.run: each for each in answers if each is not None and each.run}
    if len(known) > 1 or any(each is None or not (each.run or each.kind == PART) for each in answers):
        return None
    return next((KnownCommand(run, each.says) for run, each in known.items()), KnownCommand(kind=PART))
