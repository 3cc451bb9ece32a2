"""What a service is seen to run, and the judgement of it: by every service, of anything a host may print."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.model.gate import Verdict
from lockstitch.model.layout import layout
from lockstitch.services import service_types
from lockstitch.services.base import Service
from lockstitch.services.release_context import ReleaseContext
from lockstitch.services.state import ServiceProcess, ServiceState, judge_serving, parse_state

SETTINGS: dict[str, dict[str, Any]] = {
    "command": {"reload": ":", "status": ":"},
    "gunicorn": {"unit": "api"},
    "laravel": {"fpm": {"unit": "php8.2-fpm"}, "scheduler": "schedule"},
    "pm2": {"name": "webapp", "ecosystem": "ecosystem.config.js"},
    "systemd": {"unit": "api"},
}
PLACE = ReleaseContext("api", layout("releases", "/app"), "20260101T000000Z-c55e9f800c06", "c55e9f80" * 5, {})


def services() -> list[Service]:
    return [model.model_validate({"kind": kind, **SETTINGS.get(kind, {})}) for kind, model in service_types().items()]


every_service = pytest.mark.parametrize("service", services(), ids=lambda service: service.kind)

GOOD = """boot 1700000000
reloaded 5000
release /app/releases/R2
running active running
process master 10 100 /app/releases/R1
process worker 11 5000 /app/releases/R2
process worker 12 5003 /app/releases/R2/sub folder
also instance 0 online 3 60000"""
WORDS = [
    "process worker",
    "process",
    "running",
    "down",
    "reloaded",
    "boot",
    "release",
    "also before",
    "also instance",
    "also",
]
BITS = ["", "0", "1", "-1", "²", "9" * 5000, "online", "errored", "/x", "/app/releases/R2", "x"]
line = st.tuples(st.sampled_from(WORDS), st.lists(st.sampled_from(BITS) | st.text(max_size=6), max_size=5)).map(
    lambda words: " ".join([words[0], *words[1]])
)
answers = st.one_of(
    st.text(max_size=60),
    st.lists(line | st.sampled_from(GOOD.split("\n")), max_size=10).map("\n".join),
)


@every_service
@given(text=answers, code=st.integers(0, 255))
def test_any_answer_is_judged(service: Service, text: str, code: int) -> None:
    state = service.probe(PLACE).parse(text, code)
    verdict = service.judge(state)
    assert isinstance(verdict, Verdict)
    assert verdict.reason
    assert state.since is None or state.since >= 0
    if code != 0 or not state.running:
        assert not verdict.passed, "what does not run or could not be asked never passes"


@every_service
def test_no_answer_does_not_pass(service: Service) -> None:
    for text, code in (("", 1), ("sh: not found", 127), ("", 255)):
        assert not service.judge(service.probe(PLACE).parse(text, code)).passed


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


def judged(kind: str, text: str, **settings: Any) -> Verdict:
    service = service_types()[kind].model_validate({"kind": kind, **SETTINGS[kind], **settings})
    return service.judge(service.probe(PLACE).parse(text, 0))


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("also instance 0 online 3 60000", ""),
        ("also before 0 3\nalso instance 0 online 5 60000", ""),
        ("also before 0 3\nalso instance 0 online 6 60000", "instance 0 keeps restarting (6 times)"),
        ("also before 0 0\nalso instance 0 online 3 60000", "instance 0 keeps restarting (3 times)"),
        ("also before 1 0\nalso instance 0 online 9 60000", ""),
        ("also instance 0 errored 0 0", "instance 0 is errored"),
        ("also instance 0 online 3 999", "instance 0 is up for 999 ms only"),
        ("also instance 0 online x y", "instance 0 is up for y ms only"),
    ],
)
def test_instances_of_pm2(told: str, reason: str) -> None:
    text = GOOD.replace("also instance 0 online 3 60000", told)
    verdict = judged("pm2", text)
    assert verdict.passed == (reason == "")
    assert reason in verdict.reason


def test_a_process_of_systemd_that_is_elsewhere() -> None:
    base = "release /app/releases/R2\nreloaded 5000\nrunning active running\n"
    assert judged("systemd", base + "process master 1 10 /").passed, "a unit may run in a folder of its own"
    assert judged("systemd", base + "process master 1 10 /app/releases/R2/x").passed
    assert not judged("systemd", base + "process master 1 10 /app/releases/R1").passed
    assert not judged("systemd", base + "process worker 1 10 /", reload="restart").passed, "older than the restart"
    assert judged("systemd", base + "process worker 1 5000 /", reload="restart").passed


def test_gunicorn_says_what_to_do_about_a_folder_it_keeps() -> None:
    verdict = judged("gunicorn", GOOD.replace("5000 /app/releases/R2", "5000 /app/releases/R1"))
    assert not verdict.passed
    assert "chdir" in verdict.hint


def test_the_word_of_a_status_command() -> None:
    service = service_types()["command"].model_validate({"kind": "command", **SETTINGS["command"]})
    state = service.probe(PLACE).parse("one\nit is well\n", 0)
    assert state == ServiceState(True, "it is well")
    assert "it is ill" in service.judge(service.probe(PLACE).parse("it is ill\n", 3)).reason
