"""What must be true of the desk after a `fab`."""

from __future__ import annotations

from tests.containers.desk import RETRY, Desk, Standing, post
from tests.containers.machine import Machine
from tests.containers.project import Ran
from tests.containers.traffic import Traffic


def went(ran: Ran, code: int = 0) -> Ran:
    """It ended with the code, and in no defect of ours; how it ended."""
    assert ran.code == code, ran.said
    assert "Traceback" not in ran.said, ran.said
    return ran


def serves(desk: Desk, revision: str, *, down: tuple[str, ...] = ()) -> None:
    """Both hosts are on the revision: code, caches, and what the web server answers; in maintenance or not."""
    for name, found in desk.stands().items():
        away = name in down
        told = "status 503" if away else revision
        assert found == Standing(told, revision, revision, found.caches, away, ()), name
        assert {"config.php", "routes-v7.php", "events.php"} <= set(found.caches), found


# `artisan down` opens its file before it writes it: a request that comes in between reads an empty one and is a 500.
# Laravel logs it as this and nothing else (8.83, PreventRequestsDuringMaintenance).
EMPTY_DOWN_FILE = "hasValidBypassCookie(): Argument #2 ($data) must be of type array, null given"


def only_sent_away(desk: Desk, traffic: Traffic) -> None:
    """Expect that all requests without an answer got a page that says when to come back; and that some did.

    The exception is a 500 that Laravel's own log explains by its file of maintenance being written at that moment.
    """
    errors = desk.errors()
    odd = [each for each in traffic.failed if (each.error, each.retry_after) != ("status 503", str(RETRY))]
    unexplained = [each for each in odd if each.error != "status 500"]
    assert traffic.failed and unexplained == [] and len(odd) <= errors.count(EMPTY_DOWN_FILE), f"{odd}\n{errors}"


def job(machine: Machine, name: str, seconds: float = 0) -> None:
    """Put a job on the queue."""
    assert post(machine, f"/jobs?id={name}&seconds={seconds}").status_code == 200
