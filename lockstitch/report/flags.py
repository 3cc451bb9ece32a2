"""Feature flags as they were read, as text and JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lockstitch.model.flag import value_words as shown
from lockstitch.plans.flag_sites import FlagStatus
from lockstitch.report.text import table
from lockstitch.text import oneline


def flags_text(flags: Sequence[FlagStatus]) -> str:
    """Return a table of the flags, and below it what is wrong with them."""
    rows = [
        (
            each.flag,
            each.site.app,
            each.site.host,
            _value(each),
            _before(each),
            each.where,
        )
        for each in flags
    ]
    lines = table(("FLAG", "APP", "HOST", "VALUE", "BEFORE", "WHERE"), rows).splitlines()
    for each in flags:
        if each.problem:
            lines.append(f"! {each.flag} of {each.site}: {oneline(each.problem)}")
            lines += [f"  HINT: {oneline(each.hint)}"] if each.hint else []
    return "\n".join(lines)


def _before(each: FlagStatus) -> str:
    return oneline(shown(each.before)) if each.can_undo else "-"


def _value(each: FlagStatus) -> str:
    return "?" if each.problem and each.value is None else oneline(shown(each.value))


def flags_json(flags: Sequence[FlagStatus], code: int) -> dict[str, Any]:
    """Return the flags for programs."""
    return {
        "exit_code": code,
        "flags": [
            {
                "flag": each.flag,
                "app": each.site.app,
                "host": each.site.host,
                "kind": each.kind,
                "where": each.where,
                "value": each.value,
                "can_undo": each.can_undo,
                "before": each.before,
                "problem": each.problem or None,
                "hint": each.hint or None,
            }
            for each in flags
        ],
    }
