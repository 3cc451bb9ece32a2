"""The value Release: one revision on one host, and what is known of how it did."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Literal

from lockstitch.model.lazy_dataclass import dataclass

# `left` is a release a person rolled back from: it served, and is not gone back to unasked.
ReleaseStatus = Literal["good", "bad", "left", "unknown"]

_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4,64}\Z")
REVISION = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")


@dataclass(frozen=True)
class Release:
    """One revision on one host. `id` names the folder with layout `releases`; it begins with the time by the clock of
    the machine that deployed, which may be wrong: which release is older is known from the host's journal alone. `ref`
    is what it was deployed by, in full for a branch or tag (`refs/tags/v1`); empty in records of older versions."""

    id: str
    revision: str
    verdict: ReleaseStatus = "unknown"
    run: str = ""
    by: str = ""
    at: str = ""
    reason: str = ""
    ref: str = ""


def release_id(run: str, revision: str, taken: Collection[str] = ()) -> str:
    """The id of the release that `run` makes of `revision`: the run's UTC time, and the start of the revision, so much
    of it that no id that is `taken` is the same."""
    ids = (f"{stamp(run)}-{revision[:length]}" for length in range(12, len(revision) + 1))
    return next((made for made in ids if made not in taken), f"{stamp(run)}-{revision[:12]}")


def stamp(name: str) -> str:
    """The time that the id of a run or a release begins with, by the clock of the machine it was made on."""
    return name.split("-", 1)[0]


def is_release_id(text: str) -> bool:
    """Tell whether a folder's name is one that Lockstitch gave: nothing else is ever removed."""
    return bool(_ID.match(text))


def short_ref(ref: str) -> str:
    """A ref as people type it."""
    return ref.removeprefix("refs/heads/").removeprefix("refs/tags/")


# Names that stand for the version of a release, in settings that compare with what an app says of itself.
VERSION_NAMES = ("{revision}", "{release}", "{ref}", "{tag}")


def version_names(revision: str, release: str, ref: str) -> dict[str, str]:
    """Return what each of VERSION_NAMES stands for; empty where it is not known."""
    return dict(zip(VERSION_NAMES, (revision, release, short_ref(ref), tag_of(ref)), strict=True))


def tag_of(ref: str) -> str:
    """The tag that a ref in full names; empty for a branch, a commit and where it is not known."""
    return ref.removeprefix("refs/tags/") if ref.startswith("refs/tags/") else ""


def short(revision: str | None) -> str:
    """A revision as people read it."""
    return revision[:8] if revision else "-"


def previous_good(releases: Iterable[Release], current: Release | None) -> Release | None:
    """The newest good release made before the current one, of another revision. `releases` come oldest first; a current
    one that is not among them is newer than all of them."""
    previous = None
    for release in releases:
        if current is not None and release.id == current.id:
            break
        if release.verdict == "good" and (current is None or release.revision != current.revision):
            previous = release
    return previous


def prunable(releases: Iterable[Release], keep: int, spared: Iterable[str]) -> tuple[Release, ...]:
    """The releases, oldest first, that may be removed: all but the newest `keep` good ones, the `spared` ids, and
    anything newer.

    A failed release is evidence and does not count, so five failures never push out the last good one; it goes
    when it is older than every good one that is kept.
    """
    ordered = tuple(releases)
    good = [r.id for r in ordered if r.verdict == "good"][-keep:]
    if len(good) < keep or not good:
        return ()
    kept = {*good, *spared}
    first = next(at for at, r in enumerate(ordered) if r.id == good[0])
    return tuple(r for at, r in enumerate(ordered) if r.id not in kept and (at < first or r.verdict == "good"))
