"""Maintenance, queues, services and packages as text and JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockstitch.facts.packages import Packages
from lockstitch.facts.site import Facts, Survey
from lockstitch.model.format import moment
from lockstitch.model.gate import Verdict
from lockstitch.model.plan import Site
from lockstitch.model.probe import collect, last
from lockstitch.model.release import short
from lockstitch.model.results import HostResult
from lockstitch.report.text import table
from lockstitch.services.queues import QueueState
from lockstitch.text import oneline, quoted


def maintenance_text(survey: Survey, knows: Mapping[Site, bool]) -> str:
    """Return a line for each site."""
    rows = []
    for site, facts in survey.facts.items():
        state = facts.maintenance
        mode = ("ON" if state.on else "off") if knows[site] and not state.unknown else "not known"
        who = who_left(facts) if state.temporary else state.by or ("by hand" if state.on else "")
        rows.append((site.host, site.app, mode, moment(state.since), who, state.unknown or state.page))
    lines = [table(("HOST", "APP", "MAINTENANCE", "SINCE", "BY", "PAGE"), rows)]
    return "\n".join([*lines, *(f"! {quoted(error.message)}" for error in survey.unreachable.values())])


def who_left(facts: Facts) -> str:
    """Return who put an app into maintenance for the length of a run: it is still under way if it holds the lock."""
    run, lock = facts.maintenance.run, facts.host.lock
    return f"put down by run {run}, which holds the lock" if lock and lock.run == run else f"left by run {run}"


def maintenance_json(survey: Survey, knows: Mapping[Site, bool]) -> dict[str, Any]:
    """Return the same for programs; `on` is null where the app has no maintenance or it cannot be asked."""
    sites = [
        {
            "host": site.host,
            "app": site.app,
            "on": facts.maintenance.on if knows[site] and not facts.maintenance.unknown else None,
            "since": facts.maintenance.since,
            "by": facts.maintenance.by or None,
            "run": facts.maintenance.run or None,
            "left": facts.maintenance.temporary,
            "page": facts.maintenance.page,
        }
        for site, facts in survey.facts.items()
    ]
    return {"sites": sites, "unreachable": {host: error.message for host, error in survey.unreachable.items()}}


def queues_text(states: Mapping[Site, QueueState | str]) -> str:
    """Return the jobs that wait and that failed, then the workers; a text in place of a state says why there is
    none."""
    rows, workers, said = [], [], []
    for site, state in states.items():
        if isinstance(state, str):
            said.append(f"! {site}: {oneline(state)}")
            continue
        sizes = ", ".join(f"{name} {'?' if size is None else size}" for name, size in state.sizes.items())
        failed = "?" if state.failed is None else str(state.failed)
        rows.append((site.host, site.app, str(len(state.workers)), sizes or "?", failed, state.horizon or "-"))
        workers += [(site.host, str(w.pid), moment(w.since), w.code, oneline(w.words)) for w in state.workers]
        said += [f"! {site}: {oneline(state.problem)}"] if state.problem else []
        said += [
            f"! {site}: a worker is about to be started again by its unit: {oneline(unit)}" for unit in state.starting
        ]
        said += [f"! {site}: worker {w.pid} runs the code before" for w in state.workers if w.code == "old"]
    parts = [table(("HOST", "APP", "WORKERS", "WAITING", "FAILED", "HORIZON"), rows)] if rows else []
    parts += [table(("HOST", "PID", "SINCE", "CODE", "WORKER"), workers)] if workers else []
    return "\n".join([*parts, *said])


def queues_json(states: Mapping[Site, QueueState | str]) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "sites": [
            {
                "host": site.host,
                "app": site.app,
                **({"problem": state} if isinstance(state, str) else state.as_data()),
            }
            for site, state in states.items()
        ]
    }


_WORDS = {True: "running", False: "DOWN"}
_SHOWN = 12


def services_text(survey: Survey, serving: Mapping[Site, Verdict]) -> str:
    """Return a line for each site, and why one does not serve."""
    headings = ("HOST", "APP", "SERVICE", "SINCE", "WORKERS", "REVISION", "AT BOOT", "SERVING")
    rows = [_service(facts, serving[site]) for site, facts in survey.facts.items()]
    nothing = [] if survey.unreachable else ["no app runs on these hosts"]
    lines = [table(headings, rows)] if rows else nothing
    lines += [f"! {site}: {oneline(no.reason)}" for site, no in serving.items() if not no.passed]
    return "\n".join([*lines, *(f"! {quoted(error.message)}" for error in survey.unreachable.values())])


def _service(facts: Facts, serving: Verdict) -> tuple[str, ...]:
    state = facts.service
    return (
        facts.site.host,
        facts.site.app,
        _WORDS[state.running],
        moment(state.since),
        str(len(state.workers)) if state.processes else "-",
        short(facts.place.revision),
        enabled(facts) or "-",
        "yes" if serving.passed else "NO",
    )


def enabled(facts: Facts) -> str:
    """Return whether the service starts with the host, in its manager's word; empty where that is unknown."""
    return last(collect(facts.service.also), "enabled")


def services_json(survey: Survey, serving: Mapping[Site, Verdict]) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "sites": [
            {
                "host": site.host,
                "app": site.app,
                "running": facts.service.running,
                "says": facts.service.note,
                "since": facts.service.since,
                "workers": [process.pid for process in facts.service.workers],
                "revision": facts.place.revision,
                "at_boot": enabled(facts) or None,
                "serving": serving[site].passed,
                "reason": serving[site].reason,
            }
            for site, facts in survey.facts.items()
        ],
        "unreachable": {host: error.message for host, error in survey.unreachable.items()},
    }


def packages_text(answers: Mapping[str, Packages | HostResult]) -> str:
    """Return the number of updates of each host, then each update once with its hosts."""
    rows, said = [], []
    same: dict[tuple[str, str, str, str], list[str]] = {}
    for host, state in answers.items():
        problem = state.words if isinstance(state, HostResult) else state.problem
        if problem or isinstance(state, HostResult):
            said.append(f"! {host}: {oneline(problem)}")
            continue
        security = sum(update.security for update in state.updates)
        reboot = "yes" if state.pending else "no"
        rows.append(
            (host, str(len(state.updates)), str(security), str(len(state.kept)), moment(state.refreshed), reboot)
        )
        for update in state.updates:
            key = (update.name, update.old or "-", update.new, "yes" if update.security else "")
            same.setdefault(key, []).append(host)
    lines = [table(("HOST", "UPDATES", "SECURITY", "KEPT BACK", "LISTS OF", "REBOOT"), rows)] if rows else []
    each = [(*key, _some(hosts)) for key, hosts in sorted(same.items())]
    lines += ["", table(("PACKAGE", "FROM", "TO", "SECURITY", "HOSTS"), each)] if each else []
    return "\n".join([*lines, *said])


def _some(hosts: list[str]) -> str:
    more = len(hosts) - _SHOWN
    return ", ".join(hosts[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def packages_json(answers: Mapping[str, Packages | HostResult]) -> dict[str, Any]:
    """Return the same for programs, by host; `problem` is null where its packages are known."""
    return {"hosts": {host: _packages(answer) for host, answer in answers.items()}}


def _packages(answer: Packages | HostResult) -> dict[str, Any]:
    if isinstance(answer, HostResult):
        return {"problem": answer.words}
    return {
        "problem": answer.problem or None,
        "lists_of": answer.refreshed,
        "reboot": answer.pending,
        "reboot_because": list(answer.because),
        "kept_back": list(answer.kept),
        "updates": [
            {"name": u.name, "from": u.old or None, "to": u.new, "origin": u.origin, "security": u.security}
            for u in answer.updates
        ],
    }
