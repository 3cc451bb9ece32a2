"""Pure: what each app's service says of itself, and what of a host's packages is old."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockstitch.facts.packages import Packages
from lockstitch.facts.site import Facts, Survey
from lockstitch.model.gate import Verdict
from lockstitch.model.plan import Site
from lockstitch.model.release import short
from lockstitch.model.results import Done
from lockstitch.report.apps import moment
from lockstitch.report.text import table
from lockstitch.text import oneline, quoted

_WORDS = {True: "running", False: "DOWN"}
_SHOWN = 12


def services_text(survey: Survey, serving: Mapping[Site, Verdict]) -> str:
    """One line a site, and why one does not serve."""
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
    """Whether the service comes up with the host, in its manager's word; empty where that is not known."""
    return next((line.removeprefix("enabled ") for line in facts.service.also if line.startswith("enabled ")), "")


def services_json(survey: Survey, serving: Mapping[Site, Verdict]) -> dict[str, Any]:
    """The same for programs."""
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


def packages_text(found: Mapping[str, Packages | Done]) -> str:
    """How many updates each host waits for, then each of them once with its hosts."""
    rows, said = [], []
    same: dict[tuple[str, str, str, str], list[str]] = {}
    for host, one in found.items():
        problem = one.words if isinstance(one, Done) else one.problem
        if problem or isinstance(one, Done):
            said.append(f"! {host}: {oneline(problem)}")
            continue
        security = sum(update.security for update in one.updates)
        reboot = "yes" if one.pending else "no"
        rows.append((host, str(len(one.updates)), str(security), str(len(one.kept)), moment(one.refreshed), reboot))
        for update in one.updates:
            key = (update.name, update.old or "-", update.new, "yes" if update.security else "")
            same.setdefault(key, []).append(host)
    lines = [table(("HOST", "UPDATES", "SECURITY", "KEPT BACK", "LISTS OF", "REBOOT"), rows)] if rows else []
    each = [(*key, _some(hosts)) for key, hosts in sorted(same.items())]
    lines += ["", table(("PACKAGE", "FROM", "TO", "SECURITY", "HOSTS"), each)] if each else []
    return "\n".join([*lines, *said])


def _some(hosts: list[str]) -> str:
    more = len(hosts) - _SHOWN
    return ", ".join(hosts[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def packages_json(found: Mapping[str, Packages | Done]) -> dict[str, Any]:
    """The same for programs, by host; `problem` is null where its packages are known."""
    return {
        host: {"problem": one.words}
        if isinstance(one, Done)
        else {
            "problem": one.problem or None,
            "lists_of": one.refreshed,
            "reboot": one.pending,
            "reboot_because": list(one.because),
            "kept_back": list(one.kept),
            "updates": [
                {"name": u.name, "from": u.old or None, "to": u.new, "origin": u.origin, "security": u.security}
                for u in one.updates
            ],
        }
        for host, one in found.items()
    }
