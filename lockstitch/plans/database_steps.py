"""Pure: the steps of a database's backups on the host that holds them."""

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
from lockstitch.model.probe import Probe
from lockstitch.plans.release_shell import RECORD

# How much of a database's size its first dump is taken to need; later ones are measured by the one before.
_FIRST = 0.5
_MARGIN = 1.25


@dataclass(frozen=True)
class BackupLabel:
    """What is said of a backup when it is made: why, and what was running."""

    label: str = ""
    app: str = ""
    revision: str = ""


@dataclass(frozen=True)
class DatabaseJob:
    """One database with what was found of it, for one run. `url` is of the database that serves, `prove` of the
    server where dumps are proven."""

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
        """The name of a database that this run makes beside the one that serves."""
        return f"{self.prefix(what)}{self.run.partition('-')[0]}"

    def prefix(self, what: str) -> str:
        """What the names of all such databases of this vault begin with."""
        mark = f"__{what}_"
        return f"{self._base(mark)}{mark}"

    @property
    def proving(self) -> str:
        """The mark of scratch databases: several vaults may be proven on one server."""
        at = f"{self.database.host.name}:{self.database.vault.directory}:{self.database.name}"
        return f"proving_{sha256(at.encode()).hexdigest()[:6]}"

    def _base(self, mark: str) -> str:
        room = self.engine.longest_name - len(mark) - len("20260101T000000Z")
        return self.engine.database(self.url).encode()[:room].decode(errors="ignore")

    def command(self, text: str, name: str = "", *, beside: str = "", url: Value = "", **more: Value) -> Command:
        """A Command of an engine's text with the variables of a login, of the vault and of its own."""
        login = self.engine.login(url or self.url, beside)
        return in_vault(self.database.vault, name, text, {**login, "jobs": str(self.database.jobs), **more})

    def step(self, name: str, says: str, command: Command, undo: Command | None = None, expects: int = 0) -> Step:
        return Step(name, says, command, undo, timeout=self.database.timeout, expects=expects)


def new_name(shelf: DatabaseJob, label: str = "") -> str:
    """The name of the backup that this run makes."""
    return backup_name(shelf.database.name, shelf.run, label)


def dump(shelf: DatabaseJob, name: str, made: BackupLabel) -> Step:
    """Dump the database, with a manifest; only a whole one gets its name."""
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
    """Ask for the newest migration, for the record of an app's release."""
    command = shelf.command(shelf.engine.head, heads=shelf.engine.heads)
    step = shelf.step("migration", "note the newest migration", command)
    return replace(step, outputs_for=app)


def estimate(shelf: DatabaseJob) -> int | None:
    """About how many bytes the next dump takes: by the one before, or half of the database where there is none."""
    size, last = shelf.facts.server.size, shelf.facts.newest
    if size is None:
        return None
    share = last.bytes / last.size if last and last.size else _FIRST
    return int(size * min(share * _MARGIN, 1.5))


def check(shelf: DatabaseJob, name: str) -> Step:
    """Compare every file of a backup with its checksum, and read the dump's table of contents."""
    return shelf.step("verify", f"verify {name}", shelf.command(on_dump(shelf.engine.readable), name))


def create(shelf: DatabaseJob, beside: str, prefix: str, into: str = "") -> Step:
    """Make a database like the one that serves, unless there is one named `into`; it is dropped on the way back."""
    command = shelf.command(shelf.engine.create, beside=beside, prefix=prefix, into=into)
    return shelf.step("create", f"make the database {beside}", command, shelf.command(shelf.engine.drop, beside=beside))


def reach(shelf: DatabaseJob) -> Step:
    """Log in where dumps are proven: if that fails nothing was made there, and no dump was read for nothing."""
    text = f"(\n{shelf.engine.names}) >/dev/null"
    return shelf.step("reach", "log in where backups are proven", shelf.command(text, url=shelf.prove))


def scratch(shelf: DatabaseJob, name: str, beside: str, prefix: str) -> Step:
    """Make an empty database where dumps are proven, with the encoding of the one that was dumped."""
    made = shelf.facts.find(name) or Backup(name)
    text = {"encoding": made.encoding, "collate": made.collate, "ctype": made.ctype}
    command = shelf.command(shelf.engine.scratch, beside=beside, url=shelf.prove, prefix=prefix, **text)
    return shelf.step("scratch", f"make the scratch database {beside}", command, _drop(shelf, beside))


def drop_scratch(shelf: DatabaseJob, beside: str) -> Step:
    return shelf.step("drop", f"drop the scratch database {beside}", _drop(shelf, beside))


def _drop(shelf: DatabaseJob, beside: str) -> Command:
    return shelf.command(shelf.engine.drop, beside=beside, url=shelf.prove)


def restore(shelf: DatabaseJob, name: str, beside: str, *, url: Value = "", owners: bool = True) -> Step:
    """Restore a backup into a database that is there and empty; `check` comes before it, under the same lock."""
    text = with_dump(shelf.engine.restore, proving=bool(url))
    command = shelf.command(text, name, beside=beside, url=url, owners="" if owners else "not")
    dump = shelf.facts.find(name)
    return shelf.step("restore", f"restore {name} into {beside}", command, expects=dump.tables if dump else 0)


def analyze(shelf: DatabaseJob, beside: str) -> Step:
    return shelf.step("analyze", f"analyze {beside}", shelf.command(shelf.engine.analyze, beside=beside))


def swap(shelf: DatabaseJob, beside: str, kept: str, undone: str) -> Step:
    """Let the restored database take the place of the one that serves, which is kept."""
    more = {"kept": kept, "undone": undone, "drain": f"{shelf.database.drain:.0f}"}
    database = shelf.engine.database(shelf.url)
    says = f"swap: {database} becomes {kept}, {beside} becomes {database}; connections are ended"
    command = shelf.command(shelf.engine.swap, beside=beside, **more)
    return shelf.step("swap", says, command, shelf.command(shelf.engine.unswap, beside=beside, **more))


def rename(shelf: DatabaseJob, beside: str, into: str) -> Step:
    """Give a restored database its name. There is no way back: one of that name that was there is never touched."""
    return shelf.step("name", f"name it {into}", shelf.command(shelf.engine.rename, beside=beside, into=into))


def prove(shelf: DatabaseJob, name: str) -> Step:
    """Write into the manifest that the backup was restored and compared."""
    proof = json.dumps({"run": shelf.run, "by": shelf.by}, separators=(",", ":"))[1:-1]
    return shelf.step(
        "prove", f"record that {name} is proven", shelf.command(backup_directory.PROVEN, name, proof=proof)
    )


def remove(shelf: DatabaseJob, names: tuple[str, ...]) -> Step:
    command = shelf.command(backup_directory.REMOVE, names=" ".join(names))
    return replace(shelf.step("prune", f"remove {', '.join(names)}", command), warns=True)


def record(shelf: DatabaseJob, event: str, message: str = "", **more: str) -> Step:
    """Write what was done into the vault's journal."""
    entry = {"event": event, "database": shelf.database.name, "run": shelf.run, "by": shelf.by, "message": message}
    text = json.dumps({**entry, **more}, separators=(",", ":"), ensure_ascii=False)
    values: Mapping[str, Value] = {"record": text, "journal": shelf.site.layout.journal, "reason": "", "told": ""}
    return shelf.step(f"record {event}", f"record the {event}", Command(RECORD, values=values))


def rows(shelf: DatabaseJob, name: str, beside: str, url: Value = "") -> Gate:
    """The gate that a restored database has the rows its backup was made with."""
    command = shelf.command(backup_directory.compared(shelf.engine.compare), name, beside=beside, url=url)
    return Gate(
        "rows", Probe("rows", command, lambda text, code: text), shelf.engine.judge_rows, 1.0, shelf.database.timeout, 1
    )


def swapped(shelf: DatabaseJob, kept: str) -> Gate:
    """The gate that both names are there: the database, and the one it was before."""
    return _present(shelf, "swapped", {shelf.engine.database(shelf.url), kept})


def serving(shelf: DatabaseJob, kept: str) -> Gate:
    """The gate that a swap was taken back: the database is there, and nothing is kept beside it. While the restored one
    is there under its own name nothing was swapped, whosever database is called like that."""
    return _present(shelf, "serving", {shelf.engine.database(shelf.url)}, {kept}, shelf.beside("restoring"))


def _present(shelf: DatabaseJob, name: str, names: Set[str], gone: Set[str] = frozenset(), unless: str = "") -> Gate:
    probe = Probe(name, shelf.command(shelf.engine.names), _names)
    return Gate(
        name, probe, lambda present: _there(names, frozenset() if unless in present else gone, present), 1.0, 30.0, 20
    )


def _names(text: str, code: int) -> frozenset[str]:
    return frozenset(line[5:] for line in text.splitlines() if line.startswith("name "))


def _there(names: Set[str], gone: Set[str], present: frozenset[str]) -> Verdict:
    if not present:
        return failed("the database server does not answer")
    if missing := sorted(names - present):
        return failed(f"there is no database {' and no '.join(missing)}")
    if still := sorted(gone & present):
        return failed(f"{still[0]} is still there: the swap was not taken back")
    return passed(f"{' and '.join(sorted(names))}: there")
