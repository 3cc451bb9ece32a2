"""Folders of a host that somebody must be able to write in: what is wrong with one, and the command that mends it."""

from __future__ import annotations

from collections.abc import Sequence

from lockstitch.model.command import words
from lockstitch.model.lazy_dataclass import dataclass


@dataclass(frozen=True)
class UnwritableFolder:
    """A folder that `user` must be able to write in and cannot. `near` is itself, or, where it is not there, the
    nearest folder above it that is."""

    path: str
    near: str
    user: str = ""
    group: str = ""

    def __str__(self) -> str:
        who = self.user or "the user who logs in"
        if self.near == self.path:
            return f"{self.path} cannot be written by {who}"
        return f"{self.path} is not there, and {who} may not make it in {self.near}"


def parse_folder(line: str) -> UnwritableFolder:
    """Return the value of `USER GROUP NEAR`, a tab, and the path; of less, as much as is there."""
    head, _, path = line.partition("\t")
    user, group, near = (*head.split(" ", 2), "", "")[:3] if path else ("", "", head)
    return UnwritableFolder(path or near, near, user, group)


def folder_hint(folders: Sequence[UnwritableFolder], mode: str = "", at: str = "the host") -> str:
    """Return the commands that give these folders to their users, to be typed `at` a host; those that are not there are
    made, with `mode`."""
    commands = []
    for user, group in dict.fromkeys((folder.user, folder.group) for folder in folders):
        mine = [folder for folder in folders if (folder.user, folder.group) == (user, group)]
        made = [folder.path for folder in mine if folder.near != folder.path]
        there = [folder.path for folder in mine if folder.near == folder.path]
        owner, of = user or "USER", group or user or "USER"
        if made:
            options = ["-m", mode] if mode else []
            commands.append(f"sudo install -d -o {words(owner)} -g {words(of)} {words(*options, *made)}")
        if there:
            commands.append(f"sudo chown {words(owner)} {words(*there)}")
    return f"on {at}: {' && '.join(commands)}" if commands else ""
