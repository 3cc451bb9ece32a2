"""Checks of TCP ports that must be listened on, or must not be, by the kernel's own list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from lockstitch.checks.check import Check, failed, passed, unknown
from lockstitch.model.command import Command
from lockstitch.model.finding import Finding
from lockstitch.model.probe import Probe, collect
from lockstitch.model.shell import shell_text

NAME = "ports"
_ASK = shell_text(__package__, "ports.sh")


def ports(listening: Sequence[int], silent: Sequence[int]) -> Check:
    return Check(NAME, Probe(NAME, Command(_ASK), parse), partial(judge, tuple(listening), tuple(silent)))


def parse(text: str, code: int) -> frozenset[int] | None:
    """Parse the ports that are listened on; None where the kernel does not list them."""
    said = collect(text)
    if "told" not in said:
        return None
    return frozenset(
        int(word, 16) for word in said["port"] if len(word) == 4 and all(c in "0123456789ABCDEFabcdef" for c in word)
    )


def judge(listening: Sequence[int], silent: Sequence[int], open_: frozenset[int] | None) -> Iterator[Finding]:
    if open_ is None:
        yield unknown(NAME, "the kernel does not tell who listens", "look there: ss -ltn")
        return
    for port in listening:
        if port in open_:
            yield passed(NAME, f"somebody listens on {port}")
        else:
            yield failed(
                NAME, f"nobody listens on {port}", f"start what should; see who listens: ss -ltnp 'sport = {port}'"
            )
    for port in silent:
        if port in open_:
            yield failed(
                NAME, f"somebody listens on {port}, where nobody should", f"see who: ss -ltnp 'sport = {port}'"
            )
        else:
            yield passed(NAME, f"nobody listens on {port}")
