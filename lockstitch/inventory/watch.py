"""Models of what is watched after a release, and when it goes back by itself: `watch` and `rollback_on` of an app."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import Field, model_validator

from lockstitch.flags.base import Flag
from lockstitch.inventory.metrics import GateSettings, LimitText
from lockstitch.inventory.settings import Settings, wrong
from lockstitch.inventory.ssh import Count
from lockstitch.inventory.types import PositiveDuration
from lockstitch.inventory.validation import did_you_mean

# The key of `rollback_on` that is about the health URL, and no gate.
HEALTH = "health"


class WatchStage(Settings):
    """A part of a watch: for so long, a reading so often."""

    for_: PositiveDuration = Field(alias="for", description="how long this part takes")
    every: PositiveDuration = Field(description="time between two readings")

    @model_validator(mode="after")
    def _readings(self) -> WatchStage:
        if self.every > self.for_:
            raise wrong("every", "it is longer than the part: there would be no reading in it")
        return self


class RollbackRule(Settings):
    """A rule by which a watch takes a release back: a gate is over a limit for so long; or, for `health`, the health
    URL fails in so many readings in a row."""

    over: LimitText | None = Field(default=None, description="the limit, as `max` of the gate has it: `10%` or `1s`")
    for_: PositiveDuration | None = Field(
        default=None, alias="for", description="how long it must be over that, in every minute that has requests"
    )
    failures: Count | None = Field(default=None, description="readings in a row in which the health URL fails")
    first: Annotated[str, Field(pattern=r"^flag \S+$")] | None = Field(
        default=None,
        description="`flag NAME`: that flag is set to the first of its steps, and only if that does not help for as "
        "long again, the release is taken back",
    )

    @property
    def flag(self) -> str:
        """The flag that is turned off first; empty for none."""
        return self.first.removeprefix("flag ") if self.first else ""

    @model_validator(mode="after")
    def _form(self) -> RollbackRule:
        if (self.over is None) != (self.for_ is None) or (self.over is None) == (self.failures is None):
            raise ValueError("write {over: 10%, for: 5m} for a gate, or {failures: 3} for health")
        return self


def refuse_rules(
    rules: Mapping[str, RollbackRule],
    gates: Mapping[str, GateSettings],
    flags: Mapping[str, Flag],
    *,
    has_health: bool,
) -> None:
    """Raise the error of a rule that is about no gate or names no flag, or whose limit the gate cannot have."""
    for name, rule in rules.items():
        if rule.flag and rule.flag not in flags:
            raise wrong("rollback_on", f"there is no flag {rule.flag}{did_you_mean(rule.flag, list(flags))}")
        if rule.flag and not flags[rule.flag].steps:
            raise wrong("rollback_on", f"flag {rule.flag} has no steps: the first of them is what it is turned off to")
        if (name == HEALTH) != (rule.failures is not None):
            raise wrong("rollback_on", "failures are those of health, and over is for gates")
        if name == HEALTH:
            if not has_health:
                raise wrong("rollback_on", "the app has no health URL: write health: {url: …}")
            continue
        if name not in gates:
            raise wrong("rollback_on", f"there is no gate {name}{did_you_mean(name, [*gates, HEALTH])}")
        if problem := _unlike(gates[name], rule):
            raise wrong("rollback_on", f"{name}: {problem}")


def _unlike(gate: GateSettings, rule: RollbackRule) -> str:
    assert rule.over is not None
    if gate.rate:
        return "a gate on traffic has no rule yet: traffic falls for many reasons"
    if gate.percentile and rule.over.seconds is None:
        return "a percentile is over a duration, such as over: 1s"
    if gate.status and rule.over.part is None:
        return "requests with a status are over a percentage, such as over: 10%"
    if gate.match and rule.over.number is None:
        return "records that match are over a number, such as over: 100"
    return ""


def rule_gate(gate: GateSettings, rule: RollbackRule) -> GateSettings:
    """Return the gate with the limit of a rule in place of its own."""
    other = {"max": rule.over, "by": None, "against": (), "increase": None, "dry": False}
    return gate.model_copy(update=other)


def rules_over(rules: Iterable[RollbackRule]) -> tuple[float, ...]:
    """Return the limits of these rules that are durations, in seconds."""
    return tuple(rule.over.seconds for rule in rules if rule.over is not None and rule.over.seconds)
