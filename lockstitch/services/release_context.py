"""A release as a service sees it, and paths in it that a user cannot write to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import lru_cache

from lockstitch.model.command import Command, Value
from lockstitch.model.layout import Layout
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import KeyedLines, collect, fields


@dataclass(frozen=True)
class Unwritable:
    """A file or folder that `user` must be able to write to and cannot; `owner` is USER:GROUP, `mode` octal digits."""

    user: str
    path: str
    owner: str
    mode: str

    @property
    def shared_with(self) -> str:
        """The group that may write to it; empty where its group may not."""
        group = self.owner.partition(":")[2]
        return group if self.mode[-2:-1] in ("2", "3", "6", "7") else ""

    def __str__(self) -> str:
        return f"{self.user} may not write to {self.path} ({self.owner}, mode {self.mode})"


def parse_unwritable(line: str) -> Unwritable | None:
    """Return the value of `USER OWNER:GROUP MODE PATH`; None for any other text."""
    user, owner, mode, path = fields(line, 4)
    return Unwritable(user, path, owner, mode) if path else None


def parse_rights(text: str, code: int) -> tuple[Unwritable, ...] | None:
    """Return all lines `unwritable` of a probe that ends with `looked`; None where nothing is deployed, or nobody could
    look."""
    said = collect(text)
    if code or "looked" not in said:
        return None
    return tuple(path for line in said["unwritable"] if (path := parse_unwritable(line)))


@lru_cache
def _collected(lines: tuple[str, ...]) -> KeyedLines:
    return collect(lines)


@dataclass(frozen=True)
class ReleaseContext:
    """One release of one app on one host, as a service sees it. `env` is what the app's commands are given (and whether
    that `has_secrets`, the secret part of it), and `about` what the host answered to `Service.extra_probe`. `ref` is what
    it was deployed by; empty where that is not known. `built` are variables of `env` that a build alone needs."""

    app: str
    layout: Layout
    release: str
    revision: str
    env: Mapping[str, Value] = field(default_factory=dict)
    about: tuple[str, ...] = ()
    has_secrets: bool = False
    ref: str = ""
    built: frozenset[str] = frozenset()

    @property
    def names(self) -> str:
        """The names of the variables in `env` that its processes are to have, a word each."""
        return " ".join(name for name in self.env if name not in self.built)

    @property
    def directory(self) -> str:
        """The folder of this release; without a release, that of the one that serves."""
        return self.layout.release(self.release) if self.release else self.layout.current

    @property
    def answers(self) -> KeyedLines:
        """The lines of `about` by their first words."""
        return _collected(self.about)

    def command(self, text: str, **values: Value) -> Command:
        """Return a Command that starts in the login user's home, with $release, $current and $state beside its own values.

        The three are as the inventory has them, so relative ones are relative to that home.
        """
        known = {"release": self.directory, "current": self.layout.current, "state": self.layout.state}
        return Command(text, values={**known, **values}, env=self.env)

    def inside(self, text: str) -> Command:
        """Return a Command that runs in the release's folder: for lines a user wrote."""
        return Command(text, env=self.env, cwd=self.directory)
