"""The answer to an HTTP request made on a host (model/http.py), parsed. Pure."""

from __future__ import annotations

import json
from typing import Any

from lockstitch.model.gate import HttpAnswer
from lockstitch.model.probe import number
from lockstitch.services.maintenance import AWAY


def parse_answer(text: str, code: int) -> HttpAnswer:
    """Parse an answer: the body, and the status on the last line, which is 000 if there was no answer. The reason may
    follow it."""
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
