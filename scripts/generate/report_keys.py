"""The keys of a report in the documents that `--json` prints."""

from __future__ import annotations

from scripts.generate.document_keys import COMMIT, EVIDENCE, Keys, by, each, maybe

SHARE: Keys = {
    "bad": ("integer", "how many were bad"),
    "total": ("integer", "of how many"),
    "low": ("number", "the lower bound of the true share, with a confidence of 95 %"),
    "high": ("number", "the upper one"),
    "at": (maybe("number"), "the end of the window, in epoch seconds"),
}
STEP: Keys = {
    "name": ("text", "its name"),
    "says": (each("text"), "what it was to do"),
    "planned": (maybe(each("text")), "the sites it was planned on; null where no recorded plan has it"),
    "begun": (each("text"), "the sites it was begun on"),
    "failed": (each("text"), "those it failed on"),
    "cut": (each("text"), "those that have no end of it"),
    "start": (maybe("number"), "its begin, in seconds after that of the run"),
    "seconds": (maybe("number"), "the time of its slowest site"),
    "slowest": ("text", "that site"),
    "last": (maybe("number"), "the time it took in the release before"),
}
PHASE: Keys = {
    "name": ("text", "the wave, `going back`, or the end"),
    "state": ("text", "done, failed, left out, not begun or cut off"),
    "start": (maybe("number"), "its begin, in seconds after that of the run"),
    "seconds": (maybe("number"), "how long it took, the pause included"),
    "pause": ("number", "the pause that was planned after it, in seconds"),
    "steps": (each(STEP), "its steps"),
}
SERIES: Keys = {
    "phase": ("text", "the wave, or `watch`"),
    "app": ("text", "the app"),
    "gate": ("text", "the gate"),
    "answer": ("text", "its verdict"),
    "says": ("text", "why, in words"),
    "dry": ("boolean", "it decides nothing"),
    "decided": ("boolean", "the last reading decided"),
    "before": (maybe(SHARE), "the new hosts before the release"),
    "readings": (each(SHARE), "the new hosts since, one reading after the other"),
    "old": (maybe(SHARE), "the hosts with the old release"),
    "limit": (maybe("number"), "the limit of the share; null where the gate judges something else"),
    "values": (each(each("number")), "time and value of each reading of a gate that judges a value"),
}
REPORT: Keys = {
    "run": ("text", "the run"),
    "kind": ("text", "deploy, rollback, …; empty where the record lacks its beginning"),
    "environment": ("text", "the environment"),
    "by": ("text", "who"),
    "message": ("text", "why"),
    "began": ("text", "when it began"),
    "ended": ("text", "when it ended; of one without an end the last event"),
    "seconds": (maybe("number"), "how long it took"),
    "result": ("text", "its result; empty where the record has no end"),
    "exit_code": (maybe("integer"), "its exit code"),
    "cut": ("boolean", "the record has no end: the run was cut off, or is still running"),
    "source": ("text", "where the record was read"),
    "problems": (each("text"), "what the record lacks, and what of it is damaged"),
    "last_run": ("text", "the release before, which it is compared with; empty: there is none"),
    "changes": (
        each(
            {
                "app": ("text", "the app"),
                "hosts": (each("text"), "its hosts"),
                "before": ("text", "the former revision; empty: there was none"),
                "after": ("text", "the revision"),
                "release": ("text", "the release"),
                "ref": ("text", "the branch, tag or commit that was asked for"),
            }
        ),
        "what changed where",
    ),
    "commits": (by("app", each(COMMIT)), "the commits that came, or of a rollback went"),
    "flags": (
        each(
            {
                "flag": ("text", "the flag"),
                "app": ("text", "its app"),
                "from": ("text", "its former value, in words"),
                "to": ("text", "its value, in words"),
            }
        ),
        "flags that changed",
    ),
    "backups": (each("text"), "the backups that were made"),
    "phases": (each(PHASE), "the timeline, beside the plan"),
    "rollback": ("text", "why it went back by itself; empty: it did not"),
    "remarks": (each("text"), "what was decided on the way"),
    "gates": (
        each(
            {
                "phase": ("text", "the wave, or `going back`"),
                "site": ("text", "where"),
                "gate": ("text", "the gate"),
                "answer": ("text", "its last answer"),
                "reason": ("text", "why"),
                "tries": ("integer", "how often it was asked"),
            }
        ),
        "gates other than metric gates",
    ),
    "series": (each(SERIES), "metric gates"),
    "smoke": (
        each(
            {
                **{name: ("text", text) for name, text in {"app": "the app", "host": "the host; empty: none"}.items()},
                "step": ("text", "the step"),
                "result": ("text", "its result"),
                "reason": ("text", "why"),
                "seconds": (maybe("number"), "how long it took"),
                "after_rollback": ("boolean", "it was run after going back"),
                "last": ("text", "its result in the release before; empty: there is none"),
            }
        ),
        "smoke steps",
    ),
    "measures": (
        each(
            {
                "app": ("text", "the app"),
                "name": ("text", "the measure"),
                "host": ("text", "where it was taken"),
                "at": ("text", "when"),
                "verdict": ("text", "its verdict"),
                "says": ("text", "why, in words"),
                "numbers": (by("name", "number"), "its numbers"),
                "before": (by("name", "number"), "those of the run it is compared with"),
                "before_run": ("text", "that run; empty: none"),
            }
        ),
        "the newest result of each measure",
    ),
    "watches": (each("object"), "as in the document of `history RUN`"),
    "failures": (
        each(
            {
                "site": ("text", "where"),
                "what": ("text", "the step or gate"),
                "reason": ("text", "why"),
                "hint": ("text", "what to do"),
                "output": (each("text"), "its last lines"),
                "logs": (by("file", each("text")), "the last lines of the app's logs"),
            }
        ),
        "what failed",
    ),
    "actions": (
        each({n: ("text", m) for n, m in {"site": "where", "what": "what", "command": "to begin with"}.items()}),
        "what a person must do",
    ),
    "plan_notes": (each("text"), "the notes of the plan"),
    "notes": (each("text"), "the notes of the end"),
    "people": (
        each(
            {
                "field": ("text", "note, issue, satisfaction or lesson"),
                "text": ("text", "the text"),
                "at": ("text", "when"),
                "by": ("text", "who"),
            }
        ),
        "what people have added",
    ),
    "stages": (
        each(
            {
                "name": ("text", "the stage"),
                "state": ("text", "its last state"),
                "by": ("text", "who brought it there; of a sign-off the signer"),
                "reason": ("text", "why"),
                "at": ("text", "when"),
                "seconds": (maybe("number"), "how long it took"),
                "planned": (maybe("number"), "the seconds that it was planned to take"),
                "risk": ("text", "low, medium or high; empty where it has none"),
                "runs": (each("text"), "the runs of its commands and of its undo"),
            }
        ),
        "the stages of a runbook; else empty",
    ),
    "outside_window": (
        each({"stage": ("text", "the stage"), "by": ("text", "who began it"), "reason": ("text", "why")}),
        "the stages of a runbook that began outside its window",
    ),
    "evidence": (each(EVIDENCE), "what was found of each need of a runbook at last"),
    "signed_files": (
        each(
            {
                "stage": ("text", "the stage"),
                "signer": ("text", "who has signed"),
                "name": ("text", "the name of the file"),
                "digest": ("text", "its SHA-256"),
                "problem": ("text", "why it cannot be had as it was signed; empty where it can"),
            }
        ),
        "the files that were signed with stages of a runbook",
    ),
    "follow_ups": (each("object"), "what is to be done after it, as in the document of `follow.list`, without `late`"),
}
DAY: Keys = {
    "environment": ("text", "the environment"),
    "since": ("text", "its begin"),
    "until": ("text", "its end"),
    "counts": (by("ending", "integer"), "how many runs ended in which way"),
    "runs": (
        each(
            {
                **{key: REPORT[key] for key in ("run", "kind", "by", "message", "began", "ended", "seconds", "result")},
                **{key: REPORT[key] for key in ("cut", "rollback", "problems")},
                "ending": ("text", "done, failed, taken back, refused, interrupted or without an end"),
                "why": ("text", "why it failed or was taken back"),
            }
        ),
        "the runs, the newest first",
    ),
    "problems": (each("text"), "what could not be read"),
}
