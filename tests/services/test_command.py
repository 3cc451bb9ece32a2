"""Service command: what only it judges and does."""

from __future__ import annotations

from lockstitch.services.command import CommandService
from lockstitch.services.state import ServiceState
from tests.services.rules import PLACE, judged, step_names


def service(**more: str) -> CommandService:
    return CommandService.model_validate({"kind": "command", "reload": "go", "status": "ok", **more})


def test_the_last_line_of_its_status_is_the_reason() -> None:
    assert service().probe(PLACE).parse("one\nit is well\n", 0) == ServiceState(True, "it is well")
    assert "it is ill" in judged(service(), "it is ill\n", 3).reason


def test_it_stops_where_it_has_a_line_for_that() -> None:
    assert step_names(service(stop="halt")) == (["stop"], ["start"], ["stop", "start"])
    assert step_names(service()) == ([], ["start"], [])
