"""Forges, where repositories, checks and reviews are: every module in this folder that defines one is found."""

from __future__ import annotations

from functools import cache

from lockstitch.evidence.forges.base import Forge
from lockstitch.model.plugins import classes_in


@cache
def forge_types() -> dict[str, type[Forge]]:
    """Return every forge by its key, in alphabetical order."""
    types = {forge.key: forge for forge in classes_in(__name__, Forge) if forge.key}
    return dict(sorted(types.items()))


__all__ = ["Forge", "forge_types"]
