"""EFFECT: the steps of a journey, one after the other, and everything that they made taken away again."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockstitch.concurrency import run_in_thread
from lockstitch.engine.local_command import INTERRUPTED, run_here
from lockstitch.engine.site_runner import last_lines
from lockstitch.engine.smoke.cleaner import SmokeCleaner
from lockstitch.engine.smoke.client import HttpClient
from lockstitch.engine.smoke.ledger import Ledger
from lockstitch.engine.smoke.values import SmokeValues
from lockstitch.errors import LockstitchError
from lockstitch.inventory.smoke import SAFE_METHODS, SmokeStepSettings
from lockstitch.inventory.smoke_rules import needed
from lockstitch.model.command import words
from lockstitch.model.expectation import ABSENT
from lockstitch.model.gate import MIN_REVISION
from lockstitch.model.smoke_check import RELEASE, SmokeEnding, SmokeResult
from lockstitch.smoke.journey import Journey
from lockstitch.smoke.judge import (
    SmokeAnswer,
    cache_sign,
    judge_answer,
    judge_limit,
    same_release,
    take_values,
    value_at,
)
from lockstitch.smoke.ledger import LedgerEntry
from lockstitch.smoke.results import JourneyResult, verdict

if TYPE_CHECKING:
    import requests
    from requests.cookies import RequestsCookieJar

_REQUEST, _COMMAND = 10.0, 600.0
BROWSER_PROGRAM = "lockstitch.engine.smoke.browser"
# Seconds between two tries.
_PAUSE = 1.0
Observe = Callable[[SmokeResult], None]


class JourneyRunner:
    """Runs the steps of one journey. `observe` is told each result.

    The first interrupt ends the step that runs, and no other begins; what was made is taken away all the same. A second
    one ends that too: what is still there stands in the ledger.
    """

    def __init__(self, journey: Journey, client: HttpClient, ledger: Ledger, root: Path, observe: Observe) -> None:
        self._journey, self._client = journey, client
        self._root, self._observe = root, observe
        self._values = SmokeValues(journey, root)
        self._stopped, self._given_up = threading.Event(), threading.Event()
        self._results: list[SmokeResult] = []
        self._jars: dict[str, RequestsCookieJar] = {}
        self._cleaner = SmokeCleaner(journey, client, ledger, self._values, self._jar_of)
        self._cleaning = False
        self._revision, self._other = "", ""

    def prepare(self, former: Sequence[LedgerEntry] = ()) -> None:
        """Look up every secret and file that will be needed, once. Raises UsageError."""
        self._values.prepare(*(entry.clean for entry in former))

    def run(self, former: Sequence[LedgerEntry] = ()) -> JourneyResult:
        """Run the steps, then take away what they made and what `former` runs have left. Raises UsageError before
        anything was sent, where a secret or a file cannot be had."""
        began = time.monotonic()
        self.prepare(former)
        self._cleaner.take_over(former)
        interrupted = False
        try:
            run_in_thread(self._all, self._interrupt)
        except KeyboardInterrupt:
            interrupted = True
        return JourneyResult(
            self._journey.app,
            self._journey.host,
            tuple(self._results),
            tuple(self._cleaner.leftovers),
            self._cleaner.count,
            self._revision,
            time.monotonic() - began,
            interrupted,
        )

    def _interrupt(self) -> None:
        again = self._stopped.is_set()
        self._stopped.set()
        if again:
            self._given_up.set()
        if again or not self._cleaning:
            self._client.abort()

    def _all(self) -> None:
        try:
            if self._journey.source and self._journey.place:
                self._take(self._release())
            for name in self._journey.names:
                began = time.monotonic()
                result = self._step(name)
                tags = self._journey.smoke.steps[name].tags
                self._take(replace(result, seconds=time.monotonic() - began, tags=tags))
            if self._journey.source and not self._journey.place and not self._revision and self._asked():
                self._take(self._result(RELEASE, SmokeEnding.INCONCLUSIVE, f"no answer had {self._journey.source}"))
        finally:
            self._cleaning = True
            self._cleaner.clean_up(self._given_up, self._unproven)

    def _unproven(self, entry: LedgerEntry) -> str:
        """Return why a thing of a former run that is not there may only not be shown to us; empty where it is gone."""
        journey = self._journey
        if entry.step not in journey.smoke.steps:
            return f"there is no step {entry.step}, so that nobody knows how it logged in"
        needs = {*needed(journey.smoke.steps, entry.step)} & {*journey.names}
        passed = {each.step for each in self._results if each.passed}
        return next((f"{name} has not passed" for name in journey.names if name in needs - passed), "")

    def _asked(self) -> bool:
        return any(result.passed for result in self._results)

    def _take(self, result: SmokeResult) -> None:
        masked = replace(
            result, reason=self._values.mask(result.reason), output=tuple(map(self._values.mask, result.output))
        )
        self._results.append(masked)
        self._observe(masked)

    def _result(self, name: str, ending: SmokeEnding, reason: str = "", asked: int = 0, judged: int = 0) -> SmokeResult:
        app, host = self._journey.app, self._journey.host
        return SmokeResult(app, name, ending, reason, asked, judged, 0.0, host, self._revision, other=self._other)

    def _step(self, name: str) -> SmokeResult:
        step, self._other = self._journey.smoke.steps[name], ""
        if name in self._journey.left_out:
            return self._result(name, SmokeEnding.LEFT_OUT, self._journey.left_out[name])
        if self._stopped.is_set():
            return self._result(name, SmokeEnding.NOT_RUN, INTERRUPTED)
        passed = {each.step for each in self._results if each.passed}
        if need := next((need for need in step.needs if need not in passed), ""):
            return self._result(name, SmokeEnding.NOT_RUN, f"{need} has not passed")
        try:
            if not step.method:
                return self._program(name, step)
            return self._limit(name, step) if step.limit else self._request(name, step)
        except LockstitchError as error:
            return self._result(name, SmokeEnding.FAILED, error.message)

    def _program(self, name: str, step: SmokeStepSettings) -> SmokeResult:
        line = step.command or words(sys.executable, "-m", BROWSER_PROGRAM, step.browser or "")
        env = self._values.environment(step, self._values.visible(name))
        failure, output = run_here(line, step.timeout or _COMMAND, self._root, self._stopped, env=env)
        problems = [failure] if failure else []
        result = self._result(name, *verdict(problems, 1, 1, again=False), 1, 1)
        return replace(result, output=last_lines(self._values.masked(output)) if failure else ())

    def _limit(self, name: str, step: SmokeStepSettings) -> SmokeResult:
        assert step.limit is not None
        request, jar = self._prepared(name, step), self._jar(name)
        statuses, problems, began = list[int](), list[str](), time.monotonic()
        while len(statuses) <= step.limit.requests and not self._stopped.is_set():
            answer = self._send(request, jar, step.timeout)
            statuses.append(answer.status)
            if len(statuses) <= step.limit.requests and answer.status != step.limit.expect:
                problems += [f"request {len(statuses)}: {each}" for each in self._judged(name, step, answer)[0][:1]]
            if problems or answer.status == step.limit.expect:
                break
        problems = judge_limit(step.limit, statuses, problems, time.monotonic() - began)
        return self._result(name, *verdict(problems, len(statuses), 1, again=False), len(statuses), 1)

    def _request(self, name: str, step: SmokeStepSettings) -> SmokeResult:
        jar = self._jar(name)
        request = self._prepared(name, step)
        if step.method not in SAFE_METHODS:
            return self._once(name, step, request, jar)
        asked, tries, until = 0, 0, time.monotonic() + step.wait
        while True:
            answer, sent, unsure = self._fresh(request, jar, step, self._other_release)
            asked, tries = asked + sent, tries + 1
            problems, judged, values = self._judged(name, step, answer)
            late = time.monotonic() >= until
            if not (problems or unsure) or (tries >= step.tries and late) or self._stopped.wait(_PAUSE):
                break
        if unsure:
            return self._result(name, SmokeEnding.INCONCLUSIVE, "; ".join([unsure, *problems]), asked, judged)
        ending, why = verdict(problems, asked, judged, again=tries > 1 and not step.wait)
        if not problems:
            self._values.save(name, values)
        return self._result(name, ending, why, asked, judged)

    def _once(
        self, name: str, step: SmokeStepSettings, request: requests.Request, jar: RequestsCookieJar
    ) -> SmokeResult:
        """Make a request that may change something. It is never sent twice."""
        entry = self._cleaner.begin(name, step)
        answer = self._send(request, jar, step.timeout)
        problems, judged, values = self._judged(name, step, answer)
        if entry is not None:
            self._cleaner.made(entry, step, answer, values)
        if not problems:
            self._values.save(name, values)
        unsure = self._other_release(answer)
        if unsure:
            return self._result(name, SmokeEnding.INCONCLUSIVE, "; ".join([unsure, *problems]), 1, judged)
        return self._result(name, *verdict(problems, 1, judged, again=False), 1, judged)

    def _judged(
        self, name: str, step: SmokeStepSettings, answer: SmokeAnswer
    ) -> tuple[list[str], int, dict[str, object]]:
        problems, judged = judge_answer(step.expect, answer, self._values.refused(step), self._values.digest(name))
        if answer.error:
            return problems, judged, {}
        values, lacking = take_values(step.save, answer)
        self._values.hide_answer(answer, values)
        return [*problems, *lacking], judged + len(step.save), values

    def _prepared(self, name: str, step: SmokeStepSettings) -> requests.Request:
        return self._values.request(step, self._values.visible(name), self._values.bearer(name, step.place), step.sign)

    def _jar(self, name: str) -> RequestsCookieJar:
        """Return the cookies of a step: those of the steps that it needs."""
        # Start-up: it takes a tenth of a second.
        from requests.cookies import RequestsCookieJar

        jar = RequestsCookieJar()
        step = self._journey.smoke.steps.get(name)
        for need in step.needs if step is not None and step.cookies else ():
            if need in self._jars:
                jar.update(self._jars[need])
        self._jars[name] = jar
        return jar

    def _jar_of(self, name: str) -> RequestsCookieJar:
        return self._jars[name] if name in self._jars else self._jar(name)

    def _send(self, request: requests.Request, jar: RequestsCookieJar, seconds: float | None) -> SmokeAnswer:
        return self._client.send(request, jar, seconds or _REQUEST, self._stopped)

    def _fresh(
        self,
        request: requests.Request,
        jar: RequestsCookieJar,
        step: SmokeStepSettings,
        other: Callable[[SmokeAnswer], str],
    ) -> tuple[SmokeAnswer, int, str]:
        """Return an answer that no cache gave and the expected release did, how often was asked, and else why it proves
        nothing."""
        bust = f"{'&' if '?' in request.url else '?'}_smoke={self._journey.run}"
        fresh, past = copy(request), copy(request)
        fresh.headers = past.headers = {**request.headers, "Cache-Control": "no-cache", "Pragma": "no-cache"}
        past.url = request.url + bust
        ways = (request, fresh, past)
        unsure, answer = "", SmokeAnswer()
        for asked, way in enumerate(ways, 1):
            answer = self._send(way, jar, step.timeout)
            sign = "" if step.cached or answer.error else cache_sign(answer)
            unsure = f"a cache answered ({sign})" if sign else other(answer)
            if not unsure:
                return answer, asked, ""
        return answer, len(ways), unsure

    # The release that answers.

    def _other_release(self, answer: SmokeAnswer) -> str:
        """Return why an answer is of another release than is expected, or than the answers before it were."""
        return self._told_release(answer) if self._journey.source.startswith("header.") else ""

    def _told_release(self, answer: SmokeAnswer) -> str:
        """Return the same of an answer that may tell its release."""
        revision = ABSENT if answer.error else value_at(self._journey.source, answer)
        if not isinstance(revision, str) or not revision:
            return ""
        if len(revision) < MIN_REVISION:
            return f"{revision!r} is no commit"
        expected = self._journey.expected or self._revision
        self._other = revision if expected and not same_release(expected, revision) else ""
        if self._other:
            return f"release {revision[:12]!r} answered, expected {expected[:12]}"
        self._revision = self._revision or revision
        return ""

    def _release(self) -> SmokeResult:
        """Ask which release answers."""
        # Start-up: it takes a tenth of a second.
        from requests import Request

        journey = self._journey
        step = SmokeStepSettings.model_validate({"get": journey.place})
        request = Request("GET", journey.url(journey.place))
        answer, asked, unsure = self._fresh(request, self._jar(RELEASE), step, self._told_release)
        if answer.error:
            return self._result(RELEASE, SmokeEnding.INCONCLUSIVE, answer.error, asked, 0)
        revision = value_at(journey.source, answer)
        if unsure or not isinstance(revision, str) or len(revision) < MIN_REVISION:
            ending = SmokeEnding.LEFT_OUT if journey.assumed and not unsure else SmokeEnding.INCONCLUSIVE
            why = (
                unsure
                or f"{journey.place} has no {journey.source} that is a commit; `release` of smoke says where it is"
            )
            return self._result(RELEASE, ending, why, asked, 0)
        return self._result(RELEASE, SmokeEnding.PASSED, "", asked, 1)
