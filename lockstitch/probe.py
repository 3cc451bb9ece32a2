"""The value Probe: a read-only command, and the parser of what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from lockstitch.command import Command

T = TypeVar("T")


@dataclass(frozen=True)
class Probe(Generic[T]):
    """A question to a host.

    `parse` gets what the command printed (stdout and stderr as they came) and its exit code, and makes the fact;
    it never raises for an answer a host can give, but says it in the fact.
    """

    name: str
    command: Command
    parse: Callable[[str, int], T]
