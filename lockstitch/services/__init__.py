"""The services: every module in this folder that defines one is found.

A service is a pydantic model of its own settings (`kind` names it in inventories). Without touching any host it returns
the tools it needs, and the commands that check new code, reload it, stop it, and observe what it really runs. Further
hooks do nothing unless a service overrides them.
"""

from __future__ import annotations

from lockstitch.model.plugins import by_kind, module_names
from lockstitch.services.base import LogSource, Service
from lockstitch.services.queues import Queues
from lockstitch.services.release_context import ReleaseContext
from lockstitch.services.state import ServiceState, judge_serving, parse_state


def service_types(kind: str = "") -> dict[str, type[Service]]:
    """Return every service by its kind, in alphabetical order; of a `kind` whose module has its name, that one alone."""
    types = by_kind(__name__, Service, [kind]) if kind in module_names(__name__) else {}
    return types if kind in types else by_kind(__name__, Service)


__all__ = [
    "LogSource",
    "Queues",
    "ReleaseContext",
    "Service",
    "ServiceState",
    "judge_serving",
    "parse_state",
    "service_types",
]
