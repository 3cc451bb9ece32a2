"""EFFECT: one command of a stage, in a `fab` of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Timer

from lockstitch.concurrency import run_in_thread
from lockstitch.errors import CheckError

# A terminal tells a Ctrl-C to both at once. What only we were told is handed on after so many seconds.
_HANDED_ON = 0.5


def run_command(words: Sequence[str], root: Path, env: Mapping[str, str], lock: int | None, output: int | None) -> int:
    """Run a command in the project's folder until it ends, and return its exit code: 128 and the signal, where one
    ended it. It gets `env` besides our environment, and keeps the lock open; `output` takes its stdout. An interrupt is handed on, and waited out."""
    try:
        process = subprocess.Popen(
            words,
            cwd=root,
            env={**os.environ, **env},
            stdout=output,
            pass_fds=() if lock is None else (lock,),
        )
    except OSError as error:
        raise CheckError(f"{words[0]} cannot be started: {(error.strerror or str(error)).lower()}") from error
    try:
        code = run_in_thread(process.wait, lambda: Timer(_HANDED_ON, process.terminate).start())
    except KeyboardInterrupt:
        code = process.wait()
        raise CommandInterrupted(code if code >= 0 else 128 - code) from None
    return code if code >= 0 else 128 - code


def command_output(words: Sequence[str], root: Path) -> str:
    """Run a command that changes nothing, and return what it prints on stdout. An interrupt ends it."""
    try:
        process = subprocess.Popen(words, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    except OSError as error:
        raise CheckError(f"{words[0]} cannot be started: {(error.strerror or str(error)).lower()}") from error
    with process:
        printed = run_in_thread(lambda: process.communicate()[0], process.terminate)
    return printed.decode("utf-8", "replace")


class CommandInterrupted(KeyboardInterrupt):
    """An interrupt that came while a command ran, and the exit code of that command."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code
