"""A draft of a runbook from a Markdown one: headings, fenced commands and checkboxes become stages. Pure.

Nothing is left out: what becomes no stage stands in the draft as a comment.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import field
from typing import Any

import yaml

from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.runbooks.draft_commands import (
    HARMS,
    ON_HOST,
    PART,
    VALUE,
    answer_to,
    evidence_for,
    shell_lines,
    without_secrets,
)
from lockstitch.runbooks.markdown_blocks import MarkdownBlock, blocks
from lockstitch.text import neutral, oneline

# Sections that are no steps of a release, by their headings.
_ASIDE = re.compile(
    r"emergenc|troubleshoot|incident|contact|escalation|template|contents|quick access|overview|appendix|reference|"
    r"documentation|history|threshold|trigger|maintenance schedule|success criteria|validation scripts|included$",
    re.IGNORECASE,
)
_BACK = re.compile(r"roll\s?-?back|\bundo\b|\brevert", re.IGNORECASE)
_GENERIC = re.compile(r"steps|actions|procedure|commands|how", re.IGNORECASE)
_NUMBER = re.compile(r"^[\W\d]+(?=[a-z])")
_OPTION = re.compile(r"option\b|alternative", re.IGNORECASE)
# What nobody types: numbered sentences, arrows, and what ends with a colon.
_SENTENCES = re.compile(r"^\s*(\d+\.|->|[*•])\s|:\s*$", re.MULTILINE)
_ASSIGNMENT = re.compile(r"[A-Z][A-Z0-9_]*=")
_SET = re.compile(r"(?i:set)\s+([A-Z][A-Z0-9_]*)=")
_BY_DEPLOY = "a deploy does it"
_SHELL = ("", "bash", "sh", "shell", "console", "zsh", "shell-session")
_NAME = 40


@dataclass
class DraftStage:
    """A stage of a draft: its settings, and the comments above it."""

    name: str
    settings: dict[str, Any]
    comments: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class RunbookDraft:
    """A draft as YAML: how many stages run, tell and sign, and the lines that are known to harm."""

    text: str
    runs: int
    tells: int
    signs: int
    harmful: tuple[str, ...]


def draft_of(markdown: str, tasks: Collection[str]) -> RunbookDraft:
    """Return the draft for a Markdown runbook; `tasks` are the names of our tasks. It has no stages where the text has
    no steps."""
    writer = _Writer(tasks)
    for block in blocks(markdown):
        writer.take(block)
    writer.flush()
    return writer.draft()


class _Writer:
    """Makes stages of blocks, in their order."""

    def __init__(self, tasks: Collection[str]) -> None:
        self._tasks = tasks
        self._title = ""
        self._path: list[str] = []
        self._levels: list[int] = []
        self._stages: list[DraftStage] = []
        self._comments: list[str] = []
        self._aside: list[str] = []
        self._tell: list[str] = []
        self._run: list[str] = []
        self._environment = ""
        # The text of the list item that the next block belongs to, and of the one that the stage is about.
        self._item, self._lead = "", ""
        # So many comments belong to the stage that is being made; those behind may belong to the next one.
        self._mark = 0
        self._harmful: list[str] = []

    def take(self, block: MarkdownBlock) -> None:
        """Take the next block of the text."""
        if block.kind == "heading":
            self._begin(block)
        elif self._is_aside():
            self._beside(block)
        elif block.kind == "prose":
            self._comments += [*block.text.splitlines(), *self._warned(block.spans)]
        elif block.kind == "check":
            self.flush()
            says = evidence_for(block.text)
            self._comments += [*([says] if says else []), *self._warned(block.spans)]
            self._add(block.text, {"sign": _line(block.text, "it is done")})
        elif block.kind == "item":
            self._item = "\n".join([block.text, *self._warned(block.spans)])
            self._tells(self._item)
            return
        elif block.language in _SHELL:
            self._commands(block)
        else:
            self._tells(f"{block.language}:\n{block.text}")
            for line in block.text.splitlines():
                if (answer := answer_to(line, ())) is not None and answer.kind == HARMS:
                    self._harms(line, answer.says)
        self._item = ""

    def flush(self) -> None:
        """End the stage that is being made."""
        if self._tell:
            self._add(self._heading, {"tell": "\n".join(self._tell)})
        if self._run:
            settings = {"tell": self._lead, "run": list(self._run), "environment": self._environment}
            self._add(self._lead or self._heading, {key: value for key, value in settings.items() if value})
        self._tell, self._run, self._environment, self._lead = [], [], "", ""

    def draft(self) -> RunbookDraft:
        """Return the whole draft."""
        runs, signs = (sum(key in stage.settings for stage in self._stages) for key in ("run", "sign"))
        tells = len(self._stages) - runs - signs
        return RunbookDraft("".join(self._lines()), runs, tells, signs, tuple(dict.fromkeys(self._harmful)))

    @property
    def _heading(self) -> str:
        # Of "Steps" alone nobody can tell which.
        words = self._path[-2:] if self._path and _GENERIC.fullmatch(self._path[-1]) else self._path[-1:]
        return " ".join(words) or self._title

    def _is_aside(self) -> bool:
        return any(_ASIDE.search(heading) or _BACK.search(heading) for heading in self._path)

    def _begin(self, block: MarkdownBlock) -> None:
        self.flush()
        if not self._title:
            self._title = _line(block.text, "runbook")
            return
        while self._levels and self._levels[-1] >= block.level:
            self._levels.pop()
            self._path.pop()
        self._levels.append(block.level)
        self._path.append(oneline(block.text))
        if self._is_aside():
            self._aside.append(f"{'#' * block.level} {self._path[-1]}")
        else:
            self._comments.append(f"{'#' * block.level} {self._path[-1]}")
            if _OPTION.match(self._path[-1]):
                self._comments.append("one of several: keep one of them")

    def _commands(self, block: MarkdownBlock) -> None:
        on_host = False
        lines = list(shell_lines(block.text, block.language))
        if not block.language and _SENTENCES.search(block.text) and not any(answer_to(s, self._tasks) for s in lines):
            self._tells(without_secrets(block.text))
            return
        for typed in _settings_lines(lines):
            line = without_secrets(typed)
            if line.startswith("#") and not line.startswith("#!"):
                self._noted(line.removeprefix("#").strip())
                continue
            on_host = on_host or line.startswith("ssh ")
            answer = answer_to(typed, self._tasks)
            if answer is None:
                self._tells(f"type: {line}")
            elif answer.kind == HARMS:
                self._harms(line, answer.says)
            elif answer.kind == VALUE:
                self._tells(f"set {line.partition('=')[0].removeprefix('export').strip()}: {answer.says}")
            elif answer.run or answer.kind == PART:
                is_done = answer.says.startswith(_BY_DEPLOY) and _deploys(self._run)
                if answer.run and (on_host or answer.kind != ON_HOST) and not is_done:
                    self._runs(answer.run, answer.environment)
                self._comments += f"{line}{answer.says and ': '}{answer.says}".splitlines()
                self._mark = len(self._comments) if answer.run else self._mark
            else:
                self._tells(f"type: {line}\n{answer.says}")

    def _noted(self, comment: str) -> None:
        """Take a comment in a shell text; one that has somebody set something is a step."""
        if match := _SET.match(comment):
            self._tells(f"{comment}\nwhere it is a flag: `flag.rollout {match[1]}` takes its steps; else `env.push`")
        else:
            self._comments.append(comment)

    def _warned(self, spans: Sequence[str]) -> Iterator[str]:
        """Yield what to do instead of commands in a text that are known to harm."""
        for span in spans:
            if (answer := answer_to(span, ())) is not None and answer.kind == HARMS:
                self._harmful.append(span)
                yield f"do not type {span}: {answer.says}"

    def _harms(self, line: str, says: str) -> None:
        self._harmful.append(line.strip().splitlines()[0])
        self._tells(f"do not type: {line.strip()}\n{says}")

    def _tells(self, text: str) -> None:
        if self._run:
            self._end()
        self._mark = len(self._comments)
        words = "\n".join(line.rstrip() for line in neutral(text).strip().split("\n"))
        self._tell += [words] if words else []

    def _runs(self, command: str, environment: str) -> None:
        if self._tell or self._environment != environment:
            # The item that these commands belong to says what they are for.
            lead = self._tell.pop() if self._tell and self._tell[-1] == neutral(self._item).strip() else ""
            self._end()
            self._lead = lead
        self._environment = environment
        if command in self._run:
            return
        self._run.append(command)
        if _deploys([command]) and any(
            _deploys(s.settings.get("run", ())) and s.settings.get("environment", "") == environment
            for s in self._stages
        ):
            self._comments.append("there is a deploy above: keep one of them, or give each --only APP")

    def _end(self) -> None:
        """End the stage that is being made, without the comments behind its last command: the next one has them."""
        later = self._comments[self._mark :]
        del self._comments[self._mark :]
        self.flush()
        self._comments += later

    def _beside(self, block: MarkdownBlock) -> None:
        """Keep what is no step as a comment; the commands that go back are the `undo` of the stages before."""
        self._aside += [f"    {line}" for line in [*block.text.splitlines(), *self._warned(block.spans)]]
        lines = (
            list(shell_lines(block.text, block.language)) if block.kind == "code" and block.language in _SHELL else []
        )
        for line in lines:
            answer = answer_to(line, self._tasks)
            if answer is not None and answer.kind == HARMS:
                self._harmful.append(line.splitlines()[0])
                self._aside.append(f"    -> do not type it: {answer.says}")
            elif answer is not None and answer.run:
                self._aside.append(f"    -> fab -H ENV {answer.run}")

    def _add(self, words: str, settings: dict[str, Any]) -> None:
        taken = {stage.name for stage in self._stages}
        slug = re.sub(r"[^a-z0-9]+", "-", _NUMBER.sub("", words.lower())).strip("-") or "stage"
        if len(slug) > _NAME:
            slug = slug[: _NAME + 1].rpartition("-")[0] or slug[:_NAME]
        name = next(name for n in range(1, len(taken) + 2) if (name := slug if n == 1 else f"{slug}-{n}") not in taken)
        self._stages.append(DraftStage(name, settings, self._comments))
        self._comments, self._mark = [], 0

    def _lines(self) -> Iterator[str]:
        yield "# A draft: read every stage, remove what a deploy does by itself. Comments are what became no stage.\n"
        yield _yaml({"title": self._title or "runbook"})
        yield "# needs: {contained_in: main, ci: green, reviews: 2, passed_in: {staging: 7d}}   # docs/evidence.md\n"
        yield "stages:\n"
        for stage in self._stages:
            yield from _commented(stage.comments, "  ")
            yield _yaml([{stage.name: stage.settings}], "  ")
        yield from _commented(self._comments, "  ")
        if undo := {s.name: ["rollback"] for s in self._stages if _deploys(s.settings.get("run", ()))}:
            yield _yaml({"undo": undo})
        if self._aside:
            yield "\n# Not stages: what is looked up, and what is done when something fails.\n"
            yield from _commented(self._aside, "")


def _settings_lines(lines: Sequence[str]) -> list[str]:
    """Return the lines of a block; those of an environment file, whose values may have spaces, without the values."""
    commands = [line for line in lines if not line.startswith("#")]
    pure = [line for line in commands if (answer := answer_to(line, ())) is not None and answer.kind == VALUE]
    if len(pure) * 2 <= len(commands) or not all(map(_ASSIGNMENT.match, commands)):
        return list(lines)
    return [line if line.startswith("#") else f"{line.partition('=')[0]}=…" for line in lines]


def _line(text: str, other: str) -> str:
    """Return a text as one line that is no option of a command; `other` where nothing is left of it."""
    return " ".join(oneline(text).split()).lstrip("- ") or other


def _deploys(commands: Sequence[str]) -> bool:
    return any(command.split()[0] == "deploy" for command in commands)


def _commented(lines: Sequence[str], before: str) -> Iterator[str]:
    for line in lines:
        text = oneline(line).rstrip()
        yield f"{before}# {text}\n" if text else f"{before}#\n"


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def _yaml(value: Any, before: str = "") -> str:
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
    return "".join(f"{before}{line}\n" if line else "\n" for line in text.rstrip("\n").split("\n"))
