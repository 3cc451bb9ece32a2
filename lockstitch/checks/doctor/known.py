"""known_hosts files: which lines are wrong, and which are against each other. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator

from lockstitch.model.finding import Finding

_MARKERS = ("@revoked", "@cert-authority")
CHECK = "known_hosts"


def wrong_lines(text: str, file: str) -> Iterator[Finding]:
    """What is wrong with single lines; those are passed over when a host's key is looked up."""
    for number, line in enumerate(text.splitlines(), 1):
        if said := _against(line):
            hint = f"correct the line or take it out: sed -i {number}d {file}"
            yield Finding(CHECK, "warn", f"{file}:{number}: {said}", hint)


def _against(line: str) -> str:
    fields = line.split()
    if not fields or fields[0].startswith("#"):
        return ""
    if fields[0].startswith("@") and fields.pop(0) not in _MARKERS:
        return "it begins with a marker that nobody knows"
    if len(fields) < 3:
        return "it has fewer than three words: names, type, key"
    hosts, kind, key = fields[:3]
    if hosts.startswith("|") and not _is_hash(hosts):
        return "its hashed name is damaged"
    try:
        blob = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return "its key is not base64: it may be cut off"
    said = blob[4 : 4 + int.from_bytes(blob[:4], "big")]
    if len(blob) < 20 or said != kind.encode("ascii", "replace"):
        return f"its key is not of the type {kind} that it names"
    return ""


def _is_hash(hosts: str) -> bool:
    parts = hosts.split("|")
    try:
        return (
            len(parts) == 4
            and parts[1] == "1"
            and all(len(base64.b64decode(p, validate=True)) == 20 for p in parts[2:])
        )
    except (binascii.Error, ValueError):
        return False


Line = tuple[str, str, str, bytes, str]


def conflicts(lines: Iterable[Line], name: str) -> Iterator[Finding]:
    """Different keys of one type for one host: one of them is old. `lines` are those about it, each its place, its
    names, its type, its key and its marker."""
    first: dict[str, tuple[str, bytes]] = {}
    for where, _, kind, blob, marker in lines:
        if marker:
            continue
        before = first.setdefault(kind, (where, blob))
        if before[1] != blob:
            says = f"{name} has two {kind} keys, at {before[0]} and {where}: one of them is old"
            yield Finding(CHECK, "warn", says, f"compare them with the host's own, then: ssh-keygen -R '{name}'")
