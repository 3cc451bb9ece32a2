"""Service `systemd`: any unit, reloaded or restarted."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field

from lockstitch.model.command import Command
from lockstitch.model.gate import Verdict, failed, passed
from lockstitch.model.plan import Step
from lockstitch.model.probe import Probe
from lockstitch.services.base import LogSource, Service
from lockstitch.services.release_context import ReleaseContext
from lockstitch.services.state import OBSERVE, ServiceState, parse_state
from lockstitch.services.systemd_unit import MAY_DEPLOY, RESTART_UNIT, RUN_TEST, START_UNIT, STOP_UNIT, UNIT, UNIT_NAME

_STATE = r"""
ls_place; ls_unit
[ "$ls_main" = 0 ] || { ls_process "$role" "$ls_main"; ls_unit_drift "$ls_main"; }
exit 0
"""


class Systemd(Service):
    """Any systemd unit. What runs is proven by its state; by its main process too where the unit is restarted."""

    examples = ({"unit": "api"}, {"unit": "api", "reload": "restart", "test": "api --check"})

    kind: Literal["systemd"]
    unit: str = Field(description="name of the unit", pattern=UNIT_NAME)
    reload: Literal["reload", "restart", "reload-or-restart"] = Field(
        default="reload-or-restart", description="the systemctl verb that makes it take new code"
    )
    test: str | None = Field(
        default=None, description="line that tests its configuration before it is reloaded, started or restarted"
    )

    def tools(self) -> tuple[str, ...]:
        return ("systemctl",)

    def systemd_units(self) -> tuple[str, ...]:
        return (self.unit,)

    def proves_workers(self) -> bool:
        return self.reload == "restart"

    def tells_drift(self) -> bool:
        return True

    def reload_ends_drift(self) -> bool:
        return self.reload == "restart"

    def test_text(self) -> str:
        """Return the shell text that tests the configuration; empty where there is none."""
        return self.test or ""

    def configuration_test(self, place: ReleaseContext) -> Step | None:
        if not self.test_text():
            return None
        return Step("test", f"test the configuration of {self.unit}", self._unit(place, ""), timeout=60)

    def check(self, place: ReleaseContext) -> Step:
        command = self._unit(place, MAY_DEPLOY, verb=self.reload)
        return Step("check", f"may systemctl {self.reload} {self.unit}", command, timeout=60)

    def may_deploy(self, place: ReleaseContext) -> Command:
        return place.command(MAY_DEPLOY, unit=self.unit, verb=self.reload)

    def reload_step(self, place: ReleaseContext) -> Step:
        command = self._unit(place, f'{UNIT}ls_take "$verb"', verb=self.reload)
        return Step("reload", f"systemctl {self.reload} {self.unit}", command, timeout=120)

    def _unit(self, place: ReleaseContext, text: str, **values: str) -> Command:
        """Return the command that does something with the unit, once its configuration is tested."""
        test = self.test_text()
        first = {"test": test} if test else {}
        return place.command((RUN_TEST if test else "") + text, unit=self.unit, **values, **first)

    def logs(self, place: ReleaseContext) -> tuple[LogSource, ...]:
        return (LogSource(unit=self.unit),)

    def stop(self, place: ReleaseContext) -> Command:
        return place.command(STOP_UNIT, unit=self.unit)

    def starting(self, place: ReleaseContext) -> tuple[Step, ...]:
        command = place.command(START_UNIT, unit=self.unit)
        return (Step("start", f"systemctl start {self.unit}", command, timeout=120),)

    def restarting(self, place: ReleaseContext) -> tuple[Step, ...]:
        command = self._unit(place, RESTART_UNIT)
        return (Step("restart", f"systemctl restart {self.unit}", command, timeout=180),)

    def probe(self, place: ReleaseContext) -> Probe[ServiceState]:
        # A main process that stays through a reload is no worker: its age proves nothing.
        role = "worker" if self.reload == "restart" else "master"
        return Probe("serving", place.command(OBSERVE + UNIT + _STATE, unit=self.unit, role=role), parse_state)

    def judge(self, state: ServiceState) -> Verdict:
        if not state.running:
            return failed(f"the unit does not run: {state.note}")
        for process in state.processes:
            if process.role == "worker" and state.reloaded is not None and process.started < state.reloaded:
                return failed(f"process {process.pid} is older than the restart")
            if _elsewhere(process.directory, state.expected):
                return failed(f"process {process.pid} runs in {process.directory}, not in {state.expected}")
        return passed(f"{self.unit} is {state.note}")


def _elsewhere(directory: str, expected: str) -> bool:
    """Tell whether a process runs in another release of the same app; a unit may run in a folder of its own."""
    folder, release = PurePosixPath(directory), PurePosixPath(expected)
    releases = release.parent
    return releases.name == "releases" and releases in folder.parents and release not in (folder, *folder.parents)
