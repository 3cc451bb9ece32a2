"""Values for users that may not write where an app must."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unwritable:
    """A file or folder that `user` must be able to write to and cannot; `owner` is USER:GROUP, `mode` octal digits."""

    user: str
    path: str
    owner: str
    mode: str

    def __str__(self) -> str:
        return f"{self.user} may not write to {self.path} ({self.owner}, mode {self.mode})"


def parse_unwritable(line: str) -> Unwritable | None:
    """The value of a line `unwritable USER OWNER:GROUP MODE PATH`; None for any other line."""
    match line.split(" ", 4):
        case ["unwritable", user, owner, mode, path]:
            return Unwritable(user, path, owner, mode)
    return None


def parse_rights(text: str, code: int) -> tuple[Unwritable, ...] | None:
    """All of a probe's output that ends with `looked`; None where nothing is deployed, or nobody could look."""
    lines = text.splitlines()
    if code or "looked" not in lines:
        return None
    return tuple(found for line in lines if (found := parse_unwritable(line)))
