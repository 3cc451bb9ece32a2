"""The manifest of a backup. Nothing in it is trusted before it is verified."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from lockstitch.databases.backup import MANIFEST
from lockstitch.model.lazy_dataclass import dataclass

LONGEST_MANIFEST = 64 << 20
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ManifestFile:
    """One file of a backup, as listed in its manifest."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A verified manifest: `raw` are its bytes, `sha256` is the sum over the lines of its files."""

    raw: bytes
    sha256: str
    files: tuple[ManifestFile, ...]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


def parse(raw: bytes, name: str) -> Manifest:
    """Parse and verify the manifest of the backup `name`. Raises ValueError with the reason."""
    if len(raw) > LONGEST_MANIFEST:
        raise ValueError("is longer than any that Lockstitch writes")
    try:
        document: Any = json.loads(raw)
        files = tuple(_file(entry) for entry in document["files"])
        called, said = document["name"], document["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError("cannot be read: it is cut off or was changed") from None
    if called != name:
        raise ValueError("is that of another backup")
    if not _sealed(raw):
        raise ValueError("was changed: its seal is not that of its lines")
    if not files or len({file.name for file in files}) != len(files):
        raise ValueError("names no files, or one twice")
    if bad := next((file.name for file in files if not _stays_inside(file.name)), None):
        raise ValueError(f"names a file that is none of a backup: {bad!r}")
    lines = "".join(f'{{"name":"{f.name}","bytes":{f.bytes},"sha256":"{f.sha256}"}}\n' for f in files)
    if hashlib.sha256(lines.encode()).hexdigest() != said:
        raise ValueError("was changed: its files are not those it was written for")
    return Manifest(raw, said, files)


def _sealed(raw: bytes) -> bool:
    """Tell whether the seal in the last line is the sum of the other lines. A proof is added later and is not part of
    it."""
    *lines, last = raw.removesuffix(b"\n").split(b"\n")
    sealed = b"".join(line + b"\n" for line in lines if not line.startswith(b'"proven":{'))
    return last == b'],"seal":"%s"}' % hashlib.sha256(sealed).hexdigest().encode()


def _file(entry: Any) -> ManifestFile:
    file = ManifestFile(entry["name"], entry["bytes"], entry["sha256"])
    if not isinstance(file.name, str) or type(file.bytes) is not int or not _SHA256.fullmatch(file.sha256):
        raise ValueError
    return file


def _stays_inside(name: str) -> bool:
    """Tell whether a name is a path below the backup's folder, of plain characters, and not the manifest itself."""
    return name != MANIFEST and all(_PART.fullmatch(part) for part in name.split("/"))
