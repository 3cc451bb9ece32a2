"""Pure: the steps of backups and restores, on the host that holds the backups."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from dataclasses import replace
from hashlib import sha256

from lockstitch.databases import backup_directory
from lockstitch.databases.backup import Backup, BackupDirectoryFacts, backup_name, opened
from lockstitch.databases.engine import Engine, in_vault, on_dump, with_dump
from lockstitch.facts.database import database_site
from lockstitch.inventory.model import Database
from lockstitch.model.command import Command, Value
from lockstitch.model.gate import Gate, Verdict, failed, passed
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Site, Step
from lockstitch.model.probe import Probe, collect
from lockstitch.plans.shell_texts import RECORD

# How much of a database's size its first dump is taken to need; later ones are measured by the one before.
_FIRST = 0.5
_MARGIN = 1.25


@dataclass(frozen=True)
class BackupLabel:
    """The reason for a backup, and the app and revision that ran when it was made."""

    label: str = ""
    app: str = ""
    revision: str = ""


@dataclass(frozen=True)
class DatabaseJob:
    """One database with its facts, for one run. `url` is of the database that serves, `prove` of the server where dumps
    are proven."""

    database: Database
    facts: BackupDirectoryFacts
    url: Value
    run: str
    by: str
    prove: Value = ""

    @property
    def engine(self) -> Engine:
        return self.database.engine

    @property
    def site(self) -> Site:
        return database_site(self.database)

    def beside(self, what: str) -> str:
        """Return the name of a database that this run makes beside the one that serves."""
        return f"{self.prefix(what)}{self.run.partition('-')[0]}"

    def prefix(self, what: str) -> str:
        """Return the prefix of the names of all such databases, of this run and of others."""
        mark = f"__{what}_"
        return f"{self._base(mark)}{mark}"

    @property
    def proving(self) -> str:
        """The mark of scratch databases, by backup directory: backups of several may be proven on one server."""
        at = f"{self.database.host.name}:{self.database.vault.directory}:{self.database.name}"
        return f"proving_{sha256(at.encode()).hexdigest()[:6]}"

    def _base(self, mark: str) -> str:
        room = self.engine.longest_name - len(mark) - len("20260101T000000Z")
        return self.engine.database(self.url).encode()[:room].decode(errors="ignore")

    def command(self, text: str, name: str = "", *, beside: str = "", url: Value = "", **more: Value) -> Command:
        """Return a Command of an engine's text, with the variables of the login, of the backup directory, and
        `more`."""
        login = self.engine.login(url or self.url, beside)
        return in_vault(self.database.vault, name, text, {**login, "jobs": str(self.database.jobs), **more})

    def step(self, name: str, says: str, command: Command, undo: Command | None = None, expects: int = 0) -> Step:
        return Step(name, says, command, undo, timeout=self.database.timeout, expects=expects)


def new_name(shelf: DatabaseJob, label: str = "") -> str:
    """Return the name of the backup that this run makes."""
    return backup_name(shelf.database.name, shelf.run, label)


def dump(shelf: DatabaseJob, name: str, made: BackupLabel) -> Step:
    """Dump the database, with a manifest. A dump gets its name once it is whole."""
    known = opened(
        name=name,
        database=shelf.database.name,
        engine=shelf.engine.kind,
        label=made.label,
        app=made.app,
        revision=made.revision,
        run=shelf.run,
        by=shelf.by,
        **shelf.facts.server.text,
    )
    text = backup_directory.BEGIN + shelf.engine.dump + backup_directory.FINISH
    says = f"dump {shelf.engine.database(shelf.url)} as {name}"
    command = shelf.command(text, name, known=known, heads=shelf.engine.heads)
    return replace(shelf.step("backup", says, command, expects=estimate(shelf) or 0), outputs_for=made.app, warns=True)


def head(shelf: DatabaseJob, app: str) -> Step:
    """Read the newest migration, for the record of an app's release."""
    command = shelf.command(shelf.engine.head, heads=shelf.engine.heads)
    step = shelf.step("migration", "note the newest migration", command)
    return replace(step, outputs_for=app)


def estimate(shelf: DatabaseJob) -> int | None:
    """Estimate the size of the next dump in bytes, by the dump before, or as half of the database if there is none."""
    size, last = shelf.facts.server.size, shelf.facts.newest
    if size is None:
        return None
    share = last.bytes / last.size if last and last.size else _FIRST
    return int(size * min(share * _MARGIN, 1.5))


def check(shelf: DatabaseJob, name: str) -> Step:
    """Compare every file of a backup with its checksum, and read the dump's table of contents."""
    return shelf.step("verify", f"verify {name}", shelf.command(on_dump(shelf.engine.readable), name))


def create(shelf: DatabaseJob, beside: str, prefix: str, into: str = "") -> Step:
    """Make a database like the one that serves, unless `into` exists. It is dropped on the way back."""
    command = shelf.command(shelf.engine.create, beside=beside, prefix=prefix, into=into)
    return shelf.step("create", f"make the database {beside}", command, shelf.command(shelf.engine.drop, beside=beside))


def reach(shelf: DatabaseJob) -> Step:
    """Log in to the server where dumps are proven, before a dump is read for nothing."""
    text = f"(\n{shelf.engine.names}) >/dev/null"
    return shelf.step("reach", "log in where backups are proven", shelf.command(text, url=shelf.prove))


def scratch(shelf: DatabaseJob, name: str, beside: str, prefix: str) -> Step:
    """Make an empty database on the server where dumps are proven, with the encoding of the dumped one."""
    made = shelf.facts.find(name) or Backup(name)
    text = {"encoding": made.encoding, "collate": made.collate, "ctype": made.ctype}
    command = shelf.command(shelf.engine.scratch, beside=beside, url=shelf.prove, prefix=prefix, **text)
    return shelf.step("scratch", f"make the scratch database {beside}", command, _drop(shelf, beside))


def drop_scratch(shelf: DatabaseJob, beside: str) -> Step:
    return shelf.step("drop", f"drop the scratch database {beside}", _drop(shelf, beside))


def _drop(shelf: DatabaseJob, beside: str) -> Command:
    return shelf.command(shelf.engine.drop, beside=beside, url=shelf.prove)


def restore(shelf: DatabaseJob, name: str, beside: str, *, url: Value = "", owners: bool = True) -> Step:
    """Restore a backup into an empty database; `check` comes before it, under the same lock."""
    text = with_dump(shelf.engine.restore, proving=bool(url))
    command = shelf.command(text, name, beside=beside, url=url, owners="" if owners else "not")
    dump = shelf.facts.find(name)
    return shelf.step("restore", f"restore {name} into {beside}", command, expects=dump.tables if dump else 0)


def analyze(shelf: DatabaseJob, beside: str) -> Step:
    return shelf.step("analyze", f"analyze {beside}", shelf.command(shelf.engine.analyze, beside=beside))


def swap(shelf: DatabaseJob, beside: str, kept: str, undone: str) -> Step:
    """Put the restored database in the place of the one that serves, which is kept."""
    more = {"kept": kept, "undone": undone, "drain": f"{shelf.database.drain:.0f}"}
    database = shelf.engine.database(shelf.url)
    says = f"swap: {database} becomes {kept}, {beside} becomes {database}; connections are ended"
    command = shelf.command(shelf.engine.swap, beside=beside, **more)
    return shelf.step("swap", says, command, shelf.command(shelf.engine.unswap, beside=beside, **more))


def rename(shelf: DatabaseJob, beside: str, into: str) -> Step:
    """Give a restored database its name. This has no way back: a database that had the name already is never
    touched."""
    return shelf.step("name", f"name it {into}", shelf.command(shelf.engine.rename, beside=beside, into=into))


def prove(shelf: DatabaseJob, name: str) -> Step:
    """Record in the manifest that the backup was restored and compared."""
    proof = json.dumps({"run": shelf.run, "by": shelf.by}, separators=(",", ":"))[1:-1]
    return shelf.step(
        "prove", f"record that {name} is proven", shelf.command(backup_directory.PROVEN, name, proof=proof)
    )


def remove(shelf: DatabaseJob, names: tuple[str, ...]) -> Step:
    command = shelf.command(backup_directory.REMOVE, names=" ".join(names))
    return replace(shelf.step("prune", f"remove {', '.join(names)}", command), warns=True)


def record(shelf: DatabaseJob, event: str, message: str = "", **more: str) -> Step:
    """Record an event in the journal of the backup directory."""
    entry = {"event": event, "database": shelf.database.name, "run": shelf.run, "by": shelf.by, "message": message}
    text = json.dumps({**entry, **more}, separators=(",", ":"), ensure_ascii=False)
    known = {"verdict": "", "reason": "", "told": ""}
    values: Mapping[str, Value] = {"record": text, "journal": shelf.site.layout.journal, **known}
    return shelf.step(f"record {event}", f"record the {event}", Command(RECORD, values=values))


def rows(shelf: DatabaseJob, name: str, beside: str, url: Value = "") -> Gate:
    """Return the gate that compares the rows of a restored database with those of its backup."""
    command = shelf.command(backup_directory.compared(shelf.engine.compare), name, beside=beside, url=url)
    return Gate(
        "rows", Probe("rows", command, lambda text, code: text), shelf.engine.judge_rows, 1.0, shelf.database.timeout, 1
    )


def swapped(shelf: DatabaseJob, kept: str) -> Gate:
    """Return the gate that both the database and the kept one exist."""
    return _present(shelf, "swapped", {shelf.engine.database(shelf.url), kept})


def serving(shelf: DatabaseJob, kept: str) -> Gate:
    """Return the gate that a swap was undone: the database exists, and `kept` does not.

    If the restored database still has its own name, nothing was swapped, and a database called `kept` is somebody
    else's.
    """
    return _present(shelf, "serving", {shelf.engine.database(shelf.url)}, {kept}, shelf.beside("restoring"))


def _present(shelf: DatabaseJob, name: str, names: Set[str], gone: Set[str] = frozenset(), unless: str = "") -> Gate:
    probe = Probe(name, shelf.command(shelf.engine.names), _names)
    return Gate(
        name, probe, lambda present: _there(names, frozenset() if unless in present else gone, present), 1.0, 30.0, 20
    )


def _names(text: str, code: int) -> frozenset[str]:
    return frozenset(collect(text)["name"])


def _there(names: Set[str], gone: Set[str], present: frozenset[str]) -> Verdict:
    if not present:
        return failed("the database server does not answer")
    if missing := sorted(names - present):
        return failed(f"there is no database {' and no '.join(missing)}")
    if still := sorted(gone & present):
        return failed(f"{still[0]} is still there: the swap was not taken back")
    return passed(f"{' and '.join(sorted(names))}: there")
