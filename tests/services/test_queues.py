"""What artisan prints about queues, as different versions print it, and what is made of that."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lockstitch.services.queues import QueueState, Worker, parse_queues

EIGHT = """worker 71 1767225600 new queue:work --queue=high,default
worker 72 1767225000 old queue:work
monitor default +------------+---------+------+--------+
monitor default | Connection | Queue   | Size | Status |
monitor default +------------+---------+------+--------+
monitor default | redis      | default | 12   | OK     |
monitor default +------------+---------+------+--------+
failed +----+------------+---------+---------------+---------------------+
failed | ID | Connection | Queue   | Class         | Failed At           |
failed +----+------------+---------+---------------+---------------------+
failed | 2  | redis      | default | App\\Jobs\\Work | 2026-01-01 00:00:00 |
failed | 1  | redis      | default | App\\Jobs\\Work | 2026-01-01 00:00:00 |
failed +----+------------+---------+---------------+---------------------+
"""
LATER = """monitor high   Queue name ............................... Size / Status
monitor high   [redis] high .................................. [3] ALERT
monitor default   [redis] default ............................... [0] OK
failed   2026-01-01 00:00:00 0f4c1f1e-6a0b-4b57-9d6c-4a0d5d1d3b11 . redis@default App\\Jobs\\Work
horizon Horizon is running.
"""


def test_tables_of_laravel_8() -> None:
    state = parse_queues(EIGHT, 0)
    assert state == QueueState(
        (Worker(71, 1767225600, "new", "queue:work --queue=high,default"), Worker(72, 1767225000, "old", "queue:work")),
        {"default": 12},
        2,
    )


def test_lines_of_later_versions() -> None:
    state = parse_queues(LATER, 0)
    assert (dict(state.sizes), state.failed, state.horizon) == ({"high": 3, "default": 0}, 1, "Horizon is running.")


def test_what_cannot_be_asked_is_not_known_and_said() -> None:
    state = parse_queues("monitor default   Command queue:monitor is not defined.\nfailed No failed jobs!\n", 0)
    assert (dict(state.sizes), state.failed, state.problem) == ({"default": None}, 0, "")
    state = parse_queues("sh: cannot open artisan\nno such file\n", 1)
    assert state.failed is None and "no such file" in state.problem


@given(st.text(), st.integers(0, 255))
def test_anything_is_a_state(text: str, code: int) -> None:
    state = parse_queues(text, code)
    assert state.failed is None or state.failed >= 0
    assert state.as_data()["problem"] == state.problem
