"""The document of each task that has `--json`, key by key: the source of docs/json.md."""

from __future__ import annotations

from scripts.generate.document_keys import (
    APP,
    ASKED,
    BACKUP,
    CHECKED,
    COUNTED,
    ENTRY,
    HOST,
    HOST_FACTS,
    LOCK,
    MEASURED,
    MEDIAN,
    OUTCOME,
    PLAN,
    READING,
    RESULT,
    RUNBOOK,
    RUNS,
    SITE_SERVICE,
    SMOKE,
    SMOKE_JUDGED,
    TRANSFER,
    UNREACHABLE,
    UNRECORDED,
    WATCH,
    WORKER,
    Keys,
    by,
    each,
    maybe,
    optional,
)
from scripts.generate.report_keys import DAY, REPORT

BY_TASK: list[tuple[tuple[str, ...], str, Keys]] = [
    (
        RUNS,
        "a plan, an outcome or a refusal. A dry run and `plan` have the plan's keys, a run the outcome's, and a run "
        "that was refused after it was planned the plan's with `result: refused`.",
        {**ASKED, **OUTCOME, **PLAN},
    ),
    (
        ("run", "app.run", "keys.add", "keys.remove"),
        "the result of each host.",
        {
            "hosts": (optional(by("host", RESULT)), "the result of each host; not of a dry run"),
            "unrecorded": UNRECORDED,
        },
    ),
    (
        ("put", "get"),
        "the result of each host, and what was copied.",
        {"hosts": (by("host", {**RESULT, **TRANSFER}), "the result of each host"), "unrecorded": UNRECORDED},
    ),
    (
        ("processes", "disk.usage", "users.list"),
        "what each host answers; the keys of a value are those of the table.",
        {
            "hosts": (
                by(
                    "host",
                    {
                        "result": ("text", "ok, or why there is no answer"),
                        "answer": (optional(each("object")), "the values"),
                        "output": (optional("text"), "what was printed in place of an answer"),
                    },
                ),
                "the answer of each host",
            ),
            "unrecorded": UNRECORDED,
        },
    ),
    (
        ("keys.list",),
        "the keys that may log in.",
        {
            "keys": (
                each(
                    {
                        "host": HOST,
                        **{
                            n: ("text", m)
                            for n, m in {
                                "fingerprint": "its fingerprint",
                                "kind": "its kind",
                                "comment": "its comment",
                                "options": "its options",
                                "weak": "why it is weak; empty: it is not",
                            }.items()
                        },
                        "logged_in_with": ("boolean", "it is the one that lets you in"),
                    }
                ),
                "the keys",
            ),
            "results": (by("host", "text"), "the result of each host"),
            "unrecorded": UNRECORDED,
        },
    ),
    (
        ("notify.test",),
        "the channels, and whether each took the test.",
        {
            "channels": (
                each(
                    {
                        "channel": ("text", "its name"),
                        "kind": ("text", "the key of its kind"),
                        "sent": ("boolean", "it has taken the test"),
                        "reason": ("text", "why it has not; empty: it has"),
                    }
                ),
                "the channels",
            ),
        },
    ),
    (
        ("status",),
        "the release and the state of each site.",
        {
            "sites": (
                each(
                    {
                        "host": HOST,
                        "app": APP,
                        "layout": ("text", "in_place or releases"),
                        "revision": (maybe("text"), "the revision that is there"),
                        "release": (maybe("text"), "the release"),
                        "verdict": (maybe("text"), "good, bad, left, unknown"),
                        "tag": (maybe("text"), "its tag"),
                        "branch": (maybe("text"), "its branch"),
                        "serving": ("boolean", "it serves what lies there"),
                        "reason": ("text", "why, or why not"),
                        "health": (
                            maybe({"passed": ("boolean", "it is well"), "reason": ("text", "why, or why not")}),
                            "what the app's `health` says; null where it has none, or nothing is deployed",
                        ),
                        "under_way": ("boolean", "a run is changing it: its `lock` says which"),
                        "since": (maybe("integer"), "since when the service runs"),
                        "by": (maybe("text"), "who deployed it"),
                        "lock": (maybe(LOCK), "who holds its lock; null: nobody"),
                        "free": (maybe("integer"), "free space"),
                        "dirty": (each("text"), "uncommitted changes in the checkout"),
                        "unreadable": (each("text"), "what could not be read"),
                        "damaged": ("integer", "damaged lines of its journal"),
                        "unpublished": ("integer", "commits of it in no branch or tag"),
                        "differs": ("boolean", "it differs from the other hosts of its app"),
                        "maintenance": ("boolean", "it is in maintenance"),
                        "pending": (maybe(each("text")), "migrations that are pending; null where that is not known"),
                        "pids": (each("integer"), "its processes"),
                    }
                ),
                "the sites",
            ),
            "unreachable": UNREACHABLE,
        },
    ),
    (
        ("history",),
        "what was done: `entries`, or `commands` with `--by-hand`, or `run` with RUN; with `--stats` the rest.",
        {
            "window": (optional({"begin": ("text", "from"), "end": ("text", "until")}), "what is counted"),
            "frequency": (
                optional({**COUNTED, "per_week": (maybe("number"), "null where n is below 5")}),
                "how often a release was proven to serve",
            ),
            "lead_time": (
                optional({**COUNTED, **MEDIAN, "unknown": ("integer", "releases whose commit no host has")}),
                "from a commit until it was proven",
            ),
            "failure_rate": (
                optional(
                    {
                        **COUNTED,
                        "failed": ("integer", "how many of n failed"),
                        "share": (maybe("number"), "failed of n; null where n is below 5"),
                        "runs": (each("text"), "those that failed"),
                    }
                ),
                "how many deploys that users met failed",
            ),
            "recovery": (
                optional(
                    {
                        **COUNTED,
                        **MEDIAN,
                        "unknown": ("integer", "failed deploys of which it is not known how they ended"),
                        "not_over": ("integer", "failed deploys after which nothing was proven yet"),
                    }
                ),
                "how long that lasted",
            ),
            "notes": (optional(each("text")), "what is damaged or left out"),
            "entries": (
                optional(each({"app": APP, "hosts": (each("text"), "the hosts"), **ENTRY})),
                "what one run did to one app, the newest first; a host itself has no app",
            ),
            "commands": (optional(each("object")), "what was done by hand from this machine, the newest first"),
            "run": (
                optional(
                    {
                        "id": ("text", "the run"),
                        "kind": (maybe("text"), "deploy, restart, backup, …; null where no record says"),
                        "by": ("text", "who typed it"),
                        "message": ("text", "why"),
                        "at": (maybe("text"), "when it began"),
                        "ended": (maybe("text"), "when it ended, as far as the hosts know"),
                        "seconds": (maybe("number"), "how long it took; null where this machine has not recorded it"),
                        "result": ("text", "as in an entry, or as in the outcome"),
                        "entries": (each({"host": HOST, "app": APP, **ENTRY}), "the records of each site"),
                        "steps": (
                            each(
                                {
                                    "host": HOST,
                                    "app": APP,
                                    "step": ("text", "the step, such as build or reload"),
                                    "seconds": (maybe("number"), "how long it took; null: it has no end"),
                                    "code": (maybe("integer"), "how it ended"),
                                    "before": (maybe("number"), "how long it took the last time it was done well"),
                                    "before_run": ("text", "in which run"),
                                }
                            ),
                            "the steps of each site, in order",
                        ),
                        "readings": (each(READING), "what metric gates said, as far as this machine has recorded it"),
                        "measures": (each(MEASURED), "what was measured, as far as this machine has recorded it"),
                        "smoke": (each(SMOKE_JUDGED), "the smoke steps that were run"),
                        "watches": (
                            each(
                                {
                                    "at": (maybe("text"), "when it was begun"),
                                    "by": ("text", "who began it"),
                                    "start": (maybe("text"), "from when on its time counts"),
                                    "until": (maybe("text"), "when it was to end"),
                                    "seen": (maybe("text"), "the end of its last reading"),
                                    "ended": (maybe("text"), "when it ended; null: it runs, or was cut off"),
                                    "state": (
                                        "text",
                                        "running, over, back, superseded, stopped, rollback failed; began: cut off",
                                    ),
                                    "reason": ("text", "why it ended; may be empty"),
                                    "problems": (each("text"), "what did not pass"),
                                    "rollback": (maybe("text"), "the run that took the release back"),
                                    "process": (maybe("integer"), "the process that watches now"),
                                }
                            ),
                            "each time that its release was watched, as far as that is recorded here",
                        ),
                        "outcome": (
                            maybe("object"),
                            "the document of the run, where it is recorded",
                        ),
                        "by_hand": (maybe("object"), "the line of `history --by-hand`"),
                        "file": (maybe("text"), "the file with the output of each step"),
                        "source": (maybe("text"), "where its events are from: `this machine`, or the hosts by name"),
                    }
                ),
                "the record of one run",
            ),
        },
    ),
    (
        ("report",),
        "the report of a run, or with `--day` the summary of a day.",
        {
            "report": (optional(REPORT), "the report of a run"),
            "day": (optional(DAY), "the summary of a day"),
            "channels": (optional(each("object")), "the channels it was sent to, as in the document of `notify.test`"),
            "file": (maybe("text"), "the file it was written into; null: none"),
        },
    ),
    (
        ("report.note",),
        "what was added to the record of a run.",
        {
            "run": ("text", "the run"),
            "field": ("text", "the field"),
            "text": ("text", "the text, as it was recorded"),
            "by": ("text", "who"),
        },
    ),
    (
        ("history.export",),
        "the archive of a run.",
        {
            "run": ("text", "the run"),
            "path": ("text", "the archive"),
            "files": (each("text"), "what is in it"),
            "missing": (each("text"), "what it lacks: what could not be asked or read, or is damaged"),
        },
    ),
    (
        ("follow.add", "follow.list"),
        "what is to be done after runs.",
        {
            "follow_ups": (
                each(
                    {
                        "id": ("text", "its name for `follow.done`"),
                        "run": (maybe("text"), "the run"),
                        "text": (maybe("text"), "what is to be done"),
                        "owner": (maybe("text"), "by whom"),
                        "due": (maybe("text"), "until when"),
                        "link": (maybe("text"), "a page about it"),
                        "by": (maybe("text"), "who added it"),
                        "at": (maybe("text"), "when"),
                        "closed": (maybe("text"), "when it was done; null: it is not"),
                        "closed_by": (maybe("text"), "who said so"),
                        "late": ("boolean", "it should be done by now"),
                    }
                ),
                "the first due first",
            ),
        },
    ),
    (
        ("follow.done",),
        "what is done.",
        {"id": ("text", "the follow-up, or the duty"), "run": (maybe("text"), "the run; null for a duty")},
    ),
    (
        ("due",),
        "what is late.",
        {
            "due": (
                each(
                    {
                        "kind": ("text", "follow-up, duty, certificate, backup, flag, lock or skipped check"),
                        "about": ("text", "of what"),
                        "says": ("text", "why it is late"),
                        "owner": ("text", "who does it; may be empty"),
                        "command": ("text", "what to type"),
                    }
                ),
                "each thing that is late",
            ),
            "unknown": (each("text"), "what could not be asked or read: it may be late as well"),
        },
    ),
    (
        ("lock.show",),
        "the locks.",
        {
            "locks": (
                each({"host": HOST, "app": APP, "lock": (maybe(LOCK), "who holds it; null: nobody")}),
                "the lock of each site, databases included",
            )
        },
    ),
    (
        ("maintenance.status",),
        "what is in maintenance.",
        {
            "sites": (
                each(
                    {
                        "host": HOST,
                        "app": APP,
                        "on": (maybe("boolean"), "it is in maintenance; null: it has none, or cannot be asked"),
                        "since": ("anything", "since when"),
                        "by": (maybe("text"), "who put it there"),
                        "run": (maybe("text"), "the run that did"),
                        "left": ("boolean", "a run has left it there"),
                        "page": ("anything", "the page"),
                    }
                ),
                "the sites",
            ),
            "unreachable": UNREACHABLE,
        },
    ),
    (
        ("queue.status",),
        "the queues of each site.",
        {
            "sites": (
                each(
                    {
                        "host": HOST,
                        "app": APP,
                        "problem": ("text", "why there is no answer; empty: there is one"),
                        "workers": (optional(each(WORKER)), "its workers"),
                        "sizes": (optional(by("queue", maybe("integer"))), "how many jobs wait"),
                        "failed": (optional(maybe("integer")), "how many jobs have failed"),
                        "horizon": (optional("text"), "the state of Horizon; empty where there is none"),
                        "starting": (optional(each("text")), "systemd units that are about to start a worker again"),
                    }
                ),
                "the sites",
            )
        },
    ),
    (
        ("service.status",),
        "the services.",
        {"sites": (each(SITE_SERVICE), "the sites"), "unreachable": UNREACHABLE, "unrecorded": UNRECORDED},
    ),
    (
        ("check",),
        "the findings of each host.",
        {"hosts": (CHECKED, "the hosts"), "unrecorded": UNRECORDED},
    ),
    (
        ("doctor",),
        "the findings of this machine and of each host.",
        {"examined": (CHECKED, "`this machine`, and the hosts"), "unrecorded": UNRECORDED},
    ),
    (
        ("facts",),
        "what each host is.",
        {"hosts": (by("host", HOST_FACTS), "the hosts"), "unreachable": UNREACHABLE, "unrecorded": UNRECORDED},
    ),
    (
        ("packages.updates",),
        "the updates of each host.",
        {
            "hosts": (
                by(
                    "host",
                    {
                        "problem": (maybe("text"), "why they are not known"),
                        "lists_of": (optional("anything"), "when the lists were fetched"),
                        "reboot": (optional("boolean"), "it waits for a reboot"),
                        "reboot_because": (optional(each("text")), "packages that want it"),
                        "kept_back": (optional(each("text")), "packages that are kept back"),
                        "updates": (
                            optional(
                                each(
                                    {
                                        "name": ("text", "the package"),
                                        "from": (maybe("text"), "its version now"),
                                        "to": ("text", "its version then"),
                                        "origin": ("text", "where it comes from"),
                                        "security": ("boolean", "it is a security update"),
                                    }
                                )
                            ),
                            "the updates",
                        ),
                    },
                ),
                "the hosts",
            ),
            "unrecorded": UNRECORDED,
        },
    ),
    (
        ("smoke",),
        "the result of each step.",
        {**SMOKE, "plan": (optional(each("text")), "of a dry run: what would be sent"), "unrecorded": UNRECORDED},
    ),
    (
        ("smoke.clean",),
        "what was taken away, and what may still be there.",
        {
            **SMOKE,
            "notes": (optional(each("text")), "ledgers that cannot be read, or whose run goes on"),
            "forgotten": (optional(each("text")), "with --forget: the entries"),
        },
    ),
    (
        ("metrics",),
        "what each metric source understood.",
        {
            "sources": (by("source", by("host", "object")), "the answer of each host: requests, durations, or why not"),
            "unrecorded": UNRECORDED,
        },
    ),
    (
        ("measure",),
        "the result of each measure at each place.",
        {
            "run": ("text", "the run that they are recorded as"),
            "measures": (each(MEASURED), "the results"),
            "unrecorded": UNRECORDED,
        },
    ),
    (
        ("gates",),
        "the verdict of each gate.",
        {
            "apps": (
                by(
                    "app",
                    by(
                        "gate",
                        {
                            "verdict": ("text", "pass, fail, few, unclear, blind"),
                            "words": ("text", "why"),
                            "hint": ("text", "what to do about it; may be empty"),
                            "dry": ("boolean", "it decides nothing"),
                        },
                    ),
                ),
                "the gates of each app",
            ),
            "unrecorded": UNRECORDED,
        },
    ),
    (
        ("gates.try",),
        "past runs judged with the limits of today.",
        {
            "runs": (
                each(
                    {
                        "run": ("text", "the run"),
                        "kind": ("text", "deploy, rollback, …; watch: this machine has watched it, and not made it"),
                        "by": ("text", "who typed it"),
                        "at": (maybe("text"), "when its record begins"),
                        "back": (maybe("boolean"), "it would have gone back; null: its record does not show that"),
                        "way": ("text", "what follows: continue, back, ask"),
                        "when": (maybe("text"), "at which reading"),
                        "reason": ("text", "why; may be empty"),
                        "went": ("boolean", "it did go back then"),
                        "notes": (each("text"), "what its record does not show"),
                        "gates": (
                            each(
                                {
                                    "part": ("text", "pause (of a wave) or watch"),
                                    "app": APP,
                                    "gate": ("text", "the gate"),
                                    "verdict": (
                                        maybe("text"),
                                        "pass, fail, few, unclear, blind; null: the counts are of something else",
                                    ),
                                    "says": ("text", "why"),
                                    "then": ("text", "the verdict of then; empty: there was none"),
                                    "dry": ("boolean", "it decides nothing"),
                                }
                            ),
                            "each gate in each pause, and in the watch",
                        ),
                    }
                ),
                "the runs, the newest first",
            ),
            "judged": ("integer", "how many runs were judged"),
            "back": ("integer", "how many would have gone back"),
            "unknown": ("integer", "of how many that is not known"),
            "went": ("integer", "how many did go back then"),
            "unreadable": (each("text"), "records of this machine that cannot be read"),
            "unrecorded": UNRECORDED,
        },
    ),
    (
        ("watch",),
        "how a watch ended; of one that was detached, its process.",
        {
            **WATCH,
            "unrecorded": UNRECORDED,
        },
    ),
    (
        ("watch.list",),
        "the watches of this machine.",
        {
            "watches": (
                each(
                    {
                        "run": ("text", "the run"),
                        "state": (
                            maybe("text"),
                            "running, over, back, superseded, rollback failed, stopped; began: it was cut off",
                        ),
                        "process": (maybe("integer"), "the process that watches now"),
                        "start": (maybe("text"), "when it began"),
                        "until": (maybe("text"), "when it ends"),
                        "seen": (maybe("text"), "the end of its last reading"),
                        "problems": (each("text"), "what did not pass"),
                    }
                ),
                "the newest first",
            ),
            "unrecorded": UNRECORDED,
        },
    ),
    (
        (
            "runbook",
            "runbook.status",
            "runbook.resume",
            "runbook.sign",
            "runbook.confirm",
            "runbook.skip",
            "runbook.undo",
            "runbook.end",
        ),
        "where the run of a runbook is.",
        RUNBOOK,
    ),
    (
        ("env.check", "env.diff"),
        "each setting of each app on each host; no values.",
        {
            "settings": (
                each(
                    {
                        "name": ("text", "the variable"),
                        "app": APP,
                        "host": HOST,
                        "declared": ("text", "where its value is from: `is`, a reference, or `by hand`"),
                        "file": (
                            maybe("text"),
                            "what stands in the file: same, differs, set (nothing is declared to compare it with), "
                            "absent, unclear, unread; null without a file",
                        ),
                        "runs": (
                            maybe("text"),
                            "what the processes have: same, differs, absent, older, unreadable, unseen, built in; null "
                            "where they are not meant to have it",
                        ),
                        "evidence": (maybe("text"), "how that is known: environment, service, file age, reload"),
                        "problem": (maybe("text"), "what is wrong with it"),
                        "hint": (maybe("text"), "what to do about it"),
                        "unknown": ("boolean", "it could not be told"),
                        "note": (maybe("text"), "what was not compared"),
                    }
                ),
                "the settings",
            ),
            "undeclared": (
                each({"app": APP, "host": HOST, "name": ("text", "the variable")}),
                "names in the files that nobody declared",
            ),
            "unrecorded": UNRECORDED,
        },
    ),
    (
        ("flag.status",),
        "each feature flag where it is set.",
        {
            "flags": (
                each(
                    {
                        "flag": ("text", "the flag"),
                        "app": APP,
                        "host": HOST,
                        "kind": ("text", "its driver"),
                        "where": ("text", "where it is, in words"),
                        "value": (maybe("text"), "its value; null where it is not set, or cannot be read"),
                        "can_undo": ("boolean", "a change of it is recorded, which `flag.undo` takes back"),
                        "before": (maybe("text"), "the value before that change; null where it was not set"),
                        "problem": (maybe("text"), "what is wrong with it"),
                        "hint": (maybe("text"), "what to do about it"),
                    }
                ),
                "the flags",
            ),
            "unrecorded": UNRECORDED,
        },
    ),
    (
        ("database.check",),
        "the state of each database, and what is said of it.",
        {
            "databases": (by("database", "object"), "`passed`, `findings` as in `check`, and what the server says"),
            "unreachable": (by("database", "text"), "why it could not be asked"),
        },
    ),
    (
        ("backup.list",),
        "the backups of each database.",
        {
            "databases": (
                by(
                    "database",
                    {"free": (maybe("integer"), "free space there"), "backups": (each(BACKUP), "its backups")},
                ),
                "the databases",
            )
        },
    ),
    (
        ("backup.fetch",),
        "where the copy is.",
        {"name": (optional("text"), "the backup"), "path": (optional("text"), "its folder on this machine")},
    ),
    (
        ("backup.push",),
        "where the copies are.",
        {
            "pushed": (
                each(
                    {
                        "name": ("text", "the backup"),
                        "where": ("text", "where the copy is"),
                        "files": ("integer", "how many files it has"),
                        "bytes": ("integer", "how many bytes it has"),
                        "sent": ("integer", "how many files were sent"),
                        "already": ("boolean", "it was there already"),
                    }
                ),
                "the copies",
            )
        },
    ),
    (
        ("hosts",),
        "the selected hosts.",
        {
            "hosts": (
                each(
                    {
                        "environment": ("text", "the environment; empty for a plain host"),
                        "group": ("text", "the group"),
                        "host": HOST,
                        "address": ("text", "where it is reached"),
                        "through": (each("text"), "the gateways on the way"),
                        "apps": (each("text"), "its apps"),
                    }
                ),
                "the hosts",
            )
        },
    ),
    (
        ("logs",),
        "each record is a document of its own on a line, with `time`, `host`, `app`, `source` and `lines`. The "
        "document below is the last line, only where the task fails.",
        {},
    ),
]
