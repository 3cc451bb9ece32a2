"""A runbook as a checklist to print, as Markdown or as one HTML file, with the state of a run. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from lockstitch.model.format import span
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.report.runbook import state_word
from lockstitch.runbooks.settings import RunbookSettings, Stage, filled_line
from lockstitch.runbooks.state import RunbookRun, StageRecord
from lockstitch.text import listed, oneline

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&$@])")
_LEADING = re.compile(r"^(\d{0,9})([-+=.)])")
_STYLE = """\
body { font: 11pt/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem }
body { color-scheme: light dark }
h1 { font-size: 1.5rem }
h2 { font-size: 1.1rem; margin: 1.5rem 0 0 }
dl { display: grid; grid-template-columns: 9rem 1fr; margin: 0 }
dt { opacity: 0.7 }
dd { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }
section { break-inside: avoid }
@media print { body { margin: 0; max-width: none } }
"""


@dataclass(frozen=True)
class ChecklistLine:
    """A line with its label. `kind` is that of its text: plain text, a command, or a URL."""

    label: str
    text: str
    kind: str = "text"


@dataclass(frozen=True)
class ChecklistStage:
    """A stage: whether it is over, its name with what became of it, and its lines."""

    is_over: bool
    title: str
    lines: tuple[ChecklistLine, ...]


def checklist(settings: RunbookSettings, run: RunbookRun, version: Mapping[str, str]) -> tuple[ChecklistStage, ...]:
    """Return the checklist; its first entry is about the runbook itself. `version` is what is known of its file, by
    labels."""
    title = settings.title or run.runbook
    ref = f" of {run.ref}" if run.ref else ""
    head = [
        *(ChecklistLine(label, text) for label, text in version.items() if text),
        ChecklistLine("environment", run.environment),
        *([ChecklistLine("run", f"{run.run}, by {run.by}, began {run.began}")] if run.began else []),
        *([ChecklistLine("owner", settings.owner)] if settings.owner else []),
        *([ChecklistLine("window", str(settings.window))] if settings.window else []),
        *(ChecklistLine(role, name) for role, name in settings.roles.items()),
        *(ChecklistLine(name, run.values[name]) for name in settings.fields if name in run.values),
        *(ChecklistLine(name, url, "url") for name, url in settings.links.items()),
        *(ChecklistLine("skipped", f"{each.name}, by {each.by}: {each.reason}") for each in run.skipped()),
        *(
            ChecklistLine("outside the window", f"{e.get('stage')}, by {e.get('by')}: {e.get('reason')}")
            for e in run.outside_window
        ),
    ]
    stages = [_stage(stage, run.stage(stage.name), run) for stage in settings.stages]
    return ChecklistStage(False, f"{title}{ref}", tuple(head)), *stages


def _stage(stage: Stage, record: StageRecord, run: RunbookRun) -> ChecklistStage:
    word = "" if record.state == "open" else f" ({state_word(record, '')})"
    return ChecklistStage(record.is_over, f"{stage.name}{word}", tuple(_lines(stage, record, run)))


def _lines(stage: Stage, record: StageRecord, run: RunbookRun) -> Iterator[ChecklistLine]:
    settings = stage.settings
    environment = settings.environment or run.environment
    if settings.tell:
        yield ChecklistLine("do", filled_line(settings.tell, run.values).strip())
    if settings.sign:
        who = f" ({settings.role})" if settings.role else ""
        yield ChecklistLine("sign", f"{settings.sign}{who}")
    if settings.notify:
        yield ChecklistLine("tell", f"{', '.join(settings.notify)}: {filled_line(settings.text or '', run.values)}")
    for label, commands in (("run", stage.commands), ("undo", stage.undo)):
        for line in commands:
            yield ChecklistLine(label, f"fab -H {environment} {filled_line(line, run.values)}", "command")
    if settings.after:
        yield ChecklistLine(
            "begins", f"{span(settings.after.seconds)} after {settings.after.stage or 'the stage before'}"
        )
    if settings.expect.stage:
        yield ChecklistLine("planned", span(settings.expect.stage))
    if settings.risk:
        yield ChecklistLine("risk", settings.risk)
    for name, url in settings.links.items():
        yield ChecklistLine(name, url, "url")
    if record.state != "open":
        ended = f", ended {record.ended}" if record.ended else ""
        yield ChecklistLine(record.state, f"by {record.by}, began {record.began}{ended}")
    if record.reason:
        yield ChecklistLine("note", record.reason)


def checklist_markdown(stages: Sequence[ChecklistStage]) -> str:
    """Return the checklist as Markdown."""
    first, *rest = stages
    lines = [f"# {_plain(first.title)}", "", *(f"- {_markdown(line)}" for line in first.lines), ""]
    for stage in rest:
        lines += [f"- [{'x' if stage.is_over else ' '}] **{_plain(stage.title)}**"]
        lines += [f"  - {_markdown(line)}" for line in stage.lines]
    return "\n".join(lines)


def checklist_html(stages: Sequence[ChecklistStage]) -> str:
    """Return the checklist as one HTML document, which loads nothing."""
    first, *rest = stages
    parts = [f"<h1>{escape(oneline(first.title))}</h1>", _html_lines(first)]
    for stage in rest:
        box = "☑" if stage.is_over else "☐"
        parts.append(f"<section><h2>{box} {escape(oneline(stage.title))}</h2>{_html_lines(stage)}</section>")
    head = f'<meta charset="utf-8"><title>{escape(oneline(first.title))}</title><style>{_STYLE}</style>'
    return f"<!doctype html><html lang=en><head>{head}</head><body>{''.join(parts)}</body></html>"


def _markdown(line: ChecklistLine) -> str:
    if line.kind == "command":
        text = oneline(line.text)
        ticks = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
        return f"{_plain(line.label)}: {ticks} {text} {ticks}" if "`" in text else f"{_plain(line.label)}: `{text}`"
    # A text of several lines stays one entry of the list: each line is a paragraph of it.
    texts = [_LEADING.sub(r"\1\\\2", _plain(each.strip())) for each in line.text.splitlines() if each.strip()]
    return "\n\n    ".join([f"{_plain(line.label)}: {texts[0] if texts else ''}", *texts[1:]])


def _plain(text: str) -> str:
    """Return one line of text without markup of Markdown or HTML."""
    return _MARKUP.sub(r"\\\1", oneline(text))


def _html_lines(stage: ChecklistStage) -> str:
    rows = [f"<dt>{escape(oneline(line.label))}</dt><dd>{_html_text(line)}</dd>" for line in stage.lines]
    return f"<dl>{''.join(rows)}</dl>" if rows else ""


def _html_text(line: ChecklistLine) -> str:
    text = escape(listed(line.text.split("\n")))
    if line.kind == "url":
        return f'<a href="{text}">{text}</a>'
    return f"<code>{text}</code>" if line.kind == "command" else text
