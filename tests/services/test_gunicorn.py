"""Service gunicorn: what only it judges and does."""

from __future__ import annotations

from lockstitch.services.gunicorn import Gunicorn
from tests.services.rules import GOOD, judged, step_names


def test_a_folder_that_it_keeps_comes_with_advice() -> None:
    verdict = judged(
        Gunicorn(kind="gunicorn", unit="api"), GOOD.replace("5000 /app/releases/R2", "5000 /app/releases/R1")
    )
    assert not verdict.passed
    assert "chdir" in verdict.hint


def test_by_a_pid_file_it_is_stopped_and_started_anew() -> None:
    service = Gunicorn(kind="gunicorn", pidfile="g.pid", start="gunicorn")
    assert step_names(service) == (["stop"], ["start"], ["stop", "start"])
