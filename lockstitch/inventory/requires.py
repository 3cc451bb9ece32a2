"""Types of `requires`, of a runbook's `needs`, and of `forge`: the evidence that is asked for, and where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel

from lockstitch.evidence import Need, need_types
from lockstitch.evidence.forges import Forge, forge_types
from lockstitch.inventory.settings import AnyKey, EachKey


def _short(need: type[BaseModel]) -> Mapping[str, Any]:
    """Return the schema of a need's value that is no mapping of its fields; empty where it has none."""
    return need.short_form if issubclass(need, Need) else {}


Needs = Annotated[tuple[Need, ...], EachKey(need_types, _short)]
AnyForge = Annotated[Forge, AnyKey(forge_types)]
