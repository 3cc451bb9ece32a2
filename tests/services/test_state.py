"""State of a service on one host, and the judgement that all services share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lockstitch.model.host import Address, Host
from lockstitch.model.plan import Script, Step
from lockstitch.services.state import OBSERVE, ServiceProcess, judge_serving, parse_state
from tests.local import LocalRemote
from tests.services.rules import GOOD, PLACE


def test_a_state() -> None:
    state = parse_state(GOOD, 0)
    assert state.running
    assert (state.note, state.expected, state.reloaded, state.boot) == (
        "active running",
        "/app/releases/R2",
        5000,
        1700000000,
    )
    assert state.processes[0] == ServiceProcess("master", 10, 100, "/app/releases/R1")
    assert [p.pid for p in state.workers] == [11, 12]
    assert state.workers[1].directory == "/app/releases/R2/sub folder"
    assert state.since == 1700000050
    assert state.also == ("instance 0 online 3 60000",)
    assert judge_serving(state).passed


@pytest.mark.parametrize(
    ("changed", "to", "reason"),
    [
        ("running active running", "down api is failed (Result)", "not running: api is failed (Result)"),
        ("running active running", "who knows", "not running: who knows"),
        ("process worker 11 5000", "process worker 11 4999", "1 of 2 workers are older than the reload (pid 11)"),
        ("process worker 11 5000 /app/releases/R2", "process worker 11 5000 /app/releases/R1", "worker 11 runs in /app/releases/R1, not in"),
        ("process worker 11 5000 /app/releases/R2", "process worker 11 5000 /app/releases/R22", "runs in /app/releases/R22"),
        ("process worker 11 5000 /app/releases/R2", "process worker 11 5000 ", "worker 11 runs in an unknown folder"),
        ("process worker 11 5000 /app/releases/R2", "process worker 11 5000 /app/releases/R2 (deleted)", "(deleted)"),
        ("release /app/releases/R2\n", "", "not in the release"),
    ],
)  # fmt: skip
def test_what_is_not_the_release_does_not_pass(changed: str, to: str, reason: str) -> None:
    assert changed in GOOD
    verdict = judge_serving(parse_state(GOOD.replace(changed, to), 0))
    assert not verdict.passed
    assert reason in verdict.reason


def test_without_workers_nothing_serves() -> None:
    text = "\n".join(line for line in GOOD.split("\n") if "worker" not in line)
    assert judge_serving(parse_state(text, 0)).reason == "the service has no worker"


def test_a_note_is_the_first_line_that_is_no_fact() -> None:
    assert parse_state("sudo: a password is required\nmore", 1).note == "sudo: a password is required"
    assert parse_state("down api\nwarning", 0).note == "api"


def test_without_a_note_of_the_reload_age_says_nothing() -> None:
    assert judge_serving(parse_state(GOOD.replace("reloaded 5000\n", ""), 0)).passed


def test_a_note_of_before_the_boot_makes_nothing_too_old(tmp_path: Path) -> None:
    """It counts from a boot that is over: after a reboot every worker would be older than it for ever."""
    remote = LocalRemote(tmp_path)
    state = remote.home("a") / "state"
    state.mkdir()
    note = state / "reloaded"
    note.write_text("123456789\n")
    command = PLACE.command(OBSERVE + "ls_place", state="state")

    def reloaded() -> int | None:
        (result,) = remote.run(Host("a", Address("a")), Script((Step("see", "", command),)))
        return parse_state(result.output, 0).reloaded

    assert reloaded() == 123456789
    boot = next(int(line.split()[1]) for line in Path("/proc/stat").read_text().splitlines() if "btime" in line)
    os.utime(note, (boot - 60, boot - 60))
    assert reloaded() is None
