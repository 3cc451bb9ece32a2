"""The errors a person can meet, and the exit code each ends with.

    LockstitchError
    ├── UsageError (2)            what was typed or configured is wrong; nothing was done
    │   └── InventoryError        every problem of an inventory at once
    ├── ConnectError (3)          one host: no route, no answer, or login refused; nothing was changed
    │   └── HostKeyError          its host key is unknown, changed or revoked
    ├── LockHeldError (4)         somebody else is changing these hosts
    │   └── SiteChangedError      a host was changed after the plan was made
    ├── CheckError (7)            a preflight check said no; nothing was being changed
    ├── HostLostError             a connection that was there dropped or froze
    └── StepTimeoutError          a step ran longer than it may

Wording: lowercase, no full stop; the hint says what to type or do next.
"""

from __future__ import annotations

from enum import IntEnum

from lockstitch.text import quoted


class ExitCode(IntEnum):
    """Exit codes of the process; `docs/exit-codes.md` explains each."""

    DONE = 0
    DEFECT = 1
    USAGE = 2
    UNREACHABLE = 3
    LOCKED = 4
    REVERTED = 5
    NEEDS_A_PERSON = 6
    CHECK_SAID_NO = 7
    INTERRUPTED = 130


class LockstitchError(Exception):
    """Anything that can go wrong in use: shown without a traceback."""

    exit_code = ExitCode.USAGE

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\nHINT: {self.hint}" if self.hint else self.message


class UsageError(LockstitchError):
    """A mistake in what was typed or configured."""


class InventoryError(UsageError):
    """All problems found in inventory files; each a line `file:line: key.path: what`."""

    def __init__(self, problems: list[str], *, hint: str = "") -> None:
        super().__init__("\n".join(problems), hint=hint)
        self.problems = problems


class HostError(LockstitchError):
    """An error of one host, which it names."""

    def __init__(self, host: str, message: str, *, hint: str = "") -> None:
        super().__init__(f"{host}: {quoted(message)}", hint=hint)
        self.host = host


class ConnectError(HostError):
    """A host could not be reached or did not let us in; nothing was changed on it."""

    exit_code = ExitCode.UNREACHABLE


class HostKeyError(ConnectError):
    """A host's key is unknown, differs from the recorded one, or is revoked."""


class LockHeldError(LockstitchError):
    """Another run holds the lock on at least one host."""

    exit_code = ExitCode.LOCKED


class SiteChangedError(LockHeldError):
    """A site was changed after the plan for it was made; nothing was changed by us."""


class CheckError(LockstitchError):
    """A check said no before anything was changed."""

    exit_code = ExitCode.CHECK_SAID_NO


class HostLostError(HostError):
    """The connection to a host dropped or froze while something was running on it."""

    exit_code = ExitCode.UNREACHABLE


class StepTimeoutError(HostError):
    """A step did not end within its time."""

    exit_code = ExitCode.CHECK_SAID_NO
