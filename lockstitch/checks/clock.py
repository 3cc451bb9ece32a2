"""The check of a host's clock against the controller's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from lockstitch.checks.check import Check, failed, passed, unknown
from lockstitch.facts.clock import ASK, Clock, parse, shown
from lockstitch.inventory.checks import ClockChecks
from lockstitch.model.command import Command
from lockstitch.model.finding import Finding
from lockstitch.model.probe import Probe

_HINT = "let it keep time: timedatectl set-ntp true, or chronyc makestep"


def clock(limits: ClockChecks) -> Check:
    return Check("clock", Probe("clock", Command(ASK), parse), partial(judge, limits))


def judge(limits: ClockChecks, clock: Clock) -> Iterator[Finding]:
    """Judge the offset by the part of it that is certain: an uncertain one never fails."""
    if clock.offset is None:
        yield unknown("clock", "the host does not tell its time", "look there: date")
        return
    offset, unsure = clock.offset
    says = f"{shown(offset, unsure)}; no beyond {limits.fail:g} s"
    if abs(offset) - unsure > limits.fail:
        yield failed("clock", says, _HINT)
    elif abs(offset) - unsure > limits.warn:
        yield unknown("clock", says, _HINT)
    elif abs(offset) + unsure > max(limits.fail, 2 * limits.warn):
        yield unknown("clock", f"{says}: the answer took too long to tell", "ask again, when the way to it is quicker")
    else:
        yield passed("clock", says)
