"""The end of a run as text and JSON: failures with their last lines, the state of each site, the next command. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lockstitch.errors import ExitCode
from lockstitch.model.format import span
from lockstitch.model.outcome import Failure, Outcome, SiteOutcome
from lockstitch.model.plan import Change
from lockstitch.model.release import short
from lockstitch.report.gates import measured_text, reading_json
from lockstitch.report.plan import run_json
from lockstitch.report.smoke_checks import judged_json, judged_lines
from lockstitch.report.text import indented, table
from lockstitch.text import in_environment, oneline, quoted

_ENDINGS = {
    ExitCode.DONE: "done",
    ExitCode.REVERTED: "FAILED: every host is back where it was",
    ExitCode.NEEDS_A_PERSON: "FAILED: the hosts below need a person",
    ExitCode.CHECK_SAID_NO: "REFUSED: nothing was changed",
    ExitCode.INTERRUPTED: "INTERRUPTED: every host is back where it was",
}


# For programs.
_RESULTS = {
    ExitCode.DONE: "done",
    ExitCode.REVERTED: "put back",
    ExitCode.NEEDS_A_PERSON: "needs a person",
    ExitCode.CHECK_SAID_NO: "refused",
    ExitCode.INTERRUPTED: "interrupted",
}
_STANDING = {
    ExitCode.REVERTED: "FAILED: what was done stays, and no host needs a person",
    ExitCode.INTERRUPTED: "INTERRUPTED: what was done stays, and no host needs a person",
}


def outcome_text(outcome: Outcome) -> str:
    """Return the whole end of a run for people."""
    changes = {change.site: change for change in outcome.plan.changes}
    lines: list[str] = []
    for alike in _alike(outcome.failures):
        lines += [*_failure(alike, outcome.plan.environment), ""]
    headings = ("HOST", "APP", "FROM", "TO", "SERVING", "SECONDS")
    rows = [_row(site, changes[site.site]) for site in outcome.sites if site.site in changes]
    lines += table(headings, rows).splitlines() if rows else []
    lines += _each(outcome)
    lines += [f"  {oneline(measured_text(reading))}" for reading in outcome.readings]
    lines += [f"  {oneline(line)}" for line in judged_lines(outcome.smoke)]
    for action in outcome.manual_actions:
        lines += [f"! {action.site}: {_hanging(action.what)}"]
    lines += [f"! {oneline(note)}" for note in outcome.notes]
    ending = _ENDINGS[outcome.code]
    if _stands(outcome) and not outcome.manual_actions:
        ending = _STANDING.get(outcome.code, ending)
    if outcome.manual_actions and outcome.code is ExitCode.INTERRUPTED:
        ending = "INTERRUPTED: the hosts below need a person"
    lines += ["", f"{outcome.plan.kind} of {outcome.plan.environment} {ending} ({span(outcome.seconds, tenths=True)})"]
    lines += [oneline(sentence) for sentence in outcome.plan.summary if outcome.code is ExitCode.DONE]
    lines += [f"run {outcome.plan.run}", f"next: {_next(outcome)}"]
    return "\n".join(lines)


def _hanging(text: str) -> str:
    """Return lines of which all but the first are indented."""
    return "\n    ".join(oneline(line.strip()) for line in text.split("\n"))


def _alike(failures: Sequence[Failure]) -> list[list[Failure]]:
    """Return the failures in groups of the same step and reason, so that each is reported once for all its hosts."""
    stories: dict[tuple[str, str], list[Failure]] = {}
    for failure in failures:
        stories.setdefault((failure.what, failure.reason), []).append(failure)
    return list(stories.values())


def _failure(alike: Sequence[Failure], environment: str) -> list[str]:
    failure = alike[0]
    sites = [str(each.site) for each in alike if each.site]
    where = f"{', '.join(sites)}: " if sites else ""
    lines = [f"{where}{quoted(failure.reason)}"]
    lines += [f"HINT: {oneline(in_environment(failure.hint, environment))}"] if failure.hint else []
    of = f" on {failure.site.host}" if failure.site and len(alike) > 1 else ""
    if failure.output:
        lines += [f"  the last lines of `{oneline(failure.what)}`{of}:", *indented(failure.output)]
    for name, said in failure.logs.items():
        if said:
            lines += [f"  the last lines of {oneline(name)}:", *indented(said)]
    return lines


def _row(site: SiteOutcome, change: Change) -> tuple[str, ...]:
    serving = {"new": short(change.after), "old": short(change.before), "unknown": "unknown"}[site.where]
    return (
        site.site.host,
        site.site.app,
        short(change.before),
        short(change.after),
        serving,
        f"{site.seconds:.1f}",
    )


def _stands(outcome: Outcome) -> bool:
    """Tell whether the finished part of each wave stays even if others fail."""
    return any(wave.keep_on_failure for wave in outcome.plan.waves)


def _each(outcome: Outcome) -> list[str]:
    """Return the result of each host and app of a plan that changes no revisions."""
    if not _stands(outcome):
        return []
    rows = [(site.site.host, site.site.app, word, f"{site.seconds:.1f}") for site, word in _words(outcome)]
    return table(("HOST", "APP", "RESULT", "SECONDS"), rows).splitlines()


def _words(outcome: Outcome) -> list[tuple[SiteOutcome, str]]:
    begun = {unit.site for wave in outcome.plan.waves for unit in wave.site_plans}
    failed = {failure.site for failure in outcome.failures}
    words = {"new": "done", "unknown": "see to it"}
    return [
        (site, words.get(site.where) or ("failed" if site.site in failed else "well" if site.begun else "not begun"))
        for site in outcome.sites
        if site.site in begun
    ]


def _next(outcome: Outcome) -> str:
    environment = outcome.plan.environment
    if outcome.manual_actions:
        return outcome.manual_actions[0].command
    if outcome.code is ExitCode.DONE:
        return outcome.plan.next_command or f"fab -H {environment} status"
    if outcome.plan.kind in ("maintenance", "flag", "settings") or _stands(outcome):
        return outcome.plan.next_command
    if not outcome.plan.changes:
        return f"fab -H {environment} backup.list"
    # A run that was refused may have left no record.
    refused = outcome.code is ExitCode.CHECK_SAID_NO
    return f"fab -H {environment} history" + ("" if refused else f" {outcome.plan.run}")


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome for programs."""
    changes = {change.site: change for change in outcome.plan.changes}
    return {
        **run_json(outcome.plan),
        "result": _RESULTS[outcome.code],
        "exit_code": int(outcome.code),
        "backups": [{"host": made.site.host, "database": made.site.app, "name": made.name} for made in outcome.backups],
        "seconds": round(outcome.seconds, 3),
        "done": list(outcome.plan.summary) if outcome.code is ExitCode.DONE else [],
        "sites": [
            {
                "host": s.site.host,
                "app": s.site.app,
                "from": changes[s.site].before,
                "to": changes[s.site].after,
                "serving": {"new": changes[s.site].after, "old": changes[s.site].before}.get(s.where),
                "seconds": round(s.seconds, 3),
            }
            for s in outcome.sites
            if s.site in changes
        ],
        **({"results": [_result(site, word) for site, word in _words(outcome)]} if _stands(outcome) else {}),
        "failures": [_failure_json(failure, outcome.plan.environment) for failure in outcome.failures],
        "gates": [reading_json(vars(reading)) for reading in outcome.readings],
        "smoke": [judged_json({**each.as_fields(), "after_rollback": each.after_rollback}) for each in outcome.smoke],
        "notes": list(outcome.notes),
        "left": [
            {"host": x.site.host, "app": x.site.app, "what": x.what, "command": x.command}
            for x in outcome.manual_actions
        ],
    }


def _result(site: SiteOutcome, word: str) -> dict[str, Any]:
    return {"host": site.site.host, "app": site.site.app, "result": word, "seconds": round(site.seconds, 3)}


def _failure_json(failure: Failure, environment: str) -> dict[str, Any]:
    return {
        "host": failure.site.host if failure.site else None,
        "app": failure.site.app if failure.site else None,
        "what": failure.what,
        "reason": failure.reason,
        "hint": in_environment(failure.hint, environment),
        "output": list(failure.output),
        "logs": {name: list(lines) for name, lines in failure.logs.items()},
    }
