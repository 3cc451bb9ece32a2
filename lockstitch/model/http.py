"""An HTTP request made on a host with the programs it has."""

from __future__ import annotations

from collections.abc import Mapping

from lockstitch.model.command import Command, Secret, Value, plain
from lockstitch.model.shell import shell_text

_ASK = shell_text(__package__, "http.sh")


def http_request(url: str, timeout: float, headers: Mapping[str, tuple[str, Value]] | None = None) -> Command:
    """Return the command that requests a URL; facts/http.py reads its output. A header is a word before its value, such
    as `Bearer `, and the value, which has one line."""
    lines, keys = [], {}
    for at, (name, (word, key)) in enumerate((headers or {}).items()):
        lines.append(f"{name}: {word}{plain(key)}")
        # The script does not read these: what stands in them is masked in an answer.
        keys[f"key_{at}"] = key
    values = {"url": url, "timeout": f"{timeout:g}", "headers": Secret("\n".join(lines)) if lines else ""}
    return Command(_ASK, values={**values, **keys})
