"""Service systemd: what only it judges."""

from __future__ import annotations

from lockstitch.services.systemd import Systemd
from tests.services.rules import judged


def test_a_process_that_is_elsewhere() -> None:
    base = "release /app/releases/R2\nreloaded 5000\nrunning active running\n"
    reloaded, restarted = Systemd(kind="systemd", unit="api"), Systemd(kind="systemd", unit="api", reload="restart")
    assert judged(reloaded, base + "process master 1 10 /").passed, "a unit may run in a folder of its own"
    assert judged(reloaded, base + "process master 1 10 /app/releases/R2/x").passed
    assert not judged(reloaded, base + "process master 1 10 /app/releases/R1").passed
    assert not judged(restarted, base + "process worker 1 10 /").passed, "older than the restart"
    assert judged(restarted, base + "process worker 1 5000 /").passed
