"""How each service is stopped, started and restarted; and what a note of a reload means after the host was rebooted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from lockstitch.model.host import Address, Host
from lockstitch.model.layout import layout
from lockstitch.model.plan import Script, Step
from lockstitch.services import service_types
from lockstitch.services.base import Service
from lockstitch.services.release_context import ReleaseContext
from lockstitch.services.state import OBSERVE, parse_state
from tests.local import LocalRemote

PLACE = ReleaseContext("api", layout("releases", "srv/api"), "one", "a" * 40)
SETTINGS: dict[str, dict[str, Any]] = {
    "systemd": {"unit": "worker"},
    "gunicorn": {"unit": "gunicorn"},
    "gunicorn by pid file": {"pidfile": "g.pid", "start": "gunicorn"},
    "pm2": {"name": "web"},
    "laravel": {"fpm": {"unit": "php-fpm"}},
    "command": {"reload": "go", "status": "ok", "stop": "halt"},
    "command without stop": {"reload": "go", "status": "ok"},
}


def made(kind: str) -> Service:
    kind, settings = kind.split(" ")[0], SETTINGS[kind]
    return service_types()[kind].model_validate({"kind": kind, **settings})


def names(steps: Any) -> list[str]:
    return [step.name for step in steps]


@pytest.mark.parametrize(
    ("kind", "stopping", "restarting"),
    [
        ("systemd", ["stop"], ["restart"]),
        ("gunicorn", ["stop"], ["restart"]),
        ("gunicorn by pid file", ["stop"], ["stop", "start"]),
        ("pm2", ["stop"], ["restart"]),
        ("laravel", ["stop"], ["restart"]),
        ("command", ["stop"], ["stop", "start"]),
        ("command without stop", [], []),
    ],
)
def test_each_is_stopped_and_started_in_its_own_way(kind: str, stopping: list[str], restarting: list[str]) -> None:
    service = made(kind)
    assert names(service.stopping(PLACE)) == stopping
    assert names(service.starting(PLACE)) == ["start"]
    assert names(service.restarting(PLACE)) == restarting


def test_every_service_is_here() -> None:
    assert {kind.split(" ")[0] for kind in SETTINGS} == set(service_types())


def test_a_unit_is_restarted_with_what_depends_on_it() -> None:
    for kind in ("systemd", "gunicorn", "laravel"):
        (step,) = made(kind).restarting(PLACE)
        assert "ls_take restart" in step.command.text
        assert "systemctl restart" in step.description


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
