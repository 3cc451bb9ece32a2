"""What services were observed to run, and what is made of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockstitch.services import found
from lockstitch.services.gunicorn import Gunicorn
from lockstitch.services.pm2 import Pm2
from lockstitch.services.state import ServiceState, judge_serving, parse_state
from lockstitch.services.systemd import Systemd

RELEASE = "/app/api/releases/20260102T000000Z-bbbb"
OLD = "/app/api/releases/20260101T000000Z-aaaa"


def observed(*lines: str, reloaded: int = 1000) -> ServiceState:
    return parse_state("\n".join(["boot 1700000000", f"reloaded {reloaded}", f"release {RELEASE}", *lines]), 0)


GOOD = (
    "running master 7",
    f"process master 7 10 {OLD}",
    f"process worker 8 1000 {RELEASE}",
    f"process worker 9 1200 {RELEASE}/app",
)


def test_workers_that_are_young_and_in_the_release_pass() -> None:
    state = observed(*GOOD)
    assert judge_serving(state).passed
    assert state.since == 1700000012


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (("down no master",), "not running"),
        ((), "not running"),
        (("running master 7",), "no worker"),
        (("running", f"process worker 8 999 {RELEASE}"), "older than the reload"),
        (("running", f"process worker 8 1001 {RELEASE}", f"process worker 9 10 {RELEASE}"), "older than the reload"),
        (("running", f"process worker 8 1001 {OLD}"), "runs in"),
        (("running", f"process worker 8 1001 {RELEASE}x"), "runs in"),
        (("running", "process worker 8 1001 "), "an unknown folder"),
        (("running", f"process worker 8 1001 {RELEASE} (deleted)"), "runs in"),
    ],
)
def test_everything_else_fails_and_says_why(lines: tuple[str, ...], reason: str) -> None:
    verdict = judge_serving(observed(*lines))
    assert not verdict.passed
    assert reason in verdict.reason


@given(st.text(), st.integers(-200, 300))
def test_whatever_a_host_prints_is_a_state_and_silence_is_no_pass(text: str, code: int) -> None:
    state = parse_state(text, code)
    if "running" not in text:
        assert not judge_serving(state).passed


def test_gunicorn_that_one_release_started_is_refused_with_the_way_out() -> None:
    gunicorn = Gunicorn(kind="gunicorn", unit="api")
    verdict = gunicorn.judge(observed(*GOOD, f"also bound {RELEASE}/.venv/bin/python"))
    assert not verdict.passed
    assert "packages" in verdict.reason and "-m gunicorn" in verdict.hint
    assert gunicorn.judge(observed(*GOOD)).passed


def test_gunicorn_in_the_old_folder_is_told_about_chdir() -> None:
    verdict = Gunicorn(kind="gunicorn", unit="api").judge(observed("running", f"process worker 8 1001 {OLD}"))
    assert not verdict.passed
    assert "chdir" in verdict.hint


@pytest.mark.parametrize(
    ("also", "passes"),
    [
        (("before 0 3", "instance 0 online 4 5000"), True),
        (("before 0 3", "instance 0 online 5 5000"), True),
        (("before 0 3", "instance 0 online 6 5000"), False),
        (("instance 0 online 0 5000",), True),
        (("instance 0 errored 0 5000",), False),
        (("instance 0 online 0 20",), False),
    ],
)
def test_a_pm2_instance_is_online_steady_and_not_looping(also: tuple[str, ...], passes: bool) -> None:
    lines = ["running in PM2", f"process worker 8 1001 {RELEASE}", *(f"also {line}" for line in also)]
    assert Pm2(kind="pm2", name="webapp").judge(observed(*lines)).passed is passes


def test_a_restarted_unit_must_be_younger_and_not_in_another_release() -> None:
    unit = Systemd(kind="systemd", unit="worker", reload="restart")
    assert unit.judge(observed("running active running", f"process worker 8 1001 {RELEASE}")).passed
    assert unit.judge(observed("running active running", "process worker 8 1001 /opt/elsewhere")).passed
    assert not unit.judge(observed("running active running", f"process worker 8 10 {RELEASE}")).passed
    assert not unit.judge(observed("running active running", f"process worker 8 1001 {OLD}")).passed
    assert not unit.judge(observed("down worker is failed")).passed


def test_every_service_is_found_by_its_kind_and_describes_its_settings() -> None:
    services = found()
    assert {"gunicorn", "pm2", "systemd", "command"} <= set(services)
    for service in services.values():
        assert service.__doc__
        undescribed = [n for n, f in service.model_fields.items() if n != "kind" and not f.description]
        assert not undescribed


@pytest.mark.parametrize(
    "settings", [{}, {"unit": "a", "pidfile": "b"}, {"unit": "a", "reload": "usr2"}, {"unit": "-x"}]
)
def test_gunicorn_is_found_in_one_way(settings: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"unit|pidfile"):
        Gunicorn.model_validate({"kind": "gunicorn", **settings})
