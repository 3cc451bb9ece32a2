"""EFFECT: from the reference of a secret to the secret, as late as possible. No message holds a value."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lockstitch.errors import UsageError
from lockstitch.model.command import Secret

COMMAND_TIMEOUT = 10.0


def resolve_secret(reference: str) -> Secret:
    """The secret that `env:NAME`, `file:PATH` or `cmd:COMMAND` stands for, on this machine."""
    kind, _, rest = reference.partition(":")
    ways: dict[str, Callable[[str], str]] = {"env": _variable, "file": _file, "cmd": _command}
    if kind not in ways or not rest:
        raise UsageError(
            "a secret is not referred to by env:NAME, file:PATH or cmd:COMMAND",
            hint="write one of the three under secrets",
        )
    try:
        value = ways[kind](rest)
    except _NoSecretError as error:
        raise UsageError(f"the secret {reference} cannot be had: {error}", hint=error.hint) from None
    if not value.strip():
        raise UsageError(f"the secret {reference} {'is white space alone' if value else 'is empty'}")
    if "\0" in value:
        raise UsageError(f"the secret {reference} holds a NUL character")
    return Secret(value, source=reference)


class _NoSecretError(Exception):
    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def _variable(name: str) -> str:
    if name not in os.environ:
        raise _NoSecretError("it is not set on this machine", f"type: export {name}=…, then the same command again")
    return os.environ[name]


def _file(path: str) -> str:
    try:
        return _without_end(Path(path).expanduser().read_bytes())
    except OSError as error:
        raise _NoSecretError((error.strerror or str(error)).lower()) from None
    except (UnicodeDecodeError, RuntimeError, ValueError):
        raise _NoSecretError("it cannot be read as text") from None


def _command(command: str) -> str:
    # A process group of its own: when the time is over, what the shell started ends with it.
    process = subprocess.Popen(
        ["sh", "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
    )
    try:
        out, err = process.communicate(timeout=COMMAND_TIMEOUT)
    except BaseException as error:
        # The shell may have ended, and what it started in the background not.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise _NoSecretError(f"the command did not end within {COMMAND_TIMEOUT:g} s") from None
        raise
    if process.returncode:
        said = "".join(c if c.isprintable() else "?" for c in _last_line(err))
        raise _NoSecretError(f"the command ended with {process.returncode}{said and ': '}{said}")
    try:
        return _without_end(out)
    except UnicodeDecodeError:
        raise _NoSecretError("it is not text") from None


def _without_end(text: bytes) -> str:
    return text.decode().removesuffix("\n").removesuffix("\r")


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else ""
