"""An HTTP request made on a host with the programs it has, and the parser of the answer. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lockstitch.model.command import Command, Secret, Value, plain
from lockstitch.model.gate import HttpAnswer
from lockstitch.model.probe import number
from lockstitch.model.shell import shell_text
from lockstitch.services.maintenance import AWAY

_ASK = shell_text(__package__, "http.sh")


def http_request(url: str, timeout: float, headers: Mapping[str, tuple[str, Value]] | None = None) -> Command:
    """Return the command that requests a URL; `parse_answer` reads its output. A header is a word before its value, such
    as `Bearer `, and the value, which has one line."""
    lines, keys = [], {}
    for at, (name, (word, key)) in enumerate((headers or {}).items()):
        lines.append(f"{name}: {word}{plain(key)}")
        # The script does not read these: what stands in them is masked in an answer.
        keys[f"key_{at}"] = key
    values = {"url": url, "timeout": f"{timeout:g}", "headers": Secret("\n".join(lines)) if lines else ""}
    return Command(_ASK, values={**values, **keys})


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
