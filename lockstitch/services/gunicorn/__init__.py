"""Service `gunicorn`: under systemd (`unit`) or by pid file (`pidfile`), reloaded by HUP, or by USR2 with a pid file.

With layout `releases`, workers find the new release only if gunicorn is told to change to `current` at each reload:
`chdir = "/app/api/current"` in its configuration, or `--chdir`. The gate proves it. HUP keeps what the master has
imported itself (gunicorn, and the worker class); where those change with a release, `reload: usr2` replaces the master.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field, model_validator

from lockstitch.model.command import Command
from lockstitch.model.gate import Verdict, failed
from lockstitch.model.plan import Step
from lockstitch.model.probe import Probe, collect, last
from lockstitch.model.shell import shell_text
from lockstitch.services.base import LogSource, Service
from lockstitch.services.release_context import ReleaseContext
from lockstitch.services.state import OBSERVE, ServiceState, judge_serving, parse_state
from lockstitch.services.systemd_unit import MAY_DEPLOY, RESTART_UNIT, STOP_UNIT, UNIT, UNIT_NAME

_text = partial(shell_text, __package__)


class Gunicorn(Service):
    """gunicorn and its workers. New code is loaded with `--check-config` before the master hears of it."""

    examples = ({"unit": "api"}, {"pidfile": "api.pid", "reload": "usr2", "start": ".venv/bin/gunicorn --daemon"})

    kind: Literal["gunicorn"]
    unit: str | None = Field(None, description="systemd unit that runs it", pattern=UNIT_NAME)
    pidfile: str | None = Field(None, description="pid file of its master, where no systemd unit runs it", min_length=1)
    app: str | None = Field(
        None,
        description="what it serves, such as `main:app`, where gunicorn.conf.py does not say",
        pattern=r"^[^-\s]\S*$",
    )
    python: str = Field(".venv/bin/python", description="Python of the release, relative to it", min_length=1)
    reload: Literal["hup", "usr2"] = Field(
        "hup", description="`hup`: new workers; `usr2`: a new master too (with `pidfile` only)"
    )
    start: str | None = Field(
        None, description="line that starts it in the background, from `current`, with $PIDFILE (with `pidfile` only)"
    )
    settle: float = Field(60.0, description="seconds until old workers must have ended their requests", gt=0)

    @model_validator(mode="after")
    def _one_way(self) -> Gunicorn:
        if (self.unit is None) == (self.pidfile is None):
            raise ValueError("give either unit or pidfile")
        if self.unit is not None and (self.reload == "usr2" or self.start is not None):
            raise ValueError("reload: usr2 and start need pidfile: systemd loses a master that is replaced")
        return self

    def tools(self) -> tuple[str, ...]:
        return ("systemctl",) if self.unit else ()

    def systemd_units(self) -> tuple[str, ...]:
        return (self.unit,) if self.unit else ()

    def proves_workers(self) -> bool:
        return True

    def tells_drift(self) -> bool:
        return True

    def has_environment(self) -> bool:
        return self.start is not None

    def check(self, place: ReleaseContext) -> Step:
        values = {"python": self.python, "app": self.app or "", "unit": self.unit or "", "verb": "reload"}
        command = place.command((MAY_DEPLOY if self.unit else "") + _text("check.sh"), **values)
        return Step("check", f"load {self.app or 'the app'} without serving it", command, timeout=120)

    def may_deploy(self, place: ReleaseContext) -> Command | None:
        return place.command(MAY_DEPLOY, unit=self.unit, verb="reload") if self.unit else None

    def reload_step(self, place: ReleaseContext) -> Step:
        values = {"way": self.reload, "line": self.start or "", "settle": str(int(self.settle * 10))}
        command = self._command(place, _text("wait.sh", "reload.sh"), **values)
        says = f"gracefully reload gunicorn ({self.unit or self.pidfile}, {self.reload})"
        return Step("reload", says, command, timeout=3 * self.settle + 60)

    def program_folders(self) -> tuple[str, ...]:
        return (str(PurePosixPath(self.python).parent), *super().program_folders())

    def logs(self, place: ReleaseContext) -> tuple[LogSource, ...]:
        return (LogSource(unit=self.unit),) if self.unit else ()

    def stop(self, place: ReleaseContext) -> Command:
        return self._command(place, STOP_UNIT if self.unit else _text("stop.sh"))

    def start_gap(self) -> str:
        return "no unit starts it, so a first deploy needs start" if self.pidfile and not self.start else ""

    def restarting(self, place: ReleaseContext) -> tuple[Step, ...]:
        if not self.unit:
            return tuple(super().restarting(place))
        text = RESTART_UNIT + _text("wait.sh") + "started\n"
        command = self._command(place, text, settle=str(int(self.settle * 10)))
        return (Step("restart", f"systemctl restart {self.unit}", command, timeout=2 * self.settle + 120),)

    def probe(self, place: ReleaseContext) -> Probe[ServiceState]:
        # Only what its own line starts has the environment of the app.
        names = place.names if self.start else ""
        return Probe("serving", self._command(place, _text("state.sh"), names=names), parse_state)

    def judge(self, state: ServiceState) -> Verdict:
        verdict = judge_serving(state)
        bound = last(collect(state.also), "bound")
        if verdict.passed and bound.startswith(f"{PurePosixPath(state.expected).parent}/"):
            return failed(
                f"it was started by {bound}, and keeps that release's packages through every reload",
                "start it as current/.venv/bin/python -m gunicorn, or keep one .venv for all releases in shared/",
            )
        if verdict.passed or "runs in" not in verdict.reason:
            return verdict
        hint = (
            "gunicorn keeps the folder it resolved at its start: set chdir to the app's `current` in its configuration"
        )
        return replace(verdict, hint=hint)

    def _command(self, place: ReleaseContext, text: str, **values: str) -> Command:
        known = {"unit": self.unit or "", "pidfile": self.pidfile or ""}
        return place.command(OBSERVE + UNIT + _text("master.sh") + text, **known, **values)
