"""How a shell on a host came to its end, by what the server has said."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lockstitch.remote.ssh.shell import Shell


@pytest.mark.parametrize(
    ("closed", "end", "code", "cut_off"),
    [
        (True, False, -1, True),
        # Some servers close a session that has ended without saying first that no more comes.
        (True, False, 1, False),
        (True, True, 0, False),
        (False, False, -1, False),
    ],
)
def test_a_session_with_an_exit_code_was_not_cut_off(closed: bool, end: bool, code: int, cut_off: bool) -> None:
    shell: Any = Shell.__new__(Shell)
    shell._channel = SimpleNamespace(closed=closed, eof_received=end, exit_status=code)
    assert shell.cut_off is cut_off
