"""A person's terminal: giving it to a program, and noticing that it hung up, also where SIGHUP is ignored.

At a terminal the end of the input is a hang-up: a key that means the end (Ctrl-D) is read as a key.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

KEYBOARD = 0
# What a program may take to put its own things away.
PATIENCE = 5.0


def run_at_terminal(command: Sequence[str], *, cwd: str | None = None, env: Mapping[str, str] | None = None) -> int:
    """Run a program at this terminal; its exit code. Where the terminal hangs up the program is ended, and
    KeyboardInterrupt raised."""
    with _heard_by_the_program(), subprocess.Popen(command, cwd=cwd, env=env) as process:
        threading.Thread(target=_end_with_terminal, args=(process,), daemon=True).start()
        try:
            code = process.wait()
        except BaseException:
            process.kill()
            raise
    if has_hung_up():
        raise hung_up()
    return code


def has_hung_up(descriptor: int = KEYBOARD, milliseconds: int | None = 0) -> bool:
    """Tell whether the terminal is gone, within this time; None waits until it is."""
    poll = select.poll()
    # Nothing but its end: keys are left where they are.
    poll.register(descriptor, 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(milliseconds))


def hung_up() -> KeyboardInterrupt:
    """Return the error to raise where the terminal is gone; it is not written to any more."""
    forget_terminal([descriptor for descriptor in (1, 2) if has_hung_up(descriptor)])
    return KeyboardInterrupt()


def forget_terminal(descriptors: Sequence[int]) -> None:
    """Write nowhere instead: writing to a terminal that is gone is an error, and would keep us from ending well."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _end_with_terminal(process: subprocess.Popen[bytes]) -> None:
    has_hung_up(milliseconds=None)
    # As root another user's program may be what runs: it has been told by the kernel.
    with suppress(PermissionError):
        process.send_signal(signal.SIGHUP)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()


@contextmanager
def _heard_by_the_program() -> Iterator[None]:
    """Ctrl-C and a hang-up are for the program. They are passed over here, not ignored, which it would inherit."""
    numbers = [signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = [(number, signal.signal(number, lambda number, frame: None)) for number in numbers]
    try:
        yield
    finally:
        for number, was in before:
            signal.signal(number, was)
