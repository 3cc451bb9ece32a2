"""Service `command`: commands of the user's own, for what no other service runs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lockstitch.model.command import Command
from lockstitch.model.gate import Verdict, failed, passed
from lockstitch.model.plan import Step
from lockstitch.model.probe import Probe
from lockstitch.services.base import Service
from lockstitch.services.release_context import ReleaseContext
from lockstitch.services.state import ServiceState

_STATUS = r"""
cd "$current" 2>/dev/null
(eval "$line") && exit 0
exit 1
"""
_RUN = r"""
cd "$current" || exit 1
eval "$line"
"""


class CommandService(Service):
    """Lines of the user's own, run where the app is `current`. Status 0 of `status` means that it serves."""

    examples = ({"reload": "kill -HUP 1", "status": "pgrep api"}, {"reload": "go", "status": "ok", "stop": "halt"})

    kind: Literal["command"]
    reload: str = Field(description="line that makes it take new code, and starts it where it is not running")
    status: str = Field(description="line that ends with 0 when it serves")
    stop_line: str | None = Field(default=None, alias="stop", description="line that stops it")
    needs: tuple[str, ...] = Field(default=(), description="commands that must be found on the host")

    def tools(self) -> tuple[str, ...]:
        return self.needs

    def reload_step(self, place: ReleaseContext) -> Step:
        return Step("reload", self.reload, place.command(_RUN, line=self.reload), timeout=300)

    def stop(self, place: ReleaseContext) -> Command | None:
        return place.command(_RUN, line=self.stop_line) if self.stop_line else None

    def probe(self, place: ReleaseContext) -> Probe[ServiceState]:
        return Probe("serving", place.command(_STATUS, line=self.status), _parse)

    def judge(self, state: ServiceState) -> Verdict:
        return passed("its status command says so") if state.running else failed(f"its status command: {state.note}")


def _parse(text: str, code: int) -> ServiceState:
    last = text.rstrip().rpartition("\n")[2]
    return ServiceState(code == 0, last or f"exit code {code}")
