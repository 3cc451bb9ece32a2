"""Users who can log in to a host, and which of them may become root."""

from __future__ import annotations

from collections.abc import Iterator

from lockstitch.model.command import Command
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, Rows, TableQuery, number
from lockstitch.model.shell import shell_text

# Groups whose members may use sudo in Debian, Ubuntu, Red Hat and Alpine.
_ADMIN = ("sudo", "wheel", "admin")
_TEXT = shell_text(__package__, "users.sh")


@dataclass(frozen=True)
class Account:
    """A user with a login shell. `keys` is the number of lines in its authorized_keys (None if it cannot be read),
    `sessions` the number of its terminals."""

    name: str
    uid: int
    shell: str
    home: str
    keys: int | None
    sessions: int
    groups: tuple[str, ...]

    @property
    def admin(self) -> bool:
        return self.uid == 0 or any(group in _ADMIN for group in self.groups)


def accounts() -> TableQuery[Account]:
    """Return the query for every user with a login shell, and root."""
    headings = ("USER", "UID", "ADMIN", "KEYS", "SESSIONS", "SHELL", "HOME")
    return TableQuery(Probe("accounts", Command(_TEXT), lambda output, code: tuple(_read(output))), headings, _rows)


def _read(output: str) -> Iterator[Account]:
    for line in output.splitlines():
        match line.split("\t"):
            case ["account", name, uid, shell, home, keys, sessions, groups] if (known := number(uid)) is not None:
                yield Account(name, known, shell, home, number(keys), number(sessions) or 0, tuple(groups.split()))


def _rows(users: tuple[Account, ...]) -> Rows:
    return [(a.name, str(a.uid), "yes" if a.admin else "", _keys(a), str(a.sessions), a.shell, a.home) for a in users]


def _keys(account: Account) -> str:
    return "?" if account.keys is None else str(account.keys)
