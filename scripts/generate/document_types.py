"""The document of each task that has `--json`, key by key: the source of docs/json.md."""

from __future__ import annotations

from scripts.generate.document_keys import (
    APP,
    ASKED,
    BACKUP,
    CHECKED,
    ENTRY,
    HOST,
    HOST_FACTS,
    LOCK,
    OUTCOME,
    PLAN,
    RESULT,
    RUNS,
    SITE_SERVICE,
    TRANSFER,
    UNREACHABLE,
    UNRECORDED,
    WORKER,
    Keys,
    by,
    each,
    maybe,
    optional,
)

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
        "what was done: `entries`, or `commands` with `--by-hand`, or `run` with RUN.",
        {
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
                        "outcome": (maybe("object"), "the document of the run, where this machine has recorded it"),
                        "by_hand": (maybe("object"), "the line of `history --by-hand`"),
                        "file": (maybe("text"), "the file with the output of each step"),
                    }
                ),
                "the record of one run",
            ),
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
        ("metrics",),
        "what each metric source understood.",
        {
            "sources": (by("source", by("host", "object")), "the answer of each host: requests, durations, or why not"),
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
