"""The types of the documents that `--json` prints, and the keys that several of them have."""

from __future__ import annotations

from typing import Literal, NamedTuple, Union

# `text`, `integer`, `number`, `boolean`, `object`, `anything`; or an object by its keys.
Shape = Union[str, "Meaning", dict[str, tuple["Shape", str]]]
Keys = dict[str, tuple[Shape, str]]


class Meaning(NamedTuple):
    """A type made of another one: a list of it, a mapping to it by `key`, it or null, or a key that may be missing."""

    how: Literal["each", "by", "maybe", "optional"]
    of: Shape
    key: str = ""

    @property
    def optional(self) -> bool:
        return self.how == "optional"


def each(of: Shape) -> Meaning:
    return Meaning("each", of)


def by(key: str, of: Shape) -> Meaning:
    return Meaning("by", of, key)


def maybe(of: Shape) -> Meaning:
    return Meaning("maybe", of)


def optional(of: Shape) -> Meaning:
    return Meaning("optional", of)


HOST: tuple[Shape, str] = ("text", "the host, by its name in the inventory")
APP: tuple[Shape, str] = ("text", "the app; of a database its name")
UNREACHABLE: tuple[Shape, str] = (by("host", "text"), "why a host could not be reached")

COMMON: Keys = {
    "task": (maybe("text"), "the task that was typed; null where the command line could not be read"),
    "exit_code": ("integer", "as the process exits: see [exit codes](exit-codes.md)"),
    "error": (
        maybe({"message": ("text", "what went wrong, where"), "hint": (maybe("text"), "what to type or do about it")}),
        "why the task failed; null where it did not, or where its answer tells (a check that failed, a command's code)",
    ),
}

COMMIT: Keys = {
    "revision": ("text", "the full commit id"),
    "author": ("text", "its author"),
    "subject": ("text", "its first line"),
}
ASKED: Keys = {
    "kind": (maybe("text"), "deploy, rollback, backup, restart, …; null where it was refused before there was a plan"),
    "environment": (maybe("text"), "the environment"),
    "run": ("text", "the id of the run: `fab -H ENV history RUN` shows its record"),
    "by": ("text", "who typed it, and on which machine"),
    "message": ("text", "why, as given with --message; may be empty"),
    "result": (
        "text",
        "done, planned, nothing to do, refused (nothing was changed), put back, needs a person, interrupted",
    ),
    "refs": (by("app", "text"), "the branch, tag or commit that was asked for"),
    "changes": (
        each(
            {
                "host": HOST,
                "app": APP,
                "from": (maybe("text"), "the full commit id before"),
                "to": (maybe("text"), "the full commit id after"),
                "release": ("text", "the release"),
                "coming": (each(COMMIT), "commits that come in, newest first, at most 200"),
                "going": (each(COMMIT), "commits that go"),
                "migrations": (each("text"), "the migrations that lie between, and those that wait"),
            }
        ),
        "what changes on which host",
    ),
    "commits": (by("app", each(COMMIT)), "commits that come in on any host; of a rollback those that go"),
    "flags": (
        each(
            {
                "flag": ("text", "the feature flag"),
                "app": APP,
                "host": HOST,
                "from": (maybe("text"), "its value before; null where it was not set"),
                "to": (maybe("text"), "its value after"),
            }
        ),
        "the feature flags that change",
    ),
    "backups": (
        each(
            {
                "host": HOST,
                "database": ("text", "its name in the inventory"),
                "name": ("text", "the backup: `fab -H ENV backup.restore NAME`"),
            }
        ),
        "of a plan the backups that it may make, of an outcome those that were made",
    ),
    "notes": (each("text"), "warnings, and what helps to go on"),
}
SECONDS: tuple[Shape, str] = ("number", "how long it took")
READING: Keys = {
    "app": APP,
    "gate": ("text", "the gate"),
    "answer": ("text", "pass, fail, few, unclear or blind"),
    "says": ("text", "the counts and the interval in words"),
    "hint": ("text", "what to do about it; may be empty"),
    "dry": ("boolean", "it decides nothing"),
    "bad": ("integer", "how many requests of the new hosts were bad"),
    "total": ("integer", "how many there were"),
    "old_bad": (maybe("integer"), "the same of what they are compared with; null: with nothing"),
    "old_total": (maybe("integer"), "how many there were"),
    "low": (maybe("number"), "the lower bound of the true value"),
    "high": (maybe("number"), "the upper bound"),
    "limit": (maybe("number"), "what it is judged by"),
    "begin": (maybe("text"), "when the release was taken"),
    "end": (maybe("text"), "until when requests were counted"),
    "last": ("boolean", "it decided; the others show how it was so far"),
}
SMOKE_STEP: Keys = {
    "app": ("text", "the app"),
    "host": (maybe("text"), "the host that it went to with --on; null: to the public address"),
    "step": ("text", "the step; `release` asks which release answers"),
    "result": ("text", "passed, flaky, failed, inconclusive, not run or left out; the first two are a pass"),
    "reason": ("text", "why; may be empty"),
    "asked": ("integer", "how many requests were sent, or commands run"),
    "judged": ("integer", "how many expectations were judged"),
    "seconds": ("number", "how long it took"),
    "revision": (maybe("text"), "the commit that answered, where that is known"),
    "tags": (each("text"), "its tags"),
}
SMOKE: Keys = {
    "run": (optional("text"), "the id of the run"),
    "passed": (optional("boolean"), "whether all is a pass"),
    "counts": (optional(by("result", "integer")), "how many steps ended in which way"),
    "steps": (optional(each(SMOKE_STEP)), "the result of each step, in the order they were run"),
    "cleaned": (optional("integer"), "how much that steps had made was taken away"),
    "leftovers": (
        optional(
            each(
                {
                    "entry": ("text", "its name in the ledger, for --forget"),
                    "app": ("text", "the app"),
                    "step": ("text", "the step that made it"),
                    "reason": ("text", "why it may still be there"),
                }
            )
        ),
        "what may still be there",
    ),
}
MEASURED: Keys = {
    "app": APP,
    "name": ("text", "the measure"),
    "kind": ("text", "its kind"),
    "host": ("text", "the host; `here` for this machine"),
    "verdict": ("text", "pass, fail, few, unclear or blind"),
    "says": ("text", "the numbers that decide, in words"),
    "hint": ("text", "what to do about it; may be empty"),
    "notes": (each("text"), "what is said beside it, and decides nothing"),
    "numbers": (by("name", "number"), "what was measured: seconds, bytes, counts, scores"),
    "lines": (each("text"), "what else is shown"),
    "release": ("text", "the release that served; empty where it is not known"),
    "revision": ("text", "its revision; empty where it is not known"),
    "before_run": ("text", "the run that it was compared with; empty for none"),
    "report": ("text", "the file of a whole report on this machine; may be empty"),
}
WATCH: Keys = {
    "run": ("text", "the run whose release was watched"),
    "state": (
        optional("text"),
        "over, back (the release was taken back), superseded (a later run came), rollback failed",
    ),
    "reason": (optional("text"), "why it went back or ended early; may be empty"),
    "problems": (optional(each("text")), "what did not pass"),
    "undecided": (optional(each("text")), "gates that neither passed nor failed, with the reason"),
    "process": (optional("integer"), "the process that watches, where it was detached"),
    "log": (optional("text"), "the file that it writes to"),
}
SMOKE_JUDGED: Keys = {
    **{key: value for key, value in SMOKE_STEP.items() if key != "tags"},
    "after_rollback": ("boolean", "it was run again after the run had gone back"),
}
OUTCOME: Keys = {
    "smoke": (optional(each(SMOKE_JUDGED)), "the critical smoke steps that were run"),
    "watch": (optional(WATCH), "how the watch ended that followed with --watch; `exit_code` is its own"),
    "seconds": (optional("number"), "how long it took"),
    "done": (optional(each("text")), "what is shown at the end of a run that is done"),
    "sites": (
        optional(
            each(
                {
                    "host": HOST,
                    "app": APP,
                    "from": (maybe("text"), "the revision before"),
                    "to": (maybe("text"), "the revision that was meant"),
                    "serving": (maybe("text"), "the revision that is there now; null where that is not known"),
                    "seconds": SECONDS,
                }
            )
        ),
        "the end of each site whose revision changes",
    ),
    "results": (
        optional(
            each(
                {
                    "host": HOST,
                    "app": APP,
                    "result": ("text", "done, failed, well, not begun, see to it"),
                    "seconds": SECONDS,
                }
            )
        ),
        "the end of each site of a run that changes no revision, such as a restart",
    ),
    "failures": (
        optional(
            each(
                {
                    "host": (maybe("text"), "where"),
                    "app": (maybe("text"), "of which app"),
                    "what": ("text", "the step or gate"),
                    "reason": ("text", "why"),
                    "hint": ("text", "what to do about it; may be empty"),
                    "output": (each("text"), "the last lines of the step"),
                    "logs": (by("file", each("text")), "the last lines of the app's logs"),
                }
            )
        ),
        "what failed; empty where nothing did",
    ),
    "gates": (optional(each(READING)), "the metric gates that judged a pause, each by its last reading"),
    "left": (
        optional(
            each(
                {
                    "host": HOST,
                    "app": APP,
                    "what": ("text", "what a person must do"),
                    "command": ("text", "what to type first"),
                }
            )
        ),
        "what needs a person",
    ),
}
PLAN: Keys = {
    "reason": (optional(maybe("text")), "why there is nothing to do"),
    "empty": (optional("boolean"), "there is nothing to do"),
    "hash": (optional("text"), "the hash of all that the plan does: the same facts have the same, on any machine"),
    "authors": (
        optional(
            by(
                "app",
                {
                    "known": ("boolean", "they are all known"),
                    "unknown": ("text", "why not; empty where they are"),
                    "people": (
                        each({"name": ("text", "the name"), "mail": ("text", "the mail address")}),
                        "authors and co-authors of the commits that come in",
                    ),
                },
            )
        ),
        "who wrote what comes in",
    ),
    "hooks": (
        optional(
            each(
                {
                    "event": ("text", "when it runs"),
                    "run": ("text", "the command"),
                    "on": ("text", "where"),
                    "timeout": ("number", "for how long at most"),
                }
            )
        ),
        "the commands of your own that belong to the run",
    ),
    "waves": (
        optional(
            each(
                {
                    "name": ("text", "the wave"),
                    "visible": ("boolean", "users can see what it changes"),
                    "pause": ("number", "how many seconds are waited after it"),
                    "watch": (
                        maybe(
                            {
                                "app": APP,
                                "gates": (each("text"), "the metric gates that judge the pause"),
                                "deciding": (each("text"), "those of them that decide"),
                                "not_worse": (each("text"), "those that failed before the change already"),
                                "waived": (each("text"), "those that may be blind"),
                            }
                        ),
                        "what judges the pause; null: nothing",
                    ),
                    "smoke": (
                        each(
                            {
                                "app": APP,
                                "steps": (each("text"), "the steps"),
                                "url": ("text", "where they go to"),
                                "host": (maybe("text"), "the host through which; null: to the public address"),
                            }
                        ),
                        "the smoke steps that are run after it",
                    ),
                    "units": (
                        each(
                            {
                                "host": HOST,
                                "app": APP,
                                "steps": (
                                    each({"name": ("text", "the step"), "says": ("text", "what it does")}),
                                    "its steps",
                                ),
                                "gates": (each("text"), "the gates behind it"),
                            }
                        ),
                        "the hosts that change at the same time",
                    ),
                }
            )
        ),
        "the waves of a plan, in order",
    ),
}
FINDING: Keys = {
    "check": ("text", "the check"),
    "level": ("text", "pass, note, warn, fail"),
    "says": ("text", "what was found"),
    "hint": ("text", "what to do about it; may be empty"),
}
CHECKED: Shape = by(
    "host",
    {
        "result": ("text", "ok, warned, failed, unreachable"),
        "words": ("text", "why it could not be asked"),
        "findings": (each({"about": ("text", "the app or database; may be empty"), **FINDING}), "the findings"),
    },
)
RESULT: Keys = {
    "result": ("text", "ok, failed, unreachable, interrupted"),
    "code": (maybe("integer"), "what it exited with there"),
    "words": ("text", "the result in words"),
    "seconds": SECONDS,
    "output": ("text", "what was printed, the last 256 KiB"),
    "cut": ("boolean", "the output was longer"),
}
UNRECORDED: tuple[Shape, str] = (optional("text"), "why the journal of this machine lacks it")
WORKER: Keys = {
    "pid": ("integer", "the process"),
    "since": ("integer", "when it began"),
    "code": ("text", "new, old, unknown"),
    "words": ("text", "its command line"),
}
LOCK: Keys = {
    "run": ("text", "the run that holds it"),
    "by": ("text", "whose it is"),
    "message": ("text", "why"),
    "at": ("text", "since when"),
    "kind": ("text", "deploy, restart, …; empty: the lock was taken by hand"),
}
BACKUP: Keys = {
    **{
        name: ("text", meaning)
        for name, meaning in {
            "name": "the backup",
            "at": "when its snapshot was taken",
            "sha256": "the checksum of its dump",
            "label": "its label",
            "app": "the app that ran",
            "revision": "the revision that ran",
            "head": "the newest migration in it",
            "run": "the run that made it",
            "by": "who made it",
            "engine": "the engine",
            "server": "the version of the server",
            "tool": "the version of the tool",
            "encoding": "the encoding",
            "collate": "the collation",
            "ctype": "the character type",
            "proven": "when it was last restored and compared; empty: never",
            "problem": "why nobody should count on it; empty: it is whole",
            "kept": "what keeps it; empty: nothing",
        }.items()
    },
    **{
        name: ("integer", meaning)
        for name, meaning in {
            "bytes": "the size of its dump",
            "size": "the size of the database",
            "tables": "how many tables",
            "rows": "how many rows",
        }.items()
    },
    "good": ("boolean", "it is whole"),
}
RUNS = (
    "deploy", "plan", "rollback", "backup", "backup.verify", "backup.prove", "backup.restore", "backup.prune",
    "database.analyze", "disk.clean", "maintenance.on", "maintenance.off", "packages.upgrade", "reboot",
    "service.start", "service.stop", "service.restart", "service.reload", "flag.set", "flag.rollout", "flag.undo",
    "env.push", "env.undo", "env.rotate",
)  # fmt: skip
TRANSFER: Keys = {
    "to": (optional("text"), "where it is now"),
    "files": (optional("integer"), "how many files"),
    "bytes": (optional("integer"), "how many bytes were sent"),
    "unchanged": (optional("integer"), "how many files were there already"),
    "resumed": (optional("integer"), "how many went on where they were cut off"),
}
SITE_SERVICE: Keys = {
    "host": HOST,
    "app": APP,
    "running": ("boolean", "the service runs"),
    "says": ("text", "what the service says of itself"),
    "since": (maybe("integer"), "since when it runs"),
    "workers": (each("integer"), "its processes"),
    "revision": (maybe("text"), "the revision that is there"),
    "at_boot": (maybe("text"), "whether it starts with the host, in its manager's word"),
    "serving": ("boolean", "it serves what lies there"),
    "reason": ("text", "why, or why not"),
}
HOST_FACTS: Keys = {
    **{
        name: ("text", meaning)
        for name, meaning in {
            "os": "the system", "kernel": "the kernel", "machine": "the architecture", "hostname": "its own name",
            "user": "who logs in", "zone": "its time zone", "virtual": "the kind of virtual machine; may be empty",
        }.items()
    },
    **{
        name: (maybe("integer"), meaning)
        for name, meaning in {
            "uptime": "for how long it is up", "cpus": "how many CPUs", "memory": "memory", "available": "free memory",
            "swap": "swap", "swap_free": "free swap",
        }.items()
    },
    "load": (each("number"), "the load averages"),
    "disks": (each("object"), "file systems: mount, size, free"),
    "programs": (by("program", "text"), "versions of programs"),
    "booted": (maybe("text"), "when it was booted"),
    "clock_offset": (maybe("number"), "how far its clock is from this machine's"),
    "clock_unsure": (maybe("number"), "what that may be wrong by"),
    "reboot_pending": (maybe("boolean"), "it waits for a reboot"),
}  # fmt: skip
# Of delivery statistics.
COUNTED: Keys = {"definition": ("text", "what is counted"), "n": ("integer", "how many values")}
MEDIAN: Keys = {"median": (maybe("number"), "in seconds; null where n is below 5")}

ENTRY: Keys = {
    name: ("text", meaning)
    for name, meaning in {
        "at": "when",
        "kind": "deploy, rollback, restart, lock.take, backup, …; empty where no record says",
        "result": "done, failed, left (a release that a rollback went back from), stopped, open (no end)",
        "run": "the run",
        "by": "who",
        "message": "why",
        "reason": "why it failed",
        "release": "the release",
        "revision": "the revision",
        "subject": "the backup, or what else it was about",
        "verdict": "of a release: good, bad, left",
        "before": "the revision before; may be empty",
    }.items()
}

EVIDENCE: Keys = {
    "name": ("text", "the need"),
    "result": ("text", "pass, fail or inconclusive"),
    "reason": ("text", "why"),
}
RUNBOOK: Keys = {
    "run": ("text", "the run of the runbook"),
    "runbook": ("text", "its name"),
    "environment": ("text", "the environment"),
    "ref": (maybe("text"), "what was given as --ref"),
    "revisions": (by("app", "text"), "the revision of each app when it began"),
    "by": ("text", "who began it"),
    "began": ("text", "when"),
    "ended": (maybe("text"), "when it ended"),
    "result": (maybe("text"), "done, undone or given up; null: it has not ended"),
    "owner": (maybe("text"), "who carries it out now"),
    "skipped": (
        each({"stage": ("text", "the stage"), "by": ("text", "who left it out"), "reason": ("text", "why")}),
        "the stages that were left out",
    ),
    "outside_window": (
        each({"stage": ("text", "the stage"), "by": ("text", "who began it"), "reason": ("text", "why")}),
        "the stages that began outside the window",
    ),
    "evidence": (each(EVIDENCE), "what was found of each need at last"),
    "stages": (
        each(
            {
                "stage": ("text", "its name"),
                "state": (
                    "text",
                    "open, running, began (it was cut off), done, failed, skipped, undo began, undo failed, undone",
                ),
                "risk": (maybe("text"), "low, medium or high"),
                "by": (maybe("text"), "who carried it out, confirmed or skipped it"),
                "began": (maybe("text"), "when it began"),
                "ended": (maybe("text"), "when it ended"),
                "seconds": (maybe("number"), "how long it took; until now, where it has not ended"),
                "planned": (maybe("number"), "the seconds that it was planned to take"),
                "late": ("number", "the seconds that it began after it was due"),
                "due": (maybe("text"), "of the next stage: when it may begin, where that is later than now"),
                "reason": (maybe("text"), "why it failed or was skipped, or what who confirmed it has noted"),
                "commands": (
                    each(
                        {
                            "command": ("text", "as written in the runbook"),
                            "run": ("text", "the id of its run, if it made one"),
                            "exit_code": (maybe("integer"), "null: no end is known"),
                            "undo": ("boolean", "whether it undid the stage"),
                        }
                    ),
                    "the commands that have begun",
                ),
                "sign_off": (
                    maybe(
                        {
                            "standing": ("text", "valid, missing, void, or unverified: it could not be judged"),
                            "reason": (maybe("text"), "why it is not valid"),
                            "signer": (maybe("text"), "who has signed"),
                            "signed": (maybe("text"), "when"),
                            "expires": (maybe("text"), "until when it is valid; null: as long as the run"),
                            "note": (maybe("text"), "the note that was signed"),
                            "file": (maybe("text"), "the name of the file whose hash was signed"),
                            "file_hash": (maybe("text"), "its SHA-256"),
                            "remarks": (each("text"), "what a person should know of it"),
                        }
                    ),
                    "of `runbook.status`: the verdict about what was signed; null: nobody has signed it",
                ),
            }
        ),
        "the stages in their order",
    ),
    "next": (each("text"), "what can be typed next, the likeliest first"),
    "to_sign": (optional("text"), "of `runbook.sign --text`: the text that is to be signed"),
}
