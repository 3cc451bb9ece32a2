"""Versions as programs tell them, and ranges of them as people write them: `>=3.11`, `>=18,<21`. Pure."""

from __future__ import annotations

import re

Version = tuple[int, ...]

WANTED = re.compile(
    r"\*|(?:(?:>=|<=|==|!=|>|<) ?\d{1,9}(?:\.\d{1,9}){0,4})(?: ?, ?(?:>=|<=|==|!=|>|<) ?\d{1,9}(?:\.\d{1,9}){0,4})*"
)
_PART = re.compile(r"(>=|<=|==|!=|>|<) ?([\d.]+)")
# A number with dots is rather a version than one without, such as the year of a copyright. MariaDB's programs say
# their own first, and then that of the distribution they came with, which is the one that people mean.
_FORMS = (
    re.compile(r"\bDistrib (\d{1,9}(?:\.\d{1,9}){1,4})", re.ASCII),
    re.compile(r"(?<![\w.])(?:v|go|V|[A-Za-z]+_)?(\d{1,9}(?:\.\d{1,9}){1,4})", re.ASCII),
    re.compile(r"(?<![\w.])v?(\d{1,9})(?![\w.])", re.ASCII),
)


def parse_version(text: str) -> Version | None:
    """The version in what a program prints of itself; None where there is none."""
    for form in _FORMS:
        if match := form.search(text):
            return parts(match[1])
    return None


def parts(text: str) -> Version:
    """`3.11.2` as numbers."""
    return tuple(int(part) for part in text.split("."))


def shown(version: Version) -> str:
    return ".".join(map(str, version))


def within(version: Version, allowed: str) -> bool:
    """Tell whether a version is in a range. As many parts count as the range has: 3.11.9 is `<=3.11`, and not
    `>3.11`."""
    return all(_holds(version, sign, parts(limit)) for sign, limit in _PART.findall(allowed))


def _holds(version: Version, sign: str, limit: Version) -> bool:
    mine = (*version, *(0,) * len(limit))[: len(limit)]
    return {
        ">=": mine >= limit,
        "<=": mine <= limit,
        "==": mine == limit,
        "!=": mine != limit,
        ">": mine > limit,
        "<": mine < limit,
    }[sign]
