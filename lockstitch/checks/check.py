"""The value Check: a question to a host, and the judgement of its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any

from lockstitch.errors import CheckError
from lockstitch.model.command import Value
from lockstitch.model.finding import Finding, Level
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe

# What a host says when a program is missing that could tell.
UNKNOWN = "unknown "


@dataclass(frozen=True)
class Check:
    """A probe and the function that turns its fact into findings. `name` is the one that `--skip-checks` takes."""

    name: str
    probe: Probe[Any]
    judge: Callable[[Any], Iterable[Finding]]


@dataclass(frozen=True)
class CheckGroup:
    """The checks of one host, or of one `app` on it, which are asked as its `user`."""

    label: str
    host: Host
    checks: tuple[Check, ...]
    app: str = ""
    user: str | None = None


@dataclass(frozen=True)
class Context:
    """Values that a judgement needs beside the answers: the current time, and the values of secret references.

    A reference that is not in `known` was not looked up; one that could not be has its reason in `lacking`.
    """

    now: datetime
    known: Mapping[str, Value] = field(default_factory=dict)
    lacking: Mapping[str, str] = field(default_factory=dict)


def findings(group: CheckGroup, read: Sequence[Any], why: str = "") -> tuple[Finding, ...]:
    """Return the findings from the answers of one group, in the order of its checks. A check without an answer fails
    under its own name; `why` says what prevented the answer."""
    judged = zip(group.checks, read, strict=False)
    answered = [finding for check, answer in judged for finding in check.judge(answer)]
    silent = dict.fromkeys(check.name for check in group.checks[len(read) :])
    hint = "ask again, with a longer --timeout, or see on the host what hangs"
    return (*answered, *(failed(name, f"it was not answered: {why or 'nothing was said'}", hint) for name in silent))


def finding(name: str, level: Level, says: str, hint: str) -> Finding:
    """Return a finding; a pass has no hint."""
    return Finding(name, level, says, "" if level == "pass" else hint)


def passed(name: str, says: str) -> Finding:
    return Finding(name, "pass", says)


def failed(name: str, says: str, hint: str) -> Finding:
    return Finding(name, "fail", says, hint)


def unknown(name: str, says: str, hint: str) -> Finding:
    """Return the warning of a check that could not be judged."""
    return Finding(name, "warn", says, hint)


def level(value: float, warn: float, fail: float) -> Level:
    """Return the level of a value that should be low."""
    return "fail" if value >= fail else "warn" if value >= warn else "pass"


def refuse(noes: Sequence[str], names: Sequence[str]) -> None:
    """Raise CheckError if any check failed; `names` are the checks that would have to be skipped."""
    if noes:
        waive = ",".join(dict.fromkeys(names))
        other = f", or, if it must be now: --skip-checks {waive}, which is recorded" if waive else ""
        raise CheckError("\n".join([*noes, "nothing was changed"]), hint=f"put it right{other}")
