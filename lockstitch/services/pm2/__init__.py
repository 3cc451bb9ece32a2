"""Service `pm2`: a process in PM2's daemon, by its name, from an ecosystem file where there is one.

PM2 keeps for good the folder a process was first started in. With layout `releases` the ecosystem file must say
`cwd: "/app/webapp/current"`: then every new worker resolves the symlink afresh. This is refused before the reload,
and proven after it.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from pydantic import Field

from lockstitch.model.command import Command
from lockstitch.model.gate import Verdict, failed
from lockstitch.model.plan import Step
from lockstitch.model.probe import Probe, collect, number
from lockstitch.model.shell import shell_text
from lockstitch.services.base import LogSource, Service
from lockstitch.services.release_context import ReleaseContext
from lockstitch.services.state import OBSERVE, ServiceState, judge_serving, parse_state

_text = partial(shell_text, __package__)
_STOP = _text("list.sh", "stop.sh")

# An instance that a reload of one and then of all replaced has been restarted twice.
_MOST_RESTARTS = 2


class Pm2(Service):
    """A PM2 process. In cluster mode one instance takes the new code first, and the rest only if it stays up."""

    examples = (
        {"name": "webapp", "ecosystem": "ecosystem.config.js"},
        {"name": "webapp", "start": "pm2 start server.js --name webapp"},
    )

    kind: Literal["pm2"]
    name: str = Field(description="name of the process in PM2", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")
    ecosystem: str | None = Field(None, description="ecosystem file, relative to the release", pattern=r"^[^-/].*$")
    start: str | None = Field(None, description="line that starts it, where there is no ecosystem file")
    steady: float = Field(1.0, description="seconds an instance must have been up to count as steady", ge=0)

    def tools(self) -> tuple[str, ...]:
        return ("pm2", "node")

    def proves_workers(self) -> bool:
        return True

    def tells_drift(self) -> bool:
        return True

    def reload_ends_drift(self) -> bool:
        return True

    def has_environment(self) -> bool:
        return True

    def check(self, place: ReleaseContext) -> Step | None:
        if not self.ecosystem:
            return None
        command = place.command(_text("check.sh"), name=self.name, ecosystem=self.ecosystem)
        return Step("check", f"look for {self.name} in {self.ecosystem}", command, timeout=60)

    def reload_step(self, place: ReleaseContext) -> Step:
        return Step("reload", f"pm2: gracefully reload {self.name}", self._reload(place), timeout=300)

    def logs(self, place: ReleaseContext) -> tuple[LogSource, ...]:
        return (LogSource(ask=place.command(_text("list.sh", "logs.sh"), name=self.name)),)

    def stop(self, place: ReleaseContext) -> Command:
        return place.command(_STOP, name=self.name, verb="delete")

    def stopping(self, place: ReleaseContext) -> tuple[Step, ...]:
        # Not deleted: by its name alone it could not be started again.
        command = place.command(_STOP, name=self.name, verb="stop")
        return (Step("stop", f"pm2 stop {self.name}", command, timeout=120),)

    def starting(self, place: ReleaseContext) -> tuple[Step, ...]:
        return (Step("start", f"pm2: start {self.name}", self._reload(place, anew="yes"), timeout=300),)

    def start_gap(self) -> str:
        known = self.ecosystem or self.start
        return "" if known else "PM2 knows nothing to start before the first deploy: give ecosystem or start"

    def restarting(self, place: ReleaseContext) -> tuple[Step, ...]:
        return (Step("restart", f"pm2 restart {self.name}", self._reload(place, anew="yes"), timeout=300),)

    def _reload(self, place: ReleaseContext, anew: str = "") -> Command:
        values = {
            "name": self.name,
            "ecosystem": self.ecosystem or "",
            "line": self.start or "",
            "kind": place.layout.kind,
            "steady": str(int(self.steady * 1000)),
            "anew": anew,
            "names": place.names,
        }
        return place.command(OBSERVE + _text("list.sh", "reload.sh"), **values)

    def probe(self, place: ReleaseContext) -> Probe[ServiceState]:
        known = {"name": self.name, "ecosystem": self.ecosystem or ""}
        text = OBSERVE + _text("list.sh", "state.sh")
        whole = "yes" if place.has_secrets else ""
        return Probe("serving", place.command(text, names=place.names, whole=whole, **known), parse_state)

    def judge(self, state: ServiceState) -> Verdict:
        verdict = judge_serving(state)
        if not verdict.passed:
            return verdict
        said = collect(state.also)
        rows = [line.split(" ") for line in said["before"]]
        before = {row[0]: number(row[1]) for row in rows if len(row) == 2}
        for line in said["instance"]:
            match line.split(" "):
                case [instance, status, restarts, up]:
                    if status != "online":
                        return failed(f"instance {instance} is {status}")
                    now, was = number(restarts), before.get(instance)
                    if now is not None and was is not None and now - was > _MOST_RESTARTS:
                        return failed(f"instance {instance} keeps restarting ({restarts} times)")
                    if (number(up) or 0) < self.steady * 1000:
                        return failed(f"instance {instance} is up for {up} ms only")
        return verdict
