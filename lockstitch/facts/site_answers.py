"""Parsers of what a site answers to a survey's questions: each gives a value of `facts`. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from lockstitch.facts.git_facts import parse_git_lock, parse_submodule
from lockstitch.facts.site import HostFacts, PlaceFacts, Target
from lockstitch.model.lines import collect, last, record, unreadable
from lockstitch.model.lock import parse_lock
from lockstitch.model.plan import Commit
from lockstitch.model.probe import number
from lockstitch.model.release import REVISION


def parse_place(text: str, code: int) -> PlaceFacts:
    """The place's facts from `word rest` lines."""
    said = collect(text)
    revision = last(said, "revision")
    return PlaceFacts(
        cloned="clone" in said,
        revision=revision if REVISION.match(revision) else None,
        current=last(said, "current") or None,
        link=last(said, "link"),
        dangling="dangling" in said,
        unpublished=number(last(said, "unpublished")) or 0,
        folders=tuple(name for name in said.get("folder", ()) if name),
        dirty=tuple(said.get("dirty", ())),
        tag=last(said, "tag"),
        branch=last(said, "branch"),
        foreign=last(said, "foreign"),
        broken=last(said, "broken"),
        unreadable=unreadable(said, code),
        lfs="lfs" in said,
        locks=tuple(parse_git_lock(line) for line in said.get("locked", ())),
    )


def parse_host(text: str, code: int) -> HostFacts:
    """The host's facts from `word rest` lines."""
    said = collect(text)
    free = number(last(said, "free"))
    entries = [record(line) for line in said.get("journal", ())]
    releases: list[Mapping[str, str]] = []
    begun: list[tuple[int, str]] = []
    for entry in filter(None, entries):
        if entry.get("event") == "begin":
            begun.append((len(releases), entry.get("run", "")))
        else:
            releases.append(entry)
    return HostFacts(
        missing=tuple(said.get("missing", ())),
        free=None if free is None else free * 1024,
        unwritable=last(said, "unwritable"),
        lock=parse_lock(last(said, "locked")),
        journal=tuple(releases),
        begun=tuple(begun),
        written=number(last(said, "written")) or 0,
        damaged=(number(last(said, "damaged")) or 0) + sum(not entry for entry in entries),
        unreadable=unreadable(said, code),
    )


def parse_target(text: str, code: int) -> Target:
    """Parse the meaning of a ref from `word rest` lines; a commit's parts are separated by the unit separator, which
    its subject may hold as well."""
    said = collect(text)
    revision = last(said, "revision")

    def commits(word: str) -> tuple[Commit, ...]:
        return tuple(Commit(*(*c.split("\x1f", 2), "", "")[:3]) for c in said.get(word, ()))

    known = bool(REVISION.match(revision))
    problem = " ".join(said.get("problem", ())) or ("" if known else f"no answer about it: {text.strip()[-300:]}")
    return Target(
        revision if known else None,
        commits("commit"),
        commits("gone"),
        problem=problem,
        tags=tuple(said.get("tag", ())),
        migrations=tuple(sorted(said.get("migration", ()))),
        ahead=last(said, "ahead"),
        modules=tuple(parse_submodule(line) for line in said.get("module", ())),
        lfs="lfs" in said,
        between="between" in said,
        unpublished="unpublished" in said,
        rewritten="rewritten" in said,
        stands=tuple(said.get("stands", ())),
    )
