"""Questions to Bugsink, by its own API of version 2: `/api/canonical/0/`, which its server describes at `schema/`.

It counts events by the hour only, so those of issues that were seen lately are listed, with their times.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lockstitch.metrics.base import WebReply, WebRequest
from lockstitch.metrics.sentry.answer import (
    MOST_AT_ONCE,
    MOST_PAGES,
    Asked,
    ErrorCounts,
    MakeRequest,
    Talk,
    TrackerError,
    count,
    moment,
    read,
    strange,
    unknown_release,
)
from lockstitch.model.lazy_dataclass import dataclass

_SCOPES = "the rights issues:read, events:read and releases:read"
_Row = dict[str, Any]


@dataclass(frozen=True)
class _List:
    """A list of the API; its pages are read as long as the last row of one says that it goes on."""

    name: str
    fields: Mapping[str, str]
    goes_on: Callable[[_Row], bool]


def talk(make: MakeRequest, project: str, asked: Asked) -> Talk:
    """Ask whether the release is known, for the issues that were seen lately, and for their events with their times."""
    since = asked.before.begin

    def lately(row: _Row) -> bool:
        return moment(row.get("last_seen", row.get("ingested_at"))) >= since

    releases = _List("releases", {"project": project}, lambda row: row.get("version") != asked.name)
    issues = _List("issues", {"project": project, "sort": "last_seen", "order": "desc"}, lately)
    versions, known = yield from _read([releases, issues], make, f"there is no project {project}")
    if all(row.get("version") != asked.name for row in versions):
        raise unknown_release(asked)
    recent = [row for row in known if lately(row)]
    if len(recent) > MOST_AT_ONCE:
        raise TrackerError(f"{len(recent)} issues were seen lately: too many to count their events one by one")
    for row in recent:
        if count(row.get("stored_event_count")) < count(row.get("digested_event_count")):
            says = f"it no longer keeps all events of the issue {row.get('friendly_id')}, so they cannot be counted"
            raise TrackerError(says, "let it keep more events: how many is a setting of the project")
    every = [_List("events", {"issue": str(row["id"])}, lately) for row in recent]
    mine = [
        _List("events", {"issue": str(row["id"]), "q": f"release:{asked.quoted}"}, lately)
        for row in recent
        if asked.name in _releases(row)
    ]
    listed = (yield from _read([*every, *mine], make, "an issue has gone meanwhile")) if every else []
    times = [[moment(row.get("ingested_at")) for row in rows] for rows in listed]
    others = sum(map(asked.before.has, (at for some in times[: len(every)] for at in some)))
    own = [at for some in times[len(every) :] for at in some]
    before = others - sum(map(asked.before.has, own))
    new = [row for row in known if _releases(row) == {asked.name}]
    return ErrorCounts(len(new), sum(map(asked.after.has, own)), max(0, before))


def _read(
    lists: Sequence[_List], make: MakeRequest, missing: str
) -> Generator[Sequence[WebRequest], Sequence[WebReply], list[list[_Row]]]:
    """Return the rows of several lists, a page of each at a time."""
    rows: list[list[_Row]] = [[] for _ in lists]
    cursors = dict.fromkeys(range(len(lists)), "")
    for _ in range(MOST_PAGES):
        pages = [(number, lists[number], {"cursor": cursor} if cursor else {}) for number, cursor in cursors.items()]
        replies = yield [
            make(f"/api/canonical/0/{listed.name}/", {**listed.fields, **more}) for _, listed, more in pages
        ]
        cursors = {}
        for (number, listed, _), reply in zip(pages, replies, strict=True):
            some, cursor = _page(read(reply, missing, _SCOPES))
            rows[number] += some
            if cursor and some and listed.goes_on(some[-1]):
                cursors[number] = cursor
        if not cursors:
            return rows
    raise TrackerError(f"it has more than {MOST_PAGES} pages of what must be counted: they were not all read")


def _page(answer: Any) -> tuple[list[_Row], str]:
    """Return the rows of a page, and where the next listed begins: nothing else of that address is followed."""
    some = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(some, list) or not all(isinstance(row, dict) and row.get("id") for row in some):
        raise strange()
    return some, parse_qs(urlsplit(str(answer.get("next") or "")).query).get("cursor", [""])[0]


def _releases(row: _Row) -> set[str]:
    known = row.get("events_at")
    if not isinstance(known, list):
        raise strange()
    return {str(version) for version in known if version}
