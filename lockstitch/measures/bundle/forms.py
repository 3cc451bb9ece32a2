"""Forms in which a value may stand in what was built, texts as expressions of awk, and names without hashes. Pure."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from urllib import parse

# A shorter value stands in files by chance.
SHORTEST = 8
_HEX = re.compile(r"(?=[0-9a-f]*\d)[0-9a-f]{6,64}|[0-9A-F]{8,64}")
_MIXED = re.compile(r"(?=[A-Za-z0-9_]*[a-z])(?=[A-Za-z0-9_]*[A-Z])(?=[A-Za-z0-9_]*\d)[A-Za-z0-9_]{8,64}")
# What URL encoders leave as it is, beside letters, digits and `-._~`: none, a path, JavaScript's two.
_KEPT = ("", "/", "!'()*", ";,/?:@&=$!*'()#")
_PARTS = re.compile(r"([.\-~/])")
# Hashes of esbuild (base32), and of Rollup and of the builds of Next.js (base64, which may have no digit, or a `-`).
_BASE32 = re.compile(r"[A-Z2-7]{8}")
_BASE64 = re.compile(
    r"(?<=[.-])(?=.{0,7}[a-z])(?=.{0,7}[A-Z])[\w-]{8}(?=(\.[a-z]+)+$)"
    r"|(?<![^/])(?=[\w-]{0,20}\d)(?=[\w-]{0,20}[a-z])(?=[\w-]{0,20}[A-Z])[\w-]{21}(?=/)",
    re.ASCII,
)


def secret_forms(value: str) -> tuple[str, ...]:
    """Return every form in which a value is searched, each of one line: as it is, within JSON, URL-encoded, and in
    base64 at each of its three offsets, of both alphabets. Of a value of several lines each line is searched that is
    long enough and no frame of a key (`-----BEGIN`)."""
    lines = [value] if "\n" not in value else [line.strip("\r") for line in value.split("\n")]
    long_enough = [line for line in lines if len(line) >= SHORTEST and not line.startswith("-----")]
    forms = [form for line in long_enough for form in _forms_of_line(line)]
    if "\n" in value:
        forms += _coded(value)
    return tuple(dict.fromkeys(form for form in forms if form and "\n" not in form))


def _forms_of_line(line: str) -> Iterator[str]:
    yield line
    yield json.dumps(line)[1:-1]
    yield json.dumps(line, ensure_ascii=False)[1:-1]
    plus = [parse.quote_plus(line, safe=kept) for kept in _KEPT]
    for encoded in (*plus, *(each.replace("+", "%20") for each in plus)):
        yield encoded
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), encoded)
    yield from _coded(line)


def _coded(value: str) -> list[str]:
    """Return the characters of base64 that a value alone decides, with nothing, one or two bytes before it."""
    data, forms = value.encode("utf-8", "surrogateescape"), []
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + data).decode().rstrip("=")
        # The first characters hold bits of what is before it, the last one those of what follows.
        bits = 8 * (offset + len(data))
        sure = whole[-(-8 * offset // 6) : bits // 6]
        if len(sure) >= SHORTEST:
            forms += [sure, sure.translate(str.maketrans("+/", "-_"))]
    return forms


def as_expression(text: str) -> str:
    """Return a text as an extended regular expression that matches nothing else, in any awk."""
    coded = {"^": "\\^", "\\": "\\\\"}
    return "".join(coded.get(c, f"[{c}]" if c in ".[]*+?(){}|$/" else c) for c in text)


def stable_name(path: str) -> str:
    """Return the path of a built file with `*` in place of hashes of its content, so that releases compare."""
    hashes = (_HEX, _MIXED, _BASE32)
    parts = _PARTS.split(_BASE64.sub("*", path))
    return "".join("*" if any(each.fullmatch(part) for each in hashes) else part for part in parts)
