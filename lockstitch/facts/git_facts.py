"""The values GitLock and Submodule: what git on a host tells beside revisions. Pure: values and their parsers."""

from __future__ import annotations

from dataclasses import dataclass

from lockstitch.model.probe import number
from lockstitch.model.release import short


@dataclass(frozen=True)
class GitLock:
    """A lock file of git in a host's clone: its path, its age in seconds, and the id of the git process that works
    there: 0 for none, None where that cannot be seen."""

    path: str
    seconds: int
    holder: int | None

    def __str__(self) -> str:
        minutes = self.seconds // 60
        old = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
        said = f"{self.path} is a lock of git, {old} old"
        if self.holder:
            return f"{said}: git process {self.holder} works there, wait for it"
        seen = "no git process works there" if self.holder == 0 else "other users' git processes run here"
        return f"{said}, and {seen}: if nobody needs it, remove it: rm {self.path}"


@dataclass(frozen=True)
class Submodule:
    """A submodule of a repository, and the commits that two revisions pin it at; all zeros for none."""

    before: str
    after: str
    path: str

    def __str__(self) -> str:
        if not self.before.strip("0"):
            return f"submodule {self.path} comes in at {short(self.after)}"
        if not self.after.strip("0"):
            return f"submodule {self.path} goes"
        return f"submodule {self.path} goes from {short(self.before)} to {short(self.after)}"


def parse_git_lock(line: str) -> GitLock:
    """The lock from `HOLDER SECONDS PATH`."""
    holder, _, rest = line.partition(" ")
    seconds, _, path = rest.partition(" ")
    return GitLock(path, number(seconds) or 0, number(holder))


def parse_submodule(line: str) -> Submodule:
    """The submodule from `BEFORE AFTER PATH`."""
    before, _, rest = line.partition(" ")
    after, _, path = rest.partition(" ")
    return Submodule(before, after, path)
