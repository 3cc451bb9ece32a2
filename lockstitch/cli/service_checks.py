"""The findings of `check` on what serves: the service of each app, and the app's own health."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from lockstitch import plans
from lockstitch.cli.session import Session
from lockstitch.engine.survey import survey
from lockstitch.facts.site import Facts
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.finding import Finding
from lockstitch.model.gate import Verdict
from lockstitch.model.lock import LockInfo
from lockstitch.report.checks import CheckedHost


def service_findings(session: Session, fleet: Fleet, skipped: Collection[str]) -> dict[str, CheckedHost]:
    """Return the findings on the service and the health of each app, by host; none of those that are skipped."""
    if {"service", "health"} <= set(skipped) or not fleet.sites():
        return {}
    asks = plans.usual_asks(fleet)
    answers = survey(session.remote, asks if "health" in skipped else plans.with_health(asks))
    serving, health = plans.serving(fleet, answers), plans.health(fleet, answers)
    busy = plans.under_way(answers, datetime.now(UTC))
    hosts = {host: CheckedHost(away=error.message, hint=error.hint) for host, error in answers.unreachable.items()}
    for site, facts in answers.facts.items():
        result = []
        if "service" not in skipped:
            result.append(_service(facts, serving[site], busy.get(site), fleet.inventory.name))
        if site in health:
            result.append(_health(health[site], busy.get(site), fleet.inventory.name))
        if site.host not in answers.unreachable:
            before = hosts.get(site.host, CheckedHost()).findings
            hosts[site.host] = CheckedHost((*before, *((site.app, finding) for finding in result)))
    return hosts


def _service(facts: Facts, verdict: Verdict, lock: LockInfo | None, environment: str) -> Finding:
    if not facts.deployed and not facts.unreadable:
        return Finding("service", "pass", "nothing is deployed here yet")
    return _finding("service", verdict, lock, f"fab -H {environment} service.status, and logs")


def _health(verdict: Verdict, lock: LockInfo | None, environment: str) -> Finding:
    return _finding("health", verdict, lock, f"fab -H {environment} logs")


def _finding(check: str, verdict: Verdict, lock: LockInfo | None, hint: str) -> Finding:
    if verdict.passed:
        return Finding(check, "pass", verdict.reason or "it serves what lies there")
    if lock is not None:
        return Finding(check, "note", f"a {lock.kind} is under way, by {lock.by}, run {lock.run}: {verdict.reason}")
    return Finding(check, "fail", verdict.reason, verdict.hint or hint)
