"""Names that the files of OpenSSH's client do not tell apart: one `ssh -G` answers for all of them.

A name plays a part in `Host` patterns, which are compared here, and in `Match`, in canonical names and in tokens, where
each name is asked for by itself. So it is wherever a line is written in an unusual way.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

# Such a name is its own address, and ssh writes it in no other way.
_PLAIN = re.compile(r"(?:[a-z][a-z0-9_-]*(?:\.[a-z0-9_-]+)*|(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3})\Z", re.ASCII)
_APART = ("match", "canonicalizehostname")
_ADDRESS = ("hostname", "user", "port")
# Settings that each host has of its own, or may be given.
OWN = ("host", *_ADDRESS)
_READ = re.compile(r"^debug\d: Reading configuration data (.+?)\r?$", re.MULTILINE)
_DEEPEST = 16


class NamePatterns:
    """The `Host` patterns of some files and of those that they include."""

    def __init__(self, files: Iterable[str]) -> None:
        self._files = {os.path.realpath(file) for file in files}
        self._scanned: set[str] = set()
        self._patterns: list[re.Pattern[str]] = []
        self._addresses: set[str] = set()
        self._usual = all(self._scan(file, 0) for file in sorted(self._files))

    def key(self, name: str, hostname: str) -> tuple[bool, ...] | None:
        """Return which patterns match a name: the same for names that no file tells apart. None: ask for this one.

        `hostname` is the address that it is given, or empty.
        """
        if not self._usual or not all(_PLAIN.match(word) for word in (name, hostname or name)):
            return None
        return tuple(bool(pattern.match(name)) for pattern in self._patterns)

    def complete(self, log: str, named: Iterable[str] = ()) -> bool:
        """Tell whether `ssh -v` read the files that were taken in here, and beside them at most those in `named`."""
        read = {os.path.realpath(file) for file in _READ.findall(log)}
        return self._files <= read <= self._scanned | {os.path.realpath(file) for file in named}

    def speaks_of(self, word: str, settings: Mapping[str, tuple[str, ...]]) -> bool:
        """Tell whether a name or an address is written in the files' addresses, or in what ssh answered."""
        values = (value for key, values in settings.items() if key not in OWN for value in values)
        return word in self._addresses or any(word in value for value in values)

    def _scan(self, file: str, depth: int) -> bool:
        """Take in a file; return whether each of its lines is understood."""
        if (file := os.path.realpath(file)) in self._scanned:
            return True
        try:
            text = Path(file).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return False
        self._scanned.add(file)
        return depth < _DEEPEST and all(self._line(line.strip(), depth) for line in text.split("\n"))

    def _line(self, line: str, depth: int) -> bool:
        if not line or line.startswith("#"):
            return True
        keyword, *words = [word.lower() for word in re.split(r"[\s=]+", line)]
        if keyword in _APART or not keyword.isalnum():
            return False
        if keyword in _ADDRESS:
            self._addresses.update(words)
            return not set(line) & set("%$\"'\\")
        if keyword == "host":
            self._patterns += [_pattern(word.removeprefix("!")) for word in words]
            return not set(line) & set("\"'\\")
        if keyword == "include":
            files = [file for word in re.split(r"[\s=]+", line)[1:] for file in _included(word)]
            return not set(line) & set("%$\"'\\") and all(self._scan(file, depth + 1) for file in files)
        return True


def _pattern(word: str) -> re.Pattern[str]:
    """A pattern of `Host`, where only `*` and `?` mean more than themselves."""
    return re.compile("".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in word) + r"\Z", re.DOTALL)


def _included(word: str) -> list[str]:
    """The files that an `Include` may mean; which of them it means is seen in what ssh reads."""
    places = (os.path.expanduser("~/.ssh"), "/etc/ssh")
    return [file for place in places for file in glob.glob(os.path.join(place, os.path.expanduser(word)))]
