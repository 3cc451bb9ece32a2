"""The value Layout: where everything of one app is on a host. Paths only; nothing is touched here."""

from __future__ import annotations

import posixpath
from typing import Literal

from lockstitch.model.lazy_dataclass import dataclass

LayoutKind = Literal["in_place", "releases"]


@dataclass(frozen=True)
class Layout:
    """The remote paths of one app. A relative `path` starts at the login user's home.

    `in_place` is a git checkout updated where it stands; `releases` is a folder a release, shared files linked
    into it, and a `current` symlink. `state` holds lock and journal beside the app, outside what it serves.
    """

    kind: LayoutKind
    path: str
    state: str

    @property
    def in_place(self) -> bool:
        return self.kind == "in_place"

    @property
    def clone(self) -> str:
        """The git directory on the host that revisions are taken from."""
        return posixpath.join(self.path, ".git" if self.in_place else "repo.git")

    @property
    def releases(self) -> str:
        return posixpath.join(self.path, "releases")

    @property
    def shared(self) -> str:
        return posixpath.join(self.path, "shared")

    @property
    def current(self) -> str:
        """The path of the app that serves: the checkout, or the symlink."""
        return self.path if self.in_place else posixpath.join(self.path, "current")

    def release(self, release: str) -> str:
        """Return the path of one release."""
        return self.path if self.in_place else posixpath.join(self.releases, release)

    @property
    def journal(self) -> str:
        return posixpath.join(self.state, "journal.jsonl")

    @property
    def runs(self) -> str:
        """The folder with the records of the newest runs."""
        return posixpath.join(self.state, "runs")

    @property
    def follow_ups(self) -> str:
        return posixpath.join(self.state, "follow.jsonl")

    @property
    def lock(self) -> str:
        return posixpath.join(self.state, "lock.json")


def layout(kind: LayoutKind, path: str, state: str | None = None) -> Layout:
    """The layout of an app at `path`; its state lies in `.lockstitch/NAME` beside it unless said otherwise."""
    clean = posixpath.normpath(path)
    parent, name = posixpath.split(clean)
    return Layout(kind, clean, state or posixpath.join(parent, ".lockstitch", name))
