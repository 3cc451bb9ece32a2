"""The value Probe: a read-only command, and the parser of what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from lockstitch.model.command import Command

T = TypeVar("T")
_DIGITS = 15

# `near PATH`: the nearest folder above a path that is there.
NEAR = r"""
near() { d=$1; while [ ! -e "$d" ]; do case $d in */*) d=${d%/*}; d=${d:-/} ;; *) d=. ;; esac; done; printf %s "$d"; }
"""


@dataclass(frozen=True)
class Probe(Generic[T]):
    """A question to a host.

    `parse` gets what the command printed (stdout and stderr as they came) and its exit code, and makes the fact;
    it never raises for an answer a host can give, but says it in the fact.
    """

    name: str
    command: Command
    parse: Callable[[str, int], T]


def number(text: str) -> int | None:
    """The whole number that a host printed; None for whatever else it printed."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None
