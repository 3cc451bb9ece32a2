"""The end of a `fab`: an error in use is a sentence and an exit code; only a defect has a traceback."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from fabric.exceptions import GroupException
from invoke.exceptions import CommandTimedOut, Exit, Failure
from paramiko import SSHException

from lockstitch.errors import ExitCode, LockstitchError
from lockstitch.text import neutral, quoted, unforged

LAST_LINES = 10
# No connection fails for these reasons.
_OF_A_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG, errno.EMFILE, errno.ENFILE}


@contextmanager
def endings() -> Iterator[None]:
    """Turn what is raised within into Invoke's Exit, which prints its message on stderr."""
    try:
        yield
    except KeyboardInterrupt:
        raise Exit("interrupted", int(ExitCode.INTERRUPTED)) from None
    except LockstitchError as error:
        raise _exit(str(error), error.exit_code) from None
    except GroupException as error:
        lines = [f"{connection.host}: {_said(cause)}" for connection, cause in error.result.failed.items()]
        raise _exit("\n".join(lines), ExitCode.CHECK_SAID_NO) from None
    except Failure as error:
        raise _exit(_said(error), ExitCode.CHECK_SAID_NO) from None
    except OSError as error:
        if error.errno in _OF_A_DISK:
            raise _exit(f"on this machine: {_said(error)}", ExitCode.CHECK_SAID_NO) from None
        local = error.filename is not None
        raise _exit(_said(error), ExitCode.USAGE if local else ExitCode.UNREACHABLE) from None
    except (SSHException, EOFError) as error:
        raise _exit(_said(error), ExitCode.UNREACHABLE) from None


def _exit(text: str, code: ExitCode) -> Exit:
    return Exit(unforged(neutral(text)), int(code))


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
