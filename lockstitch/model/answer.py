"""What a host tells as JSON, read without trust: whatever it is, nothing here raises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def object_of(text: str) -> Mapping[str, Any] | None:
    """The JSON object that a text is; None where it is something else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def text_of(told: Mapping[str, Any], key: str) -> str:
    """A value as text; empty where there is none."""
    value = told.get(key)
    return "" if value is None else str(value)


def number_of(told: Mapping[str, Any], key: str) -> int | None:
    """A number that is not below 0; None where it is none."""
    value = told.get(key)
    return max(0, int(value)) if isinstance(value, int | float) and not isinstance(value, bool) else None
