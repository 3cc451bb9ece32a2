"""The notices about a run: how it began and how it ended, in counts and known words. Pure.

No line of an output, of a log or of an answer is in a notice. What others have written (refs, commit subjects, names of
hosts) is in the values of its facts, in one line each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from lockstitch.errors import ExitCode
from lockstitch.model.format import span
from lockstitch.model.notice import Notice, NoticeEvent, NoticeLevel
from lockstitch.model.outcome import Outcome
from lockstitch.model.plan import Plan
from lockstitch.model.release import short, short_ref
from lockstitch.report.text import counted, table
from lockstitch.text import oneline

_SUBJECTS, _NAMES, _LONGEST = 3, 5, 160
_LEVELS: dict[NoticeEvent, NoticeLevel] = {
    "begun": "info",
    "done": "info",
    "failed": "error",
    "rolled_back": "warning",
    "refused": "warning",
    "interrupted": "warning",
    "needs_person": "critical",
    "killed": "critical",
    "test": "info",
    "day": "info",
    "waiting": "info",
    "message": "info",
}

Mask = Callable[[str], str]


def begun_notice(plan: Plan, at: str, masked: Mask) -> Notice:
    """Return the notice of a run whose first change is about to be made."""
    return _notice(plan, "begun", "has begun", at, masked)


def killed_notice(plan: Plan, at: str, masked: Mask) -> Notice:
    """Return the notice of a run whose process ended before it could tell the end."""
    said = "was cut off: its process was killed, and hosts may be half changed"
    return _notice(plan, "killed", said, at, masked, [("next", f"fab -H {plan.environment} status")])


def unwatched_notice(outcome: Outcome, at: str, masked: Mask) -> Notice:
    """Return the notice of a run that is done, and whose watch ended before it could tell its end."""
    notice, environment = end_notice(outcome, at, masked), outcome.plan.environment
    title = f"{outcome.plan.kind} of {environment} is done, and nobody watches it: its watch was cut off"
    facts = (*notice.facts, ("next", f"fab -H {environment} watch {outcome.plan.run}"))
    return replace(notice, event="killed", level="critical", title=title, facts=facts)


def end_notice(outcome: Outcome, at: str, masked: Mask) -> Notice:
    """Return the notice of a run that has ended."""
    plan, code = outcome.plan, outcome.code
    people = list(dict.fromkeys(action.site.host for action in outcome.manual_actions))
    stays = any(wave.keep_on_failure for wave in plan.waves)
    put = "what was done stays" if stays else "every host is back where it was"
    if code is ExitCode.DONE:
        notice = _notice(plan, "rolled_back" if plan.kind == "rollback" else "done", "is done", at, masked)
        notice = replace(notice, level="info")
    elif people or code is ExitCode.NEEDS_A_PERSON:
        notice = _notice(plan, "needs_person", f"failed: {counted(len(people), 'host')} need a person", at, masked)
    elif code is ExitCode.REVERTED:
        notice = _notice(plan, "failed" if stays else "rolled_back", f"failed: {put}", at, masked)
    elif code is ExitCode.INTERRUPTED:
        notice = _notice(plan, "interrupted", f"was interrupted: {put}", at, masked)
    else:
        notice = _notice(plan, "refused", "was refused: nothing was changed", at, masked)
    failed = [f"{f.what} of {f.site}" if f.site else f.what for f in outcome.failures]
    more = [
        ("failed", _some(dict.fromkeys(failed))),
        ("a person is needed on", _some(people)),
        ("took", span(outcome.seconds) if outcome.seconds else ""),
    ]
    return _with(notice, more, masked)


def defect_notice(plan: Plan, at: str, masked: Mask) -> Notice:
    """Return the notice of a run that a defect of Lockstitch has ended."""
    said = "failed by a defect of Lockstitch: hosts may need a person"
    return _notice(plan, "needs_person", said, at, masked, [("next", f"fab -H {plan.environment} status")])


def watched_notice(notice: Notice, at: str, state: str, problems: int, rollback: str) -> Notice:
    """Return the notice of a run that was done, once the watch that followed has ended so."""
    of = f"{notice.kind} of {notice.environment}"
    events: dict[str, tuple[NoticeEvent, str]] = {
        "back": ("rolled_back", f"was taken back by its watch, as run {rollback}"),
        "rollback failed": ("needs_person", "failed its watch, and could not be taken back: hosts need a person"),
        "superseded": ("done", "is done; a later run came before its watch had ended"),
        "stopped": ("interrupted", "is done; its watch was stopped"),
        "unbegun": ("failed", "is done, and its watch did not begin"),
        "over": ("done", "is done, and its watch has passed"),
    }
    event, said = events[state]
    if state == "over" and problems:
        event, said = "failed", f"is done, and its watch did not pass: {counted(problems, 'problem')}"
    facts = tuple(fact for fact in notice.facts if fact[0] != "next")
    return replace(notice, event=event, level=_LEVELS[event], at=at, title=f"{of} {said}", facts=facts)


def test_notice(environment: str, by: str, at: str) -> Notice:
    """Return a notice that only shows that notices arrive."""
    title = f"test of the notifications of {environment}: nothing has happened"
    return Notice("test", "info", "", "test", environment, at, title, (("by", oneline(by)),))


def events_of(notice: Notice) -> tuple[NoticeEvent, ...]:
    """Return the events whose channels are told of a notice."""
    if notice.event in ("rolled_back", "needs_person", "killed"):
        if notice.event == "rolled_back" and notice.level == "info":
            return "rolled_back", "done"
        return notice.event, "failed"
    return (notice.event,)


def sent_text(sent: Iterable[tuple[str, str, str]]) -> str:
    """Return the table of channels, their kinds, and why they did not take a notice."""
    return table(("CHANNEL", "KIND", "RESULT"), [(name, kind, problem or "sent") for name, kind, problem in sent])


def sent_json(sent: Iterable[tuple[str, str, str]]) -> dict[str, Any]:
    """Return the same as JSON."""
    return {
        "channels": [
            {"channel": name, "kind": kind, "sent": not problem, "reason": problem} for name, kind, problem in sent
        ]
    }


def _notice(
    plan: Plan, event: NoticeEvent, said: str, at: str, masked: Mask, more: Iterable[tuple[str, str]] = ()
) -> Notice:
    commits = [commit for some in plan.commits.values() for commit in some]
    # What a watch gives as the reason of its rollback may be an answer of the app.
    message = plan.message.partition(": ")[0] if plan.message.startswith("watch of ") else plan.message
    revisions = dict.fromkeys((change.site.app, change.after) for change in plan.changes)
    facts = [
        ("apps", _some(f"{app} {_ref(plan, app)}({short(revision)})" for app, revision in revisions)),
        ("hosts", _some(dict.fromkeys(site.host for site in plan.sites))),
        (
            "commits taken back" if plan.kind == "rollback" else "commits",
            _some((c.subject for c in commits), _SUBJECTS),
        ),
        ("by", plan.by),
        ("why", message),
        ("record", f"fab -H {plan.environment} history {plan.run}"),
    ]
    title = f"{plan.kind} of {plan.environment} {said}"
    notice = Notice(event, _LEVELS[event], plan.run, plan.kind, plan.environment, at, title, (), tuple(revisions))
    return _with(notice, [*facts, *more], masked)


def _with(notice: Notice, facts: Iterable[tuple[str, str]], masked: Mask) -> Notice:
    """Return the notice with further facts that have a value, each in one line."""
    said = tuple((name, oneline(masked(value))) for name, value in facts if value)
    return replace(notice, facts=(*notice.facts, *said))


def _ref(plan: Plan, app: str) -> str:
    ref = short_ref(plan.refs.get(app, ""))
    return f"{_cut(ref)} " if ref else ""


def _some(texts: Iterable[str], most: int = _NAMES) -> str:
    """Return how many there are, and the first of them."""
    known = [_cut(text) for text in texts]
    shown = "; ".join(known[:most])
    return f"{len(known)}: {shown}{'; …' if len(known) > most else ''}" if known else ""


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
