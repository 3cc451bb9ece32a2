"""The ledger of what smoke steps make: lines that are written before each such request, and what they leave open.

A line is JSON. `begin` is written before the request, with the request that takes away what it makes; `values` are
those that request needs and a run later could not learn again. `saved` adds to them. `closed` says that nothing is
there any more, or never was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from lockstitch.inventory.smoke import SmokeCleanSettings
from lockstitch.model.lazy_dataclass import dataclass


@dataclass(frozen=True)
class LedgerEntry:
    """Something that a step has made, or may have made, and the request that takes it away."""

    entry: str
    environment: str
    app: str
    step: str
    at: str
    run: str
    clean: SmokeCleanSettings
    url: str = ""
    host: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LedgerFacts:
    """The ledger of one run: what is open, in the order it was made, and the lines that cannot be read."""

    open: tuple[LedgerEntry, ...] = ()
    damaged: tuple[int, ...] = ()


_TEXTS = ("entry", "environment", "app", "step", "at", "run")


def read_ledger(data: bytes) -> LedgerFacts:
    """Read a ledger. A line that cannot be read, or that is about an entry which no line begins, is counted, and closes
    nothing."""
    entries: dict[str, LedgerEntry] = {}
    damaged = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip(b"\0 \r\t") and not _take(_parsed(line.strip(b"\0")), entries):
            damaged.append(number)
    return LedgerFacts(tuple(entries.values()), tuple(damaged))


def _parsed(line: bytes) -> Mapping[str, Any]:
    try:
        parsed = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _take(line: Mapping[str, Any], entries: dict[str, LedgerEntry]) -> bool:
    """Take a line in; tell whether it could be read."""
    entry, values = line.get("entry"), line.get("values", {})
    if not isinstance(entry, str) or not isinstance(values, dict):
        return False
    match line.get("event"):
        case "begin":
            texts = {key: line.get(key, "") for key in (*_TEXTS, "url", "host")}
            try:
                clean = SmokeCleanSettings.model_validate(line.get("clean"))
            except ValueError:
                return False
            if not all(isinstance(text, str) for text in texts.values()) or not all(texts[key] for key in _TEXTS):
                return False
            entries[entry] = LedgerEntry(**texts, clean=clean, values=values)
        case "saved" if entry in entries:
            before = entries[entry]
            entries[entry] = replace(before, values={**before.values, **values})
        case "closed" if entry in entries:
            entries.pop(entry)
        case _:
            return False
    return True
