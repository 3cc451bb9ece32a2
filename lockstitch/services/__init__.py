"""The services: every module in this folder that defines one is found.

A service is a pydantic model of its own settings (`kind` names it in inventories). Without touching any host it returns
the tools it needs, and the commands that check new code, reload it, stop it, and observe what it really runs. Further
hooks do nothing unless a service overrides them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable

from lockstitch.services.base import LogSource, Service
from lockstitch.services.queues import Queues
from lockstitch.services.release_context import ReleaseContext
from lockstitch.services.state import ServiceState, judge_serving, parse_state


def service_types(kind: str = "") -> dict[str, type[Service]]:
    """Return every service by its kind, in alphabetical order; of a `kind` whose module has its name, that one alone."""
    modules = [module.name for module in pkgutil.iter_modules(__path__)]
    types = _defined([kind] if kind in modules else [])
    return types if kind in types else dict(sorted(_defined(modules).items()))


def _defined(modules: Iterable[str]) -> dict[str, type[Service]]:
    return {
        _kind(value): value
        for module in modules
        for value in vars(importlib.import_module(f"{__name__}.{module}")).values()
        if isinstance(value, type) and issubclass(value, Service) and "kind" in value.model_fields
    }


def _kind(service: type[Service]) -> str:
    (kind,) = service.model_fields["kind"].annotation.__args__  # type: ignore[union-attr]
    return str(kind)


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
