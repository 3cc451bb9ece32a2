"""Texts that people write: durations, URLs, references to secrets. What each refuses, and the sentence that says so."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

# Names a kind of text in a JSON Schema, for the docs.
WORD = "x-word"
PARTS = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST = 366 * 86400.0
REFERENCE = re.compile(r"(?:env:[A-Za-z_][A-Za-z0-9_]*|(?:file|cmd):[^\x00]*[^\s\x00][^\x00]*)")
# As a header has it: `Basic env:NAME`.
WORD_AND_REFERENCE = re.compile(rf"(?P<word>[A-Za-z][A-Za-z0-9-]* )?(?P<reference>{REFERENCE.pattern})")
# A colon before an @, but for a port with a path after it.
_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^@/]*:(?!\d{1,5}/)[^@]*@|[^/@:\s]+:[^/@]+@", re.IGNORECASE | re.DOTALL)


def duration(value: object) -> float:
    """Seconds, from `30s`, `10m`, `1h30m`, `500ms` or a number of seconds."""
    seconds = _number(value)
    if isinstance(value, str) and re.fullmatch(rf"(?:{PARTS.pattern})+", value, re.ASCII):
        seconds = sum(float(n) * _SECONDS[unit] for n, unit in PARTS.findall(value))
    if seconds is None or seconds < 0:
        raise ValueError(f"{value!r} is not a duration: write it like 30s, 10m, 1h30m, or as a number of seconds")
    if seconds > _LONGEST:
        raise ValueError(f"{value!r} is longer than a year")
    return seconds


def positive_duration(value: object) -> float:
    """A duration that takes time."""
    seconds = duration(value)
    if seconds == 0:
        raise ValueError("it must be longer than 0")
    return seconds


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def secret_reference(value: object) -> str:
    """Parse a reference to a secret. The message has no value: what stands there instead of a reference may be the
    secret."""
    if not isinstance(value, str) or not REFERENCE.fullmatch(value):
        raise ValueError("an inventory holds no secrets, only where one is: write env:NAME, file:PATH or cmd:COMMAND")
    return value


def references(node: object) -> Iterator[str]:
    """Yield each reference to a secret that is a whole text of a tree, or stands behind one word there."""
    if isinstance(node, str):
        if match := WORD_AND_REFERENCE.fullmatch(node):
            yield match["reference"]
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list | tuple):
        for each in node:
            yield from references(each)


def no_password(value: str) -> str | None:
    """A URL without a password in it: nor one that holds `/`, `?` or `#`, nor one where there is no scheme."""
    try:
        held = urlsplit(value).password is not None or bool(_PASSWORD.match(value))
    except ValueError:
        return "it is not a URL"
    return "it holds a password: an inventory holds no secrets, use a deploy key of the host" if held else None


def web_url(value: str) -> str | None:
    return None if re.match(r"https?://[^\s/]+", value) and " " not in value else f"{value!r} is not an http(s) URL"


def is_loopback(url: str) -> bool:
    """Tell whether whoever asks for a URL is answered by itself: its server is localhost, or a loopback address."""
    try:
        server = urlsplit(url).hostname or ""
        return server == "localhost" or ip_address(server).is_loopback
    except ValueError:
        return False
