"""The values Backup and BackupDirectory: a dump of a database with its manifest, and the folder on a host with them.

A backup is a folder `NAME/` with the dump and `manifest.json`, made under another name and renamed when it is whole.
The manifest is JSON of which a shell can read the lines: the facts of the backup first, then a line for each
proof, table and file.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import field, replace
from datetime import UTC, datetime
from typing import Any

from lockstitch.errors import UsageError
from lockstitch.model.folder import UnwritableFolder
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import KeyedLines, fields, object_of

MANIFEST = "manifest.json"
_LABEL = re.compile(r"[^A-Za-z0-9._]+")
# Of what a person may say of a backup, this much gets into its name.
_LONGEST_LABEL = 60
LONGEST_LABEL = 200
MODE = "700"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class BackupDirectory:
    """The folder on a host with the backups of one database. Its lock and journal are in `.lockstitch/DATABASE`."""

    directory: str
    database: str

    @property
    def state(self) -> str:
        return posixpath.join(self.directory, ".lockstitch", self.database)

    @property
    def marks(self) -> str:
        """The folder of the marks: a file for each backup that something was found against, by its name."""
        return posixpath.join(self.state, "damaged")


@dataclass(frozen=True)
class Backup:
    """A backup by its manifest. `problem` is why nobody should count on it; sizes in bytes.

    `at` is by the clock of its host, unlike the time in its name. `release` is (app, revision) of what was running when
    it was made, `head` the newest migration in it, `encoding`, `collate` and `ctype` what its text is in where that is
    known, `proven` when it was last restored and compared with what was dumped.
    """

    name: str
    at: str = ""
    bytes: int = 0
    size: int = 0
    sha256: str = ""
    label: str = ""
    app: str = ""
    revision: str = ""
    head: str = ""
    run: str = ""
    by: str = ""
    engine: str = ""
    server: str = ""
    tool: str = ""
    tables: int = 0
    rows: int = 0
    encoding: str = ""
    collate: str = ""
    ctype: str = ""
    proven: str = ""
    problem: str = ""

    @property
    def good(self) -> bool:
        """Tell whether it is whole, with nothing against it. Only `backup.prove` shows that it can be restored."""
        return not self.problem

    @property
    def when(self) -> datetime:
        """The time of its snapshot; the oldest time there is where it is unknown."""
        return moment(self.at) or datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class ServerFacts:
    """The facts of a database server, asked before anything is done with it; sizes in bytes.

    `able` are the rights that this login has (`create`: to make databases, `own`: to rename this one); `problem` is
    why the server or its tools cannot be used; `others` are the databases that Lockstitch made beside this one; `text`
    is what its text is in, by the names that a Backup has for it; `applied` are the migrations in the table of each
    tool, None where the table does not name them; `remedy` is what would give it a right it lacks.
    """

    server: str = ""
    tool: str = ""
    size: int | None = None
    able: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()
    problem: str = ""
    head: str = ""
    applied: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    text: Mapping[str, str] = field(default_factory=dict)
    remedy: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BackupDirectoryFacts:
    """The contents of a backup directory. `free` is in bytes, `lock` is who holds it and `lock_file` that file's text;
    `written` is the length of its journal, `now` its host's time, `unreadable` what could not be read and why."""

    backups: tuple[Backup, ...] = ()
    free: int | None = None
    missing: tuple[str, ...] = ()
    unwritable: tuple[UnwritableFolder, ...] = ()
    lock: str = ""
    lock_file: str = ""
    written: int = 0
    server: ServerFacts = field(default_factory=ServerFacts)
    now: str = ""
    unreadable: tuple[str, ...] = ()

    def find(self, name: str) -> Backup | None:
        """Return a backup by its name."""
        return next((backup for backup in self.backups if backup.name == name), None)

    @property
    def newest(self) -> Backup | None:
        """The newest backup that is whole; one from the future only where there is no other."""
        good = [b for b in self.backups if b.good]
        return max(good, key=lambda b: (b not in self.future, b.when, b.name), default=None)

    @property
    def future(self) -> tuple[Backup, ...]:
        """The backups that are dated later than their host's clock is now: that was wrong then, or is wrong now."""
        now = moment(self.now)
        return tuple(b for b in self.backups if b.good and now is not None and b.when > now)


def moment(text: str) -> datetime | None:
    """Return the UTC time that a host wrote; None where it is none."""
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def refuse_label(label: str) -> None:
    """Raise where a label is longer than a manifest's first line and a listing have room for."""
    if len(label) > LONGEST_LABEL:
        raise UsageError(
            f"the label is {len(label)} characters long, and may have {LONGEST_LABEL}; nothing was begun",
            hint="a word or two: --label before-the-sale",
        )


def backup_name(database: str, run: str, label: str = "") -> str:
    """Return the name of the backup that a run makes: the database, the run's moment and number, and its label."""
    clean = _LABEL.sub("-", label).strip("-.")[:_LONGEST_LABEL]
    return "-".join(part for part in (database, run, clean) if part)


def is_of(name: str, database: str) -> bool:
    """Tell whether a backup of that name would be one of that database."""
    return re.match(rf"{re.escape(database)}-\d{{8}}T\d{{6}}Z", name) is not None


def opened(**known: Any) -> str:
    """Return the first line of a manifest without its end, so that the host can add what it learns."""
    return json.dumps({"lockstitch": 1, **known}, separators=(",", ":"), ensure_ascii=False)[:-1]


def parse_backups(said: KeyedLines) -> tuple[Backup, ...]:
    """Return the backups of a listing, oldest first, from its lines `backup NAME LINE`, `proven NAME LINE`,
    `marked NAME LINE` and `broken NAME`."""
    unfinished = "it has no manifest: it was not finished, or that was removed"
    backups = {name: Backup(name, problem=unfinished) for name in _by_name(said, "broken")}
    backups |= {name: _backup(name, line) for name, line in _by_name(said, "backup").items()}
    marks = {name: _against(name, _object(line)) for name, line in _by_name(said, "marked").items()}
    proofs = {name: _object("{" + line.rstrip(",") + "}") for name, line in _by_name(said, "proven").items()}
    whole = [
        replace(b, proven=str(proofs.get(b.name, {}).get("at", "")), problem=b.problem or marks.get(b.name, ""))
        for b in backups.values()
    ]
    return tuple(sorted(whole, key=lambda b: (b.when, b.name)))


def _by_name(said: KeyedLines, word: str) -> dict[str, str]:
    """Return the rest of each of a word's lines by the name that it begins with."""
    lines = (fields(line, 2) for line in said[word])
    return {name: rest for name, rest in lines if NAME.fullmatch(name)}


def _against(name: str, mark: Mapping[str, Any]) -> str:
    """Return what was found against a backup, when, and how to look at it again."""
    task = "prove" if mark.get("by") == "prove" else "verify"
    what = "it could not be restored" if task == "prove" else "damaged"
    at, why = str(mark.get("at", "")) or "an unknown time", str(mark.get("why", "")) or "no reason is known"
    return f"{what}, says backup.{task} of {at}: {why}; to look again: backup.{task} {name}"


def _backup(name: str, line: str) -> Backup:
    entry = _object(line.rstrip(",") + "}")
    if entry.get("name") != name or not entry.get("sha256"):
        return Backup(name, problem="its manifest cannot be read")
    kinds: Mapping[str, type] = {"bytes": int, "size": int, "tables": int, "rows": int}
    fields = {k: _of(kinds.get(k, str), entry[k]) for k in Backup.__dataclass_fields__ if k in entry and k != "problem"}
    return Backup(**fields)


def _of(kind: type, value: Any) -> Any:
    if kind is int:
        return value if isinstance(value, int) and not isinstance(value, bool) else 0
    return str(value)


def _object(text: str) -> Mapping[str, Any]:
    value = object_of(text) or {}
    proof = value.get("proven")
    return proof if isinstance(proof, dict) and len(value) == 1 else value
