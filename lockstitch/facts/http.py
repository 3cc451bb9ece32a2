"""A web address, asked from a host with what it has, and the answer read. Pure."""

from __future__ import annotations

import json
from typing import Any

from lockstitch.model.command import Command
from lockstitch.model.gate import HttpAnswer
from lockstitch.model.probe import number
from lockstitch.model.shell import shell_text
from lockstitch.services.maintenance import AWAY

_ASK = shell_text(__package__, "http.sh")


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
    answered = number(status)
    if not answered:
        return HttpAnswer(0, (why or body or status or "nothing was said").strip())
    content: Any = None
    if body.lstrip().startswith(("{", "[")):
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            content = None
    return HttpAnswer(answered, body, content)
