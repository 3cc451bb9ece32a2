"""Questions to Sentry: https://docs.sentry.io/api/ has the endpoints of organizations, of issues and of events."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_from_bytes

from lockstitch.metrics.base import WebReply
from lockstitch.metrics.sentry.answer import (
    MOST_PAGES,
    Asked,
    ErrorCounts,
    MakeRequest,
    Stretch,
    Talk,
    TrackerError,
    count,
    read,
    strange,
    unknown_release,
)

_SCOPES = "the scopes event:read, org:read and project:read"
_MINUTE = 60.0
_NEXT = re.compile(r'rel="next";\s*results="true";\s*cursor="([^"]+)"')


def talk(make: MakeRequest, organization: str, project: str, environment: str, asked: Asked) -> Talk:
    """Ask whether the release is known, for its new issues page by page, and for the events of both times."""
    base = f"/api/0/organizations/{_part(organization)}"
    where = {"project": project} if project.isdigit() else {}
    named = "" if project.isdigit() else f"project:{project} "
    where |= {"environment": environment} if environment else {}

    def events(which: str, stretch: Stretch) -> Mapping[str, str]:
        times = {"start": _iso(stretch.begin), "end": _iso(stretch.end), "interval": "1m"}
        search = {"query": f"{named}{which}release:{asked.quoted}", "yAxis": "count()", "dataset": "errors"}
        return {**where, **times, **search}

    listed = {**where, "query": f"{named}firstRelease:{asked.quoted}", "statsPeriod": "14d", "limit": "100"}
    known, page, after, before = yield [
        make(f"{base}/releases/{_part(asked.name)}/", {}),
        make(f"{base}/issues/", listed),
        make(f"{base}/events-stats/", events("", asked.after)),
        make(f"{base}/events-stats/", events("!", asked.before)),
    ]
    if known.status == 404:
        raise unknown_release(asked)
    release = read(known, "", _SCOPES)
    if not isinstance(release, dict) or release.get("version") != asked.name:
        raise strange()
    missing = f"there is no organization {organization}, or no project {project} in it"
    counts = [
        _events(read(reply, missing, _SCOPES), at) for reply, at in ((after, asked.after), (before, asked.before))
    ]
    ids = _ids(read(page, missing, _SCOPES))
    for _ in range(MOST_PAGES):
        if not (cursor := _cursor(page)):
            break
        (page,) = yield [make(f"{base}/issues/", {**listed, "cursor": cursor})]
        ids |= _ids(read(page, missing, _SCOPES))
    return ErrorCounts(len(ids), *counts)


def _part(text: str) -> str:
    """Return a text as one part of a path."""
    return quote_from_bytes(text.encode(), safe="")


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _cursor(reply: WebReply) -> str:
    """Return where the next page begins: nothing else of the address that the server gives is followed."""
    match = _NEXT.search(reply.links)
    return match[1] if match else ""


def _ids(answer: Any) -> set[str]:
    if not isinstance(answer, list) or not all(isinstance(each, dict) and each.get("id") for each in answer):
        raise strange()
    return {str(each["id"]) for each in answer}


def _events(answer: Any, stretch: Stretch) -> int:
    """Return how many events there were. An answer that does not cover the time is not whole."""
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list):
        raise strange()
    try:
        buckets = {float(at): sum(count(each["count"]) for each in counts) for at, counts in data}
    except (TypeError, ValueError, KeyError) as error:
        raise strange() from error
    if not buckets or min(buckets) > stretch.begin + _MINUTE or max(buckets) < stretch.end - 2 * _MINUTE:
        raise TrackerError("its answer does not cover the time that was asked for", "does it keep events for so long?")
    return sum(buckets.values())
