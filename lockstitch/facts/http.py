"""A web address, asked from a host with what it has, and the answer read. Pure."""

from __future__ import annotations

import json
from typing import Any

from lockstitch.model.command import Command
from lockstitch.model.gate import HttpAnswer
from lockstitch.model.probe import number
from lockstitch.services.maintenance import AWAY

# Asked from the host itself, with what it has: nothing is installed there.
# A proxy is for what lies beyond the host; and what ~/.curlrc, PYTHON* and NODE_OPTIONS say is for other programs.
_ASK = r"""
no_proxy=${no_proxy:-${NO_PROXY:-}}
[ "$no_proxy" = "*" ] || no_proxy=${no_proxy:+$no_proxy,}localhost,127.0.0.1,::1
export no_proxy
if command -v curl >/dev/null 2>&1; then
    # What it says on stderr is why there is no answer, and never part of one.
    { said=$(curl -q -sS --max-time "$timeout" -H 'Connection: close' -w '\n%{http_code}' "$url" 2>&1 >&3 3>&-) ||
        printf '\n\036%s' "$said"; } 3>&1
elif command -v python3 >/dev/null 2>&1; then
    python3 -I -c '
import sys, urllib.request, urllib.error
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=float(sys.argv[2]))
except urllib.error.HTTPError as error:
    answer = error
except Exception as error:
    print(error, "000", sep="\n", end=""); sys.exit()
print(answer.read().decode("utf-8", "replace"), answer.status, sep="\n", end="")' "$url" "$timeout"
elif command -v node >/dev/null 2>&1; then
    NODE_OPTIONS= node -e '
fetch(process.argv[1], { redirect: "manual", signal: AbortSignal.timeout(1000 * process.argv[2]) })
    .then(async (a) => process.stdout.write((await a.text()) + "\n" + a.status))
    .catch((e) => process.stdout.write(String(e.cause || e) + "\n000"))' "$url" "$timeout"
else
    printf '%s\n000' "this host has none of curl, python3 and node to ask with"
fi
"""


def asked_of(url: str, timeout: float) -> Command:
    """The command that asks it; its answer is what `parse_answer` reads."""
    return Command(_ASK, values={"url": url, "timeout": f"{timeout:g}"})


def parse_answer(text: str, code: int) -> HttpAnswer:
    """The answer from its body and, on the last line, its status; 000 is no answer. Behind it may stand why."""
    body, _, status = text.rstrip("\n").rpartition("\n")
    why = ""
    if number(status) is None and "\n\x1e" in text:
        text, _, why = text.rpartition("\n\x1e")
        body, _, status = text.rpartition("\n")
    if status == AWAY:
        return HttpAnswer(0, AWAY)
    told = number(status)
    if not told:
        return HttpAnswer(0, (why or body or status or "nothing was said").strip())
    content: Any = None
    if body.lstrip().startswith(("{", "[")):
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            content = None
    return HttpAnswer(told, body, content)
