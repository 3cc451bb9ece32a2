"""Databases with their vaults on hosts that are folders: the real plans and runs, against a real server."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lockstitch import plans
from lockstitch.databases.backup import Backup, BackupDirectoryFacts
from lockstitch.engine.runner import run
from lockstitch.engine.survey import survey_databases
from lockstitch.errors import LockstitchError
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.model import Database
from lockstitch.inventory.selection import select
from lockstitch.model.command import Secret, Value
from lockstitch.model.outcome import Outcome, RunEvent
from lockstitch.model.plan import Plan
from lockstitch.plans import DatabaseJob
from lockstitch.report.outcome import outcome_text
from tests.local import LocalRemote
from tests.servers import LocalServer

HOST = "vault"
_NUMBERS = "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {})"
SHOP = (
    "CREATE TABLE orders (id serial PRIMARY KEY, what text NOT NULL)",
    f"INSERT INTO orders (what) {_NUMBERS.format(300)} SELECT concat('order ', n) FROM s",
    "CREATE TABLE customers (id int PRIMARY KEY, name text)",
    f"INSERT INTO customers {_NUMBERS.format(40)} SELECT n, concat('customer ', n) FROM s",
)


@dataclass
class Ended:
    """How a task ended: the outcome of its run, or the error it raised before there was one."""

    code: int
    said: str
    outcome: Outcome | None = None
    events: list[RunEvent] = field(default_factory=list)

    def __str__(self) -> str:
        output = [str(getattr(event, "line", "")) for event in self.events]
        return "\n".join([f"code {self.code}", self.said, *filter(None, output)])


class Store:
    """Databases of one environment. `settings` are those of each by its name in the inventory; `urls` say where each
    is, `scratch` where dumps are proven."""

    def __init__(
        self, root: Path, server: LocalServer, urls: Mapping[str, str], *, homes: Path | None = None, **settings: Any
    ) -> None:
        self.root, self.server = root, server
        self.urls = dict(urls)
        self.settings: dict[str, Any] = settings
        self.scratch: str | None = server.url(server.first, server.superuser)
        self.remote = LocalRemote(homes or root / "homes", env={"PATH": server.path})
        self.host = HOST
        self._runs = itertools.count(1)
        self.last_run = ""

    # The tasks, as `tasks/backup.py` has them.

    def backup(self, label: str = "", only: Sequence[str] = ()) -> Ended:
        return self.do(lambda shelves: plans.backup("box", shelves, label), only=only)

    def verify(self, name: str = "") -> Ended:
        return self.do(lambda shelves: plans.verify("box", plans.choose(shelves, name)))

    def prove(self, name: str = "") -> Ended:
        return self.do(lambda shelves: plans.prove("box", plans.choose(shelves, name)))

    def prune(self, held: Mapping[str, str] | None = None) -> Ended:
        return self.do(lambda shelves: plans.prune("box", shelves, held or {}))

    def restore(self, name: str = "", into: str = "") -> Ended:
        def make(shelves: Sequence[DatabaseJob]) -> Plan:
            ((shelf, chosen),) = plans.choose(shelves, name)
            return plans.restore("box", shelf, chosen, into)

        return self.do(make)

    def do(self, make: Callable[[Sequence[DatabaseJob]], Plan], only: Sequence[str] = ()) -> Ended:
        """Look, plan, and carry it out."""
        events: list[RunEvent] = []
        try:
            plan = make(self.shelves(only))
            outcome = run(plan, self.remote, {self.host: self.database().host}, events.append)
        except LockstitchError as error:
            return Ended(int(error.exit_code), str(error), events=events)
        return Ended(int(outcome.code), outcome_text(outcome), outcome, events)

    def shelves(self, only: Sequence[str] = ()) -> list[DatabaseJob]:
        """Every database with what is found of it, for a run of its own."""
        databases = {name: self.database(name) for name in only or self.urls}
        found = self.look(only)
        self.last_run = self.new_run()
        prove = Secret(self.scratch, "env:SCRATCH") if self.scratch else ""
        return [
            DatabaseJob(database, found[name], self.secret(name), self.last_run, "ada@desk", prove)
            for name, database in databases.items()
        ]

    def look(self, only: Sequence[str] = (), *, servers: bool = True) -> dict[str, BackupDirectoryFacts]:
        """What lies in every vault, and what the servers tell."""
        databases = {name: self.database(name) for name in only or self.urls}
        urls: dict[str, Value] = {name: self.secret(name) for name in databases} if servers else {}
        found = survey_databases(self.remote, databases, urls)
        for answer in found.values():
            if isinstance(answer, LockstitchError):
                raise answer
        return {name: answer.vault for name, answer in found.items() if not isinstance(answer, LockstitchError)}

    def secret(self, name: str) -> Secret:
        return Secret(self.urls[name], f"env:{name.upper()}")

    def database(self, name: str = "") -> Database:
        return self.fleet().inventory.databases[name or next(iter(self.urls))]

    def fleet(self) -> Fleet:
        hosts = self.root / "hosts"
        hosts.mkdir(exist_ok=True)
        (hosts / "box.yml").write_text(
            json.dumps(inventory(self.urls, {"engine": self.server.kind, **self.settings}, self.host))
        )
        (fleet,) = select(InventoryFolder(hosts), "box").fleets
        return fleet

    def new_run(self) -> str:
        """Runs of one store are one second apart, without waiting for it."""
        number = next(self._runs)
        return f"20260101T{number // 3600:02}{number // 60 % 60:02}{number % 60:02}Z-{number:04x}"

    # What is true, read from the folders, not through the engine.

    @property
    def home(self) -> Path:
        return self.remote.home(self.host)

    @property
    def vault(self) -> Path:
        return self.home / "bk"

    def state(self, name: str = "") -> Path:
        return self.vault / ".lockstitch" / (name or next(iter(self.urls)))

    def backups(self, name: str = "") -> tuple[Backup, ...]:
        """What a listing says of a database's backups."""
        return self.look(servers=False)[name or next(iter(self.urls))].backups

    def names(self) -> list[str]:
        """The folders that look like backups."""
        return sorted(path.name for path in self.vault.glob("[!.]*")) if self.vault.exists() else []

    def manifest(self, name: str) -> Any:
        return json.loads((self.vault / name / "manifest.json").read_text())

    def rows(self, name: str) -> dict[str, int]:
        """The rows of every table, as a manifest has them."""
        return {table: found["rows"] for table, found in self.manifest(name)["contents"].items()}

    def journal(self, name: str = "") -> list[dict[str, Any]]:
        file = self.state(name) / "journal.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def leftovers(self) -> list[str]:
        """What a run must not leave behind: locks, half backups, FIFOs."""
        if not self.vault.exists():
            return []
        found = [*self.vault.rglob("lock.json*"), *self.vault.rglob("*.part"), *self.vault.rglob("*.new")]
        found += [path for path in self.vault.rglob("*") if path.is_fifo()]
        return sorted(str(path.relative_to(self.vault)) for path in found)


def inventory(urls: Mapping[str, str], settings: Mapping[str, Any], host: Any) -> dict[str, Any]:
    """An inventory of one host that holds the backups of some databases."""
    usual: dict[str, Any] = {
        "run_on": "backend",
        "directory": "bk",
        "drain": "1s",
        "min_free": "1M",
    }
    usual |= {"prove": {"url": "env:SCRATCH"}}
    return {
        "groups": {"backend": {"hosts": [host], "apps": []}},
        "databases": {name: {**usual, "url": f"env:{variable(name)}", **settings} for name in urls},
    }


def variable(name: str) -> str:
    return "".join(each if each.isalnum() else "_" for each in name).upper()
