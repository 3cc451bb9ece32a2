"""The value Gate: an observation that is judged. Judging is pure; who observes is `run.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from enum import Enum
from typing import Any

from lockstitch.model.expectation import ABSENT, field_at, field_problems, status_problem, text_problems
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe

# So many digits of a commit id tell it from others.
MIN_REVISION = 7


class Status(Enum):
    """The three verdicts of a gate."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Verdict:
    """A gate's answer, and the sentence that says why. `lasting` marks a failure that does not pass by waiting, once
    what is asked is the new code."""

    answer: Status
    reason: str
    hint: str = ""
    lasting: bool = False

    @property
    def passed(self) -> bool:
        return self.answer is Status.PASS


def passed(reason: str) -> Verdict:
    return Verdict(Status.PASS, reason)


def failed(reason: str, hint: str = "") -> Verdict:
    return Verdict(Status.FAIL, reason, hint)


def inconclusive(reason: str, hint: str = "") -> Verdict:
    return Verdict(Status.INCONCLUSIVE, reason, hint)


@dataclass(frozen=True)
class Gate:
    """A probe whose reading must be judged a pass before anything proceeds.

    It is asked up to `tries` times, `interval` seconds apart, until it passes; each asking may take `timeout` seconds.
    One that is `patient` is asked for so many seconds instead, and a host that does not answer has only not passed yet.
    One that is `certain` is asked no more after so many failures in a row that do not pass by waiting, since all other
    gates of its site have passed: those show that what answers is the new code. 0: never.
    """

    name: str
    probe: Probe[Any]
    judge: Callable[[Any], Verdict]
    interval: float = 1.0
    # On a host without a free CPU, what tells of a process needs seconds.
    timeout: float = 20.0
    tries: int = 30
    deadline: float = 0.0
    certain: int = 0


@dataclass(frozen=True)
class HttpAnswer:
    """The answer of a health URL. `status` 0: no answer, and `body` says why."""

    status: int
    body: str
    content: Any = field(default=None, compare=False)


def judge_health(
    answer: HttpAnswer, *, status: int, expect: Mapping[str, Any], contains: str, revision_key: str, revision: str
) -> Verdict:
    """Judge whether a health answer has the status, the expected fields, and the revision where the app tells it."""
    if answer.status == 0:
        return failed(f"no answer: {answer.body}")
    problems = [status_problem((status,), answer.status), *text_problems([contains] if contains else [], answer.body)]
    for problem in (*problems, *field_problems(expect, answer.content)):
        if problem:
            return failed(problem)
    if revision_key:
        served = field_of(answer.content, revision_key)
        if not isinstance(served, str) or len(served) < MIN_REVISION or not revision.startswith(served):
            no = failed(f"it tells revision {served!r}, expected {revision[:12]}")
            return replace(no, lasting=isinstance(served, str) and len(served) >= MIN_REVISION)
    return passed(f"answered {answer.status}")


def field_of(content: Any, key: str) -> Any:
    """A field of a JSON answer by a dotted key; None where there is none."""
    value = field_at(content, key)
    return None if value is ABSENT else value
