"""`runbook.import`: a Markdown runbook as a draft in the folder of runbooks."""

from __future__ import annotations

import re
from pathlib import Path

from lockstitch.cli.context import FleetContext
from lockstitch.cli.output import tell
from lockstitch.engine.runbooks.files import FOLDER, load_runbook
from lockstitch.errors import UsageError
from lockstitch.inventory.types import NAME
from lockstitch.report.text import counted
from lockstitch.runbooks.draft import RunbookDraft, draft_of
from lockstitch.text import oneline

_MOST_BYTES = 1024 * 1024


def import_runbook(c: FleetContext, file: str, name: str) -> None:
    """Write the draft for a Markdown file, or with --dry print it. Nothing that is there is written over."""
    name = name or re.sub(r"[^A-Za-z0-9]+", "-", Path(file).stem).strip("-")
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a runbook", hint=f"fab runbook.import {file} --name release")
    draft = draft_of(_text(file), c.collection.task_names)
    if not draft.runs + draft.tells + draft.signs:
        raise UsageError(f"{file} has no steps: no fenced commands, checkboxes or lists")
    if c.dry:
        tell(draft.text.rstrip("\n"))
        return
    path = c.root / FOLDER / f"{name}.yml"
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as written:
            written.write(draft.text)
    except FileExistsError as error:
        raise UsageError(f"{FOLDER}/{name}.yml is there already", hint="give another --name, or remove it") from error
    except OSError as error:
        raise UsageError(f"{FOLDER}/{name}.yml cannot be written: {(error.strerror or str(error)).lower()}") from error
    load_runbook(c.root, name)
    tell(_summary(name, draft))


def _text(file: str) -> str:
    try:
        with Path(file).open("rb") as opened:
            data = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {(error.strerror or str(error)).lower()}") from error
    if len(data) > _MOST_BYTES:
        raise UsageError(f"{file} is longer than {_MOST_BYTES >> 20} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 text") from error


def _summary(name: str, draft: RunbookDraft) -> str:
    """Return what was made, what is known to harm, and what to do next."""
    counts = f"{draft.runs} run, {draft.tells} tell, {draft.signs} sign"
    lines = [f"{FOLDER}/{name}.yml: {counted(draft.runs + draft.tells + draft.signs, 'stage')}: {counts}"]
    if draft.harmful:
        lines.append("known to harm, and not run; the draft says what to do instead:")
        lines += [f"  {oneline(line)}" for line in draft.harmful]
    lines.append(f"next: read it, remove what a deploy does by itself, then fab --dry -H ENV runbook {name}")
    return "\n".join(lines)
