"""The base of all metric sources. Each is one file or folder here, found by its name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

import lockstitch.metrics as folder
from lockstitch.metrics.measurement import Measurement, Window
from lockstitch.model.probe import Probe


class Source(BaseModel):
    """The base of what counts requests. Subclasses set `kind: Literal[...]` and their settings, and override hooks."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    # Settings of such a source as an inventory has them, without `kind`; tests take each.
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ()

    def probe(self, windows: Sequence[Window], limits: Sequence[float], ignored: Sequence[str]) -> Probe[Measurement]:
        """Return the question to a host: its requests in windows of time, and how many took longer than each limit
        (seconds). Requests for `ignored` paths, such as health checks, do not count."""
        raise NotImplementedError


def source_types() -> dict[str, type[Source]]:
    """Return every source by its kind, in alphabetical order."""
    types: dict[str, type[Source]] = {}
    for module in pkgutil.iter_modules(folder.__path__):
        for value in vars(importlib.import_module(f"{folder.__name__}.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, Source) and "kind" in value.model_fields:
                types[_kind(value)] = value
    return dict(sorted(types.items()))


def _kind(source: type[Source]) -> str:
    (kind,) = source.model_fields["kind"].annotation.__args__  # type: ignore[union-attr]
    return str(kind)
