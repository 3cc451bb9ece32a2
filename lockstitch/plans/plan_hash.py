"""The hash of a plan: the same for the same facts, made by anybody, at any time, on any machine. Pure.

Everything that a plan does is in it: hosts, revisions, commits, migrations, waves and their order, every command with its
values, its way back, its gates and smoke steps with their limits. Left out are who makes it, when and why, the run's id,
sentences for people, what was measured before, and the values of secrets, of which only the references count.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import re
from collections.abc import Mapping, Set
from enum import Enum
from typing import Any

from pydantic import BaseModel

from lockstitch.model.command import Command, Secret
from lockstitch.model.plan import Plan, SitePlan, Step
from lockstitch.model.release import stamp
from lockstitch.model.wave_watch import WaveWatch

_LEFT_OUT: dict[type, frozenset[str]] = {
    Plan: frozenset(
        {
            *("run", "by", "message", "notes", "summary", "empty_reason", "next_command"),
            *("journal_sizes", "whole_journals"),
        }
    ),
    # What it continues is an earlier unit, which is in the plan itself.
    SitePlan: frozenset({"continues"}),
    Step: frozenset({"expects"}),
    # They come from what was measured before.
    WaveWatch: frozenset({"not_worse", "waived"}),
}
_LONG = 200
# Values of commands that say who makes the run, why, and what is recorded of it.
_RECORDS = frozenset({"by", "message", "record", "known", "marker", "proof", "info"})


def plan_hash(plan: Plan) -> str:
    """Return the SHA-256 of a plan, in hexadecimal."""
    text = json.dumps(_Canonical(plan.run).of(plan), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


class _Canonical:
    """Turns the values of a plan into JSON, without what names its run."""

    def __init__(self, run: str) -> None:
        self._run, self._stamp = run, stamp(run)
        self._digests: dict[str, str] = {}

    def of(self, value: Any) -> Any:
        """Return a value as JSON: different values never have the same."""
        match value:
            case str():
                return self._text(value)
            case None | bool() | int() | float():
                return value
            case Secret():
                return {"secret": value.source}
            case Enum():
                return {"enum": value.name}
            case Command():
                values = {name: each for name, each in value.values.items() if name not in _RECORDS}
                return {"command": [self.of(each) for each in (value.text, values, value.env, value.cwd)]}
            case Mapping():
                return {"mapping": sorted(([self.of(k), self.of(v)] for k, v in value.items()), key=json.dumps)}
            case Set():
                return {"set": sorted((self.of(each) for each in value), key=json.dumps)}
            case list() | tuple():
                return [self.of(each) for each in value]
            case re.Pattern():
                return {"pattern": [value.pattern, value.flags]}
            case functools.partial():
                return {"call": [_name(value.func), self.of(value.args), self.of(value.keywords)]}
        if isinstance(value, BaseModel):
            fields = {name: self.of(getattr(value, name)) for name in type(value).model_fields}
            return {"kind": type(value).__name__, "fields": fields}
        if dataclasses.is_dataclass(value):
            skipped = _LEFT_OUT.get(type(value), frozenset())
            names = [each.name for each in dataclasses.fields(value) if each.name not in skipped]
            return {"kind": type(value).__name__, "fields": {name: self.of(getattr(value, name)) for name in names}}
        return {"name": _name(value)} if callable(value) else {"value": [_name(value), repr(value)]}

    def _text(self, text: str) -> str:
        """Return a text with signs in place of the run's id and time, which no text can have of its own. A long one, such
        as the shell text that is the same on each host, is its digest."""
        if len(text) < _LONG:
            return self._signs(text)
        if text not in self._digests:
            content = self._signs(text).encode("utf-8", "surrogatepass")
            self._digests[text] = f"\0#{hashlib.sha256(content).hexdigest()}"
        return self._digests[text]

    def _signs(self, text: str) -> str:
        return text.replace("\0", "\0-").replace(self._run, "\0r").replace(self._stamp, "\0t")


def _name(value: Any) -> str:
    """Return the name of a function, or of a value's type."""
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"
