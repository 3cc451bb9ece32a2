"""Status, history and locks as text and JSON. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from lockstitch.facts.release_folders import remarks
from lockstitch.facts.site import Facts, Survey
from lockstitch.model.format import moment, sized
from lockstitch.model.gate import Verdict
from lockstitch.model.lock import LockInfo
from lockstitch.model.plan import Site
from lockstitch.model.release import short
from lockstitch.report.apps import who_left
from lockstitch.report.text import counted, table
from lockstitch.text import oneline, quoted

_HEADINGS = ("HOST", "APP", "REVISION", "RELEASE", "TAG", "BRANCH", "SERVING", "SINCE", "BY", "LOCK", "FREE", "")


def status_text(survey: Survey, serving: dict[Site, Verdict]) -> str:
    """Return a line for each site, marks on hosts that differ from the rest of their app, and why a site does not
    serve."""
    differing = differ(survey)
    rows = [_row(facts, serving[site], site in differing) for site, facts in survey.facts.items()]
    lines = table(_HEADINGS, rows).splitlines()
    for site, facts in survey.facts.items():
        if not serving[site].passed:
            lines.append(f"! {site}: {oneline(serving[site].reason)}")
        if facts.place.dirty:
            lines.append(f"! {site}: {len(facts.place.dirty)} uncommitted changes in the checkout")
        if facts.place.unpublished:
            many = counted(facts.place.unpublished, "commit")
            lines.append(f"! {site}: {many} of what is deployed in no branch or tag that was fetched")
        if facts.place.link and not facts.place.current:
            lines.append(f"! {site}: current is a link to {oneline(facts.place.link)}, outside releases")
        lines += [oneline(f"! {site}: {remark}") for remark in remarks(facts)]
        if facts.maintenance.on:
            owner = f", {who_left(facts)}" if facts.maintenance.temporary else ""
            lines.append(oneline(f"! {site}: in maintenance ({facts.maintenance}{owner})"))
        if facts.pending and (facts.pending.names or facts.pending.problem):
            lines.append(oneline(f"! {site}: {facts.pending}"))
        if facts.host.lock:
            lines.append(f"! {site}: locked by {oneline(str(facts.host.lock))}")
    lines += [f"! {quoted(error.message)}" for error in survey.unreachable.values()]
    return "\n".join(lines)


def differ(survey: Survey) -> set[Site]:
    """Return the sites whose revision is not the one that most hosts of their app have."""
    odd: set[Site] = set()
    for app in {site.app for site in survey.facts}:
        mine = {site: facts.place.revision for site, facts in survey.facts.items() if site.app == app}
        usual, count = Counter(mine.values()).most_common(1)[0]
        tied = list(Counter(mine.values()).values()).count(count) > 1
        odd |= {site for site, revision in mine.items() if revision != usual or tied}
    return odd


def _row(facts: Facts, serving: Verdict, odd: bool) -> tuple[str, ...]:
    release = facts.release
    return (
        facts.site.host,
        facts.site.app,
        short(facts.place.revision),
        release.id if release else "-",
        facts.place.tag or "-",
        facts.place.branch or "-",
        "yes" if serving.passed else "NO",
        moment(facts.service.since),
        (release.by if release else "") or "-",
        facts.host.lock.by if facts.host.lock else "free",
        "-" if facts.host.free is None else sized(facts.host.free),
        "<- differs" if odd else "",
    )


def status_json(survey: Survey, serving: dict[Site, Verdict]) -> dict[str, Any]:
    """Return the same for programs."""
    differing = differ(survey)
    return {
        "sites": [
            {
                "host": site.host,
                "app": site.app,
                "layout": site.layout.kind,
                "revision": facts.place.revision,
                "release": facts.release.id if facts.release else None,
                "verdict": facts.release.verdict if facts.release else None,
                "tag": facts.place.tag or None,
                "branch": facts.place.branch or None,
                "serving": serving[site].passed,
                "reason": serving[site].reason,
                "since": facts.service.since,
                "by": facts.release.by if facts.release else None,
                "lock": vars(facts.host.lock) if facts.host.lock else None,
                "free": facts.host.free,
                "dirty": list(facts.place.dirty),
                "unreadable": list(facts.unreadable),
                "damaged": facts.host.damaged,
                "unpublished": facts.place.unpublished,
                "differs": site in differing,
                "maintenance": facts.maintenance.on,
                "pending": list(facts.pending.names) if facts.pending and not facts.pending.problem else None,
                "pids": [process.pid for process in facts.service.workers],
            }
            for site, facts in survey.facts.items()
        ],
        "unreachable": {host: error.message for host, error in survey.unreachable.items()},
    }


LockHolders = Mapping[Site, LockInfo | None]


def locks_text(held: LockHolders) -> str:
    """Return a line for each site, databases included."""
    rows = [
        (site.host, site.app, *((info.by, info.at, info.run, info.message) if info else ("free", "", "", "")))
        for site, info in held.items()
    ]
    return table(("HOST", "APP", "HELD BY", "SINCE", "RUN", "WHY"), rows)


def locks_json(held: LockHolders) -> dict[str, Any]:
    """Return the same for programs; `lock` is null where it is free."""
    return {
        "locks": [
            {"host": site.host, "app": site.app, "lock": vars(info) if info else None} for site, info in held.items()
        ]
    }
