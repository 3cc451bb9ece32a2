"""A command of the user's own that is run before or after a run."""

from __future__ import annotations

from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Hook:
    """`event` is when it is run, such as `before_deploy` or `failed`; `host` is where, and `timeout` is in seconds."""

    event: str
    line: str
    host: Host
    timeout: float

    def __str__(self) -> str:
        where = "here" if self.host.local else f"on {self.host.name}"
        return f"hook {self.event}, {where}: {self.line}"
