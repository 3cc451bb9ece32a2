"""The archive of one run: what is in it, as bytes. Pure."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lockstitch.facts.history import RunFacts
from lockstitch.facts.run_events import FoundRun
from lockstitch.model.command import MASK
from lockstitch.model.plan import Site
from lockstitch.runbooks.statement import SignedFile
from lockstitch.text import oneline


def run_files(
    known: FoundRun,
    facts_of: Mapping[Site, RunFacts],
    reports: Mapping[str, str],
    shown: str,
    redacted: Callable[[str], str],
) -> dict[str, str]:
    """Return the files of the archive of a run by name: what `history RUN` shows, its events, the output of its steps,
    the lines of the hosts' journals, and its reports. Whatever looks like a secret is masked."""
    files = {
        "README.txt": _about(known),
        "history.txt": shown,
        "events.jsonl": _lines(known.events, redacted),
        "steps.txt": "".join(_outputs(known.events)),
    }
    for site, facts in facts_of.items():
        name = f"hosts/{_named(site.host)}/{_named(site.app or 'host')}"
        files |= {f"{name}.journal.jsonl": _lines(facts.lines, redacted)} if facts.lines else {}
        files |= {f"{name}.record.jsonl": _lines(facts.kept, redacted)} if facts.kept else {}
    files |= {f"reports/{_named(name)}": text for name, text in reports.items()}
    # Events are masked text by text: they stay JSON.
    return {
        name: text if name.endswith(".jsonl") else "".join(map(redacted, text.splitlines(keepends=True)))
        for name, text in files.items()
        if text
    }


def _about(known: FoundRun) -> str:
    masked = "secrets are masked, but not in attachments/: these are as they were signed"
    lines = [f"run {known.run}", f"its events are from {known.source or 'nowhere'}", masked]
    return "".join(f"{oneline(line)}\n" for line in [*lines, *(f"! {note}" for note in known.notes)])


def _lines(events: Iterable[Mapping[str, Any]], redacted: Callable[[str], str]) -> str:
    def safe(value: Any) -> Any:
        if isinstance(value, str):
            return redacted(value)
        if isinstance(value, Mapping):
            return {str(key): MASK if redacted(f"{key}=x") != f"{key}=x" else safe(each) for key, each in value.items()}
        return [safe(each) for each in value] if isinstance(value, (list, tuple)) else value

    return "".join(json.dumps(safe(event), default=str) + "\n" for event in events)


def _outputs(events: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for event in events:
        if event.get("event") == "output":
            where = f"{event.get('app') or ''}@{event.get('host') or ''} {event.get('name') or ''}"
            yield oneline(f"{event.get('at') or ''} {where}: {event.get('line') or ''}") + "\n"


def _named(text: str) -> str:
    """Return a name for a file: one that leads nowhere else."""
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in text).lstrip(".") or "_"


def attachment_files(files: Iterable[SignedFile]) -> dict[str, bytes]:
    """Return the files that were signed, by their names in the archive. Nothing in them is masked."""
    kept = [each for each in files if not each.problem]
    return {f"attachments/{_named(each.stage)}/{each.digest[:12]}-{_named(each.name)}": each.content for each in kept}


def archive(run: str, files: Mapping[str, str | bytes]) -> bytes:
    """Return a gzipped tar of files in a folder of the run's name. The same files make the same tar."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        for name, text in files.items():
            data = text.encode("utf-8", "replace") if isinstance(text, str) else text
            entry = tarfile.TarInfo(f"{_named(run)}/{name}")
            entry.size, entry.mode = len(data), 0o640
            tar.addfile(entry, io.BytesIO(data))
    return made.getvalue()
