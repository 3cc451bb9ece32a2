"""VALUE Done: how a command on one host ended, of many that were given to many hosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lockstitch.errors import ExitCode
from lockstitch.remote import Result


@dataclass(frozen=True)
class Done:
    """How one ended: the code it counts as, that in words, what its steps said, what the host's command exited with
    (None where it did not end by itself), and after how many seconds."""

    code: ExitCode
    words: str
    results: tuple[Result, ...] = ()
    exit: int | None = None
    seconds: float = 0.0


def worst(done: Sequence[Done]) -> ExitCode:
    """What all of them count as: an interrupt above a host that was not reached, that above everything else."""
    return max((one.code for one in done), key=_weight, default=ExitCode.DONE)


def _weight(code: ExitCode) -> tuple[bool, bool, int]:
    return (code == ExitCode.INTERRUPTED, code == ExitCode.UNREACHABLE, code)
