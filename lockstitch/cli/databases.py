"""What the tasks on databases share: which are meant, what is found of them, and the plans made from that."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lockstitch import plans
from lockstitch.cli.session import Session, words
from lockstitch.databases.backup import VaultFacts, is_of
from lockstitch.engine.survey import look
from lockstitch.errors import LockstitchError, UsageError
from lockstitch.facts.site import Survey
from lockstitch.inventory import Database, Fleet, resolve_secret
from lockstitch.inventory.nearest import did_you_mean
from lockstitch.model.command import Secret, Value
from lockstitch.model.plan import Plan
from lockstitch.plans.database_steps import Shelf


class Stores:
    """The databases of one environment that are meant: all of it, or those named with commas."""

    def __init__(self, session: Session, named: str = "", backup: str = "") -> None:
        self.session = session
        self.fleet: Fleet = session.fleet("")
        self.environment = self.fleet.inventory.name
        self.databases = _meant(self.fleet, named)
        if backup:
            # The others, whose hosts may be away, have no part in it.
            self.databases = {n: d for n, d in self.databases.items() if is_of(backup, n)} or self.databases
        self._known: dict[str, Secret] = {}

    def facts(self, *, servers: bool) -> dict[str, VaultFacts]:
        """What lies in every vault; raises the first error there is, since half an answer would mislead."""
        urls: dict[str, Value] = {d.name: self.secret(d.url) for d in self.databases.values()} if servers else {}
        found = look(self.session.remote, self.databases, urls)
        for answer in found.values():
            if isinstance(answer, LockstitchError):
                raise answer
        return {name: answer for name, answer in found.items() if isinstance(answer, VaultFacts)}

    def shelves(self, *, servers: bool = True, proving: bool = False) -> list[Shelf]:
        """Every database that is meant with what was found of it, and the logins this will need."""
        facts = self.facts(servers=servers)
        return [
            Shelf(
                database,
                facts[name],
                self.secret(database.url) if servers else "",
                self.session.run_id,
                self.session.by,
                self.secret(database.prove) if proving and database.prove else "",
            )
            for name, database in self.databases.items()
        ]

    def carry_out(self, make: Callable[[Sequence[Shelf]], Plan], *, yes: bool = True, proving: bool = False) -> None:
        """Look, plan, show, ask where it must be asked, and do it."""
        hosts = {database.host.name for database in self.databases.values()}

        def planned() -> Plan:
            self.session.note(f"asking {', '.join(sorted(hosts))} of {self.environment}")
            return make(self.shelves(proving=proving))

        self.session.carry_out(planned, yes=yes)

    def secret(self, reference: str) -> Secret:
        if reference not in self._known:
            self._known[reference] = resolve_secret(reference)
        return self._known[reference]

    def apps(self) -> Survey:
        """The facts of the apps that have these databases, wherever they run and whatever was selected."""
        asks = [ask for ask in plans.usual_asks(self.everything) if ask.app.database in self.databases]
        return self.session.survey(self.everything, asks) if asks else Survey({})

    @property
    def everything(self) -> Fleet:
        """All of the environment: what a backup belongs to may be on hosts that were not selected."""
        inventory = self.fleet.inventory
        return Fleet(inventory, tuple((group.name, host) for group in inventory.groups for host in group.hosts))


def _meant(fleet: Fleet, named: str) -> dict[str, Database]:
    known = fleet.inventory.databases
    if not known:
        raise UsageError(
            f"{fleet.inventory.name} has no databases",
            hint="write them into its inventory: databases: {main: {engine: postgres, …}}, see docs/databases.md",
        )
    wanted = words(named) or tuple(known)
    for name in wanted:
        if name not in known:
            raise UsageError(f"there is no database {name}{did_you_mean(name, known)}")
    return {name: known[name] for name in wanted}
