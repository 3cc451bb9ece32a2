"""The value Release: one revision on one host, and what is known of how it did."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

# `left` is a release a person rolled back from: it served, and is not gone back to unasked.
Verdict = Literal["good", "bad", "left", "unknown"]

_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4,64}\Z")
REVISION = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")


@dataclass(frozen=True, order=True)
class Release:
    """One revision on one host. `id` sorts by the time it was made; it names the folder with layout `releases`."""

    id: str
    revision: str
    verdict: Verdict = "unknown"
    run: str = ""
    by: str = ""
    at: str = ""
    reason: str = ""


def release_id(run: str, revision: str) -> str:
    """The id of the release that `run` makes of `revision`: the run's UTC time, and the start of the revision."""
    return f"{run.split('-', 1)[0]}-{revision[:12]}"


def is_release_id(text: str) -> bool:
    """Whether a folder's name is one that Lockstitch gave: nothing else is ever removed."""
    return bool(_ID.match(text))


def short(revision: str | None) -> str:
    """A revision as people read it."""
    return revision[:8] if revision else "-"


def previous_good(releases: Iterable[Release], current: Release | None) -> Release | None:
    """The newest good release made before the current one, of another revision."""
    older = [
        r
        for r in releases
        if r.verdict == "good" and (current is None or (r.id < current.id and r.revision != current.revision))
    ]
    return max(older, default=None, key=lambda r: r.id)


def prunable(releases: Iterable[Release], keep: int, spared: Iterable[str]) -> tuple[Release, ...]:
    """The releases that may be removed: all but the newest `keep` good ones, the `spared` ids, and anything newer.

    A failed release is evidence and does not count, so five failures never push out the last good one; it goes
    when it is older than every good one that is kept.
    """
    ordered = sorted(releases, key=lambda r: r.id, reverse=True)
    good = [r.id for r in ordered if r.verdict == "good"]
    if len(good) < keep or not good:
        return ()
    kept = set(good[:keep]) | set(spared)
    oldest = good[:keep][-1]
    return tuple(r for r in ordered if r.id not in kept and (r.id < oldest or r.verdict == "good"))
