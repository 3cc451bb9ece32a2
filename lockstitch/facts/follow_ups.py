"""Follow-ups of runs: what remains to be done after one, by whom and until when. Pure.

Each site keeps them as lines in `follow.jsonl` beside its journal: one for each that is added, one for each that is done.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lockstitch.facts.state_files import THERE
from lockstitch.model.command import Command
from lockstitch.model.format import time_of
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Site
from lockstitch.model.probe import Probe, collect, object_of, unreadable

ADDED, ENDED = "follow", "follow done"
_POST_MORTEM_DAYS = 5
_READ = r"""
there "$file" || exit 0
awk '{ print "line " $0 }' <"$file" 2>/dev/null || echo "unreadable $file: awk could not read it"
"""


@dataclass(frozen=True)
class FollowUp:
    """A thing to be done after a run, until `due` (a time in UTC); `closed` is when it was done, and `closed_by` by whom;
    empty: it is not."""

    id: str
    run: str
    text: str
    owner: str
    due: str
    link: str = ""
    by: str = ""
    at: str = ""
    closed: str = ""
    closed_by: str = ""

    @property
    def event(self) -> dict[str, str]:
        """The line of the record that adds it."""
        known = {key: getattr(self, key) for key in ("id", "run", "text", "owner", "due", "link", "by", "at")}
        return {"event": ADDED, **{key: value for key, value in known.items() if value}}

    def late(self, now: datetime) -> bool:
        """Tell whether it should be done by now; a time that cannot be read is late."""
        return not self.closed and ((at := moment(self.due)) is None or at <= now)


@dataclass(frozen=True)
class FollowFacts:
    """The lines of one site, as they were written; `damaged` counts those that are none."""

    events: tuple[Mapping[str, Any], ...] = ()
    damaged: int = 0
    unreadable: tuple[str, ...] = ()


def follow_probe(site: Site) -> Probe[FollowFacts]:
    """Return the probe of the follow-ups that a site keeps."""
    return Probe("follow", Command(THERE + _READ, values={"file": site.layout.follow_ups}), parse_follow)


def parse_follow(text: str, code: int) -> FollowFacts:
    """Parse `line EVENT` lines."""
    said = collect(text)
    events = [object_of(line) for line in said["line"] if line.strip()]
    known = tuple(event for event in events if event is not None and event.get("id"))
    return FollowFacts(known, len(events) - len(known), unreadable(said, code))


def follow_ups(events: Iterable[Mapping[str, Any]]) -> dict[str, FollowUp]:
    """Return the follow-ups by id, in the order of their times; what one site has is so, whatever another lacks."""
    known: dict[str, FollowUp] = {}
    ends: dict[str, Mapping[str, Any]] = {}
    for event in events:
        words = {key: str(event.get(key) or "") for key in ("id", "run", "text", "owner", "due", "link", "by", "at")}
        if event.get("event") == ADDED:
            known.setdefault(words["id"], FollowUp(**words))
        elif event.get("event") == ENDED:
            ends[words["id"]] = max(ends.get(words["id"], event), event, key=lambda each: str(each.get("at") or ""))
    closed = {
        name: replace(known[name], closed=str(end.get("at") or "-"), closed_by=str(end.get("by") or ""))
        for name, end in ends.items()
        if name in known
    }
    return dict(sorted({**known, **closed}.items(), key=lambda each: each[1].at))


def last_times(events: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return when each id was last said to be done: a duty has one, and is due again."""
    times: dict[str, str] = {}
    for event in events:
        if event.get("event") == ENDED:
            name, at = str(event.get("id")), str(event.get("at") or "")
            times[name] = max(at, times.get(name, ""))
    return times


def post_mortem(run: str, kind: str, result: str, by: str, at: datetime) -> FollowUp:
    """Return the follow-up that a run makes by itself when it has failed, or went back."""
    due = (at + timedelta(days=_POST_MORTEM_DAYS)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    began = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return FollowUp(f"pm-{run}", run, f"post-mortem: {kind}, {result}", by, due, "", by, began)


def moment(text: str) -> datetime | None:
    """Return a time of a record; the earliest there is where it cannot be read, None for an empty one."""
    return (time_of(text) or datetime.min.replace(tzinfo=UTC)) if text else None


def line_of(event: Mapping[str, Any]) -> str:
    """Return the line that a site keeps of an event."""
    return json.dumps(event, separators=(",", ":"))
