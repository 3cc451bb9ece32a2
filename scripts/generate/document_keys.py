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
            }
        ),
        "what changes on which host",
    ),
    "commits": (by("app", each(COMMIT)), "commits that come in on any host; of a rollback those that go"),
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
OUTCOME: Keys = {
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
                    "pause": ("number", "for how long it is watched"),
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
    "service.start", "service.stop", "service.restart", "service.reload",
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
ENTRY: Keys = {
    name: ("text", meaning)
    for name, meaning in {
        "at": "when",
        "kind": "deploy, rollback, restart, lock.take, backup, …; empty where no record says",
        "result": "done, failed, left (a release that a rollback went back from), open (no end was recorded)",
        "run": "the run",
        "by": "who",
        "message": "why",
        "reason": "why it failed",
        "release": "the release",
        "revision": "the revision",
        "subject": "the backup, or what else it was about",
        "verdict": "of a release: good, bad, left",
    }.items()
}
