"""What every test starts from."""

from __future__ import annotations

import gc
import signal
from types import FrameType

from hypothesis import settings

from tests.mariadb import local_mariadb
from tests.postgres import local_postgres

__all__ = ["local_mariadb", "local_postgres"]

# How long an example takes says something of the machine, and nothing of what is tested.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# What whoever started us ignores or blocks is inherited by all that tests start: a shell's background job ignores SIGINT
# and SIGQUIT, `nohup` ignores SIGHUP. Tests that send such a signal to a `fab` of theirs would wait for ever. Python
# itself ignores two, and has its children forget that.
signal.pthread_sigmask(signal.SIG_SETMASK, ())
for _number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    _end_once()
    raise KeyboardInterrupt


def _end_once() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: None)


# Fixtures end what they have started, as after a Ctrl-C, whoever ends us. Once: a second signal does not disturb them.
for _number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(_number, _interrupt)


def pytest_keyboard_interrupt() -> None:
    """Let the fixtures end in peace after a Ctrl-C, too: `scripts/test` passes on that it was ended."""
    _end_once()


def pytest_collection_finish() -> None:
    """Look for cycles less often, and not among all that was imported: that took a twentieth of the CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
