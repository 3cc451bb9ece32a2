"""Status, history and locks as text and JSON. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime, tzinfo
from typing import Any

from lockstitch.facts.release_folders import remarks
from lockstitch.facts.site import Facts, Survey
from lockstitch.model.format import moment, sized, when
from lockstitch.model.gate import Verdict
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.lock import LockInfo
from lockstitch.model.plan import Site
from lockstitch.model.release import short
from lockstitch.report.apps import who_left
from lockstitch.report.text import counted, table
from lockstitch.text import oneline, quoted

_HEADINGS = (
    "HOST",
    "APP",
    "REVISION",
    "RELEASE",
    "TAG",
    "BRANCH",
    "SERVING",
    "HEALTH",
    "SINCE",
    "BY",
    "LOCK",
    "FREE",
    "",
)


@dataclass(frozen=True)
class SiteStates:
    """State of sites: whether the service runs what lies there, whether the app says that it is well (only of
    those that have `health`), and the locks of runs that are changing them now."""

    serving: Mapping[Site, Verdict]
    health: Mapping[Site, Verdict] = field(default_factory=dict)
    under_way: Mapping[Site, LockInfo] = field(default_factory=dict)

    def problem(self, site: Site) -> str:
        """Return why a site does not serve; empty where it does, or a run is changing it."""
        health = self.health.get(site)
        if site in self.under_way or (self.serving[site].passed and (health is None or health.passed)):
            return ""
        if not self.serving[site].passed or health is None:
            return self.serving[site].reason
        return f"health: {health.reason}"


def status_text(survey: Survey, state: SiteStates, now: datetime, zone: tzinfo | None = None) -> str:
    """Return a line for each site, marks on hosts that differ from the rest of their app, why a site does not serve,
    and which runs are under way."""
    differing = differ(survey)
    rows = [_row(facts, state, site in differing) for site, facts in survey.facts.items()]
    lines = table(_HEADINGS, rows).splitlines()
    lines += _under_way(state, now, zone)
    for site, facts in survey.facts.items():
        if problem := state.problem(site):
            lines.append(f"! {site}: {oneline(problem)}")
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
        if facts.host.lock and site not in state.under_way:
            lines.append(f"! {site}: locked by {oneline(str(facts.host.lock))}")
    lines += [f"! {quoted(error.message)}" for error in survey.unreachable.values()]
    return "\n".join(lines)


def _under_way(state: SiteStates, now: datetime, zone: tzinfo | None) -> Iterator[str]:
    for lock in {lock.run: lock for lock in state.under_way.values()}.values():
        apps = ", ".join(dict.fromkeys(site.app for site, mine in state.under_way.items() if mine.run == lock.run))
        since, ago = when(lock.at, now, zone)
        why = f": {lock.message}" if lock.message and lock.message != lock.kind else ""
        what = f"a {lock.kind} of {apps} is under way since {since} ({ago})"
        yield oneline(f"{what}, by {lock.by}, run {lock.run}{why}")


def differ(survey: Survey) -> set[Site]:
    """Return the sites whose revision is not the one that most hosts of their app have."""
    odd: set[Site] = set()
    for app in {site.app for site in survey.facts}:
        mine = {site: facts.place.revision for site, facts in survey.facts.items() if site.app == app}
        usual, count = Counter(mine.values()).most_common(1)[0]
        tied = list(Counter(mine.values()).values()).count(count) > 1
        odd |= {site for site, revision in mine.items() if revision != usual or tied}
    return odd


def _row(facts: Facts, state: SiteStates, odd: bool) -> tuple[str, ...]:
    release, health = facts.release, state.health.get(facts.site)
    busy = facts.site in state.under_way
    return (
        facts.site.host,
        facts.site.app,
        short(facts.place.revision),
        release.id if release else "-",
        facts.place.tag or "-",
        facts.place.branch or "-",
        _word(state.serving[facts.site].passed, busy),
        "-" if health is None else _word(health.passed, busy),
        moment(facts.service.since),
        (release.by if release else "") or "-",
        facts.host.lock.by if facts.host.lock else "free",
        "-" if facts.host.free is None else sized(facts.host.free),
        "<- differs" if odd else "",
    )


def _word(passed: bool, busy: bool) -> str:
    return "yes" if passed else "run under way" if busy else "NO"


def status_json(survey: Survey, state: SiteStates) -> dict[str, Any]:
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
                "serving": state.serving[site].passed,
                "reason": state.serving[site].reason,
                "health": _health(state.health.get(site)),
                "under_way": site in state.under_way,
                "since": facts.service.since,
                "by": facts.release.by if facts.release else None,
                "lock": _holder(facts.host.lock) if facts.host.lock else None,
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


def _health(verdict: Verdict | None) -> dict[str, Any] | None:
    return None if verdict is None else {"passed": verdict.passed, "reason": verdict.reason}


LockHolders = Mapping[Site, LockInfo | None]


def locks_text(held: LockHolders) -> str:
    """Return a line for each site, databases included."""
    rows = [
        (site.host, site.app, *((info.by, info.at, info.run, info.message) if info else ("free", "", "", "")))
        for site, info in held.items()
    ]
    return table(("HOST", "APP", "HELD BY", "SINCE", "RUN", "WHY"), rows)


def _holder(info: LockInfo) -> dict[str, str]:
    return {"run": info.run, "by": info.by, "message": info.message, "at": info.at, "kind": info.kind}


def locks_json(held: LockHolders) -> dict[str, Any]:
    """Return the same for programs; `lock` is null where it is free."""
    return {
        "locks": [
            {"host": site.host, "app": site.app, "lock": _holder(info) if info else None} for site, info in held.items()
        ]
    }
