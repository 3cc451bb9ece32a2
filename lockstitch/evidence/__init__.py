"""Needs that are found by themselves: every module in this folder that defines some is found, by their keys.

A need is a pydantic model of its settings. Its answer is pass, fail, or inconclusive where an answer proves neither.
"""

from __future__ import annotations

from functools import cache

from lockstitch.evidence.base import AppRevisions, Evidence, EvidenceSources, Need, find
from lockstitch.evidence.forges.base import UnknownEvidenceError
from lockstitch.model.plugins import classes_in


@cache
def need_types() -> dict[str, type[Need]]:
    """Return every need by its key, in alphabetical order."""
    types = {need.key: need for need in classes_in(__name__, Need) if need.key}
    return dict(sorted(types.items()))


__all__ = ["AppRevisions", "Evidence", "EvidenceSources", "Need", "UnknownEvidenceError", "find", "need_types"]
