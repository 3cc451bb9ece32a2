"""The end of a `fab`: an error in use is a sentence and an exit code; only a defect has a traceback."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from fabric.exceptions import GroupException
from invoke.exceptions import CommandTimedOut, Exit, Failure
from paramiko import SSHException

from lockstitch.cli.json_document import JsonDocument
from lockstitch.errors import ExitCode, LockstitchError
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.text import in_environment, neutral, quoted, unforged

LAST_LINES = 10
# No connection fails for these reasons.
_OF_A_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG, errno.EMFILE, errno.ENFILE}


@dataclass(frozen=True)
class TaskEnding:
    """Ending of `fab` by an error: the exit code, what is wrong, and what to type about it."""

    code: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return unforged(neutral(f"{self.message}\nHINT: {self.hint}" if self.hint else self.message))


@contextmanager
def endings(document: JsonDocument) -> Iterator[None]:
    """Turn what is raised within into Invoke's Exit, which prints its message on stderr. A document that was asked for
    is printed with it on stdout."""
    try:
        yield
    except (SystemExit, Exit) as error:
        # What a task has answered says why.
        code, message = (error.code, error.message or "") if isinstance(error, Exit) else (error.code, "")
        try:
            document.end(code if isinstance(code, int) else int(code is not None), message)
        except LockstitchError as lost:
            raise Exit(str(lost), int(lost.exit_code)) from None
        raise
    except BaseException as error:
        ended = ending_of(error)
        if ended is None:
            document.end(int(ExitCode.DEFECT), f"a defect of Lockstitch or of a task: {error!r}")
            raise
        ended = replace(ended, hint=in_environment(ended.hint, document.environment))
        document.end(ended.code, ended.message, ended.hint)
        raise Exit(str(ended), ended.code) from None


@contextmanager
def afterwards(document: JsonDocument) -> Iterator[None]:
    """Do what is left for afterwards, once all is printed: also the message of an Exit, which Invoke prints last."""
    try:
        yield
    except Exit as error:
        if document.afterwards and error.message:
            # Start-up: `fab --list` prints no answer.
            from lockstitch.cli.output import aside

            aside(error.message)
            raise Exit("", error.code) from None
        raise
    finally:
        for do in document.afterwards:
            do()


def ending_of(error: BaseException) -> TaskEnding | None:
    """Return how an error ends `fab`; None for a defect."""
    match error:
        case KeyboardInterrupt():
            return TaskEnding(ExitCode.INTERRUPTED, "interrupted")
        case LockstitchError():
            return TaskEnding(error.exit_code, error.message, error.hint)
        case GroupException():
            lines = [f"{connection.host}: {_said(cause)}" for connection, cause in error.result.failed.items()]
            return TaskEnding(ExitCode.CHECK_SAID_NO, "\n".join(lines))
        case Failure():
            return TaskEnding(ExitCode.CHECK_SAID_NO, _said(error))
        case OSError() if error.errno in _OF_A_DISK:
            return TaskEnding(ExitCode.CHECK_SAID_NO, f"on this machine: {_said(error)}")
        case OSError():
            local = error.filename is not None
            return TaskEnding(ExitCode.USAGE if local else ExitCode.UNREACHABLE, _said(error))
        case SSHException() | EOFError():
            return TaskEnding(ExitCode.UNREACHABLE, _said(error))
    return None


def _said(error: BaseException) -> str:
    match error:
        case CommandTimedOut():
            return f"`{error.result.command}` took longer than {error.timeout:g} s"
        case Failure():
            result = error.result
            shown = f"{result.stdout}{result.stderr}".strip().splitlines()[-LAST_LINES:] if result.hide else []
            return quoted("\n".join([f"`{result.command}` failed with exit code {result.exited}", *shown]))
        case EOFError():
            return "the connection dropped"
        case OSError() if error.strerror:
            return f"{error.filename}: {error.strerror.lower()}" if error.filename else error.strerror.lower()
    return quoted(str(error)) or type(error).__name__
