"""Pure: the gates of a site: the service really runs the release, and its health URL says so."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any

from lockstitch.command import Command
from lockstitch.gate import Gate, HttpAnswer, Verdict, judge_health, passed
from lockstitch.inventory import App, Health
from lockstitch.probe import Probe, number
from lockstitch.services import Place
from lockstitch.services.maintenance import AWAY

# Asked from the host itself, with what it has: nothing is installed there.
_ASK = r"""
if command -v curl >/dev/null 2>&1; then
    curl -sS --max-time "$timeout" -H 'Connection: close' -w '\n%{http_code}' "$url" 2>&1
elif command -v python3 >/dev/null 2>&1; then
    python3 -c '
import sys, urllib.request, urllib.error
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=float(sys.argv[2]))
except urllib.error.HTTPError as error:
    answer = error
except Exception as error:
    print(error, "000", sep="\n", end=""); sys.exit()
print(answer.read().decode("utf-8", "replace"), answer.status, sep="\n", end="")' "$url" "$timeout"
elif command -v node >/dev/null 2>&1; then
    node -e '
fetch(process.argv[1], { redirect: "manual", signal: AbortSignal.timeout(1000 * process.argv[2]) })
    .then(async (a) => process.stdout.write((await a.text()) + "\n" + a.status))
    .catch((e) => process.stdout.write(String(e.cause || e) + "\n000"))' "$url" "$timeout"
else
    printf '%s\n000' "this host has none of curl, python3 and node to ask with"
fi
"""


def parse_answer(text: str, code: int) -> HttpAnswer:
    """The answer from its body and, on the last line, its status; 000 is no answer."""
    body, _, status = text.rstrip("\n").rpartition("\n")
    if status == AWAY:
        return HttpAnswer(0, AWAY)
    told = number(status)
    if not told:
        return HttpAnswer(0, (body or status or "nothing was said").strip())
    content: Any = None
    if body.lstrip().startswith(("{", "[")):
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            content = None
    return HttpAnswer(told, body, content)


def _health(wanted: Health, revision: str) -> Gate:
    """The gate of a health URL, asked from the host itself."""
    values = {"url": wanted.url, "timeout": f"{wanted.timeout:g}"}
    judge = partial(
        _judge,
        status=wanted.status,
        expect=wanted.expect,
        contains=wanted.contains,
        revision_key=wanted.revision,
        revision=revision,
    )
    probe = Probe("health", Command(_ASK, values=values), parse_answer)
    return Gate("health", probe, judge, wanted.interval, wanted.timeout, wanted.tries)


def _judge(answer: HttpAnswer, **wanted: Any) -> Verdict:
    if answer == HttpAnswer(0, AWAY):
        return passed("in maintenance, as it was found: its page answers")
    return judge_health(answer, **wanted)


def gates(app: App, place: Place, run: str) -> tuple[Gate, ...]:
    """All gates of a site for the release at `place`. Whoever was put into maintenance by somebody else answers no one:
    its page is an answer to the health question then, whatever the survey had found."""
    serving = Gate("serving", app.service.probe(place), app.service.judge)
    if not app.health:
        return (serving,)
    asked = _health(app.health, place.revision)
    if app.mode:
        asked = replace(asked, probe=replace(asked.probe, command=app.mode.unless(place, run, asked.probe.command)))
    return (serving, asked)
