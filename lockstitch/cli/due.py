"""`due`: what is late, asked of everything that knows; a source that cannot be read is told, and is never "nothing"."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from lockstitch import plans
from lockstitch.checks import NAMES, gathered
from lockstitch.checks.due import (
    DueItem,
    ending_certificates,
    late_duties,
    late_follow_ups,
    left_flag,
    left_locks,
    skipped_checks,
    unproven_backups,
)
from lockstitch.cli.checks import context_of, judged, query_of
from lockstitch.cli.fanout import commands_file
from lockstitch.cli.flags import read_flags
from lockstitch.cli.follow import follow_events
from lockstitch.cli.locks import databases_of
from lockstitch.cli.run_events import ask_sites, fact_of, read_lines, sites_of
from lockstitch.cli.session import Session
from lockstitch.engine.ask import ask
from lockstitch.engine.survey import find_keepers, survey_databases
from lockstitch.errors import ExitCode, LockstitchError
from lockstitch.facts.database import database_site
from lockstitch.facts.follow_ups import follow_ups, last_times
from lockstitch.facts.history import HistoryFacts, history_probe
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.lock import parse_lock
from lockstitch.model.plan import Site
from lockstitch.report.follow import due_json, due_text


def show_due(session: Session, only: str) -> None:
    """Show what is late; end with 7 where anything is, or where a source of it cannot be read."""
    looked = _Due(session, session.fleet(only))
    sources = (looked.follow_ups, looked.records, looked.locks, looked.databases, looked.certificates, looked.flags)
    for source in sources:
        looked.ask(source)
    unknown = tuple(dict.fromkeys(looked.unknown))
    code = ExitCode.CHECK_SAID_NO if looked.items or unknown else ExitCode.DONE
    session.answer(lambda: due_json(looked.items, unknown, int(code)), lambda: due_text(looked.items, unknown))
    sys.exit(int(code))


class _Due:
    """The sources of what is late in one environment; each adds to `items`, and to `unknown` what it cannot say."""

    def __init__(self, session: Session, fleet: Fleet) -> None:
        self._session, self._fleet = session, fleet
        self._now, self._on = datetime.now(UTC), f"fab -H {fleet.inventory.name}"
        self.items: list[DueItem] = []
        self.unknown: list[str] = []
        self._ended: Mapping[str, str] = {}
        self._journals: dict[Site, HistoryFacts] = {}

    def ask(self, source: Callable[[], Iterable[DueItem]]) -> None:
        """Ask one source: that it fails hides nothing of the others."""
        try:
            self.items += source()
        except LockstitchError as error:
            self.unknown.append(f"{source.__name__.replace('_', '-')}: {error.message}")

    def follow_ups(self) -> Iterable[DueItem]:
        events, problems = follow_events(self._session, self._fleet)
        self.unknown += problems
        self._ended = last_times(events)
        return late_follow_ups(follow_ups(events).values(), self._now, self._on)

    def records(self) -> Iterable[DueItem]:
        duties = self._fleet.inventory.duties
        probes = {site: history_probe(site, None, None, stats=True) for site in sites_of(self._fleet)}
        for site, reply in ask_sites(self._session, self._fleet, probes).items():
            facts = self._journals[site] = fact_of(reply, HistoryFacts())
            if reply.error is not None or not reply.facts:
                self.unknown.append(reply.error.message if reply.error else f"{site}: {reply.result.words}")
            self.unknown += [f"{site}: unreadable: {why}" for why in facts.unreadable]
            self.unknown += [f"{site}: {facts.damaged} lines of its journal are damaged"] if facts.damaged else []
        typed = self._by_hand() if duties else {}
        ended = {name: max(typed.get(name, ""), self._ended.get(name, "")) for name in duties}
        late = late_duties(duties, ended, self._journals.values(), self._now, self._on)
        apps = {site: facts for site, facts in self._journals.items() if not (site.machine or site.database)}
        return [*late, *skipped_checks(apps, self._on)]

    def _by_hand(self) -> dict[str, str]:
        """Return when tasks of which no host keeps a record, such as `check`, last ended with 0 on this machine."""
        try:
            lines, damaged = read_lines(commands_file(self._session))
        except LockstitchError as error:
            lines, damaged = [], [error.message]
        self.unknown += damaged
        times: dict[str, str] = {}
        for line in lines:
            where = line.get("where")
            if isinstance(where, list) and self._fleet.inventory.name in where and line.get("exit") == 0:
                name, at = str(line.get("what")).partition(" ")[0], str(line.get("began") or "")
                times[name] = max(at, times.get(name, ""))
        return times

    def locks(self) -> Iterable[DueItem]:
        survey = self._session.survey(self._fleet, plans.usual_asks(self._fleet))
        self.unknown += [error.message for error in survey.unreachable.values()]
        self.unknown += [f"{site}: unreadable: {why}" for site, some in survey.unreadable.items() for why in some]
        return left_locks({site: facts.host.lock for site, facts in survey.facts.items()}, self._now, self._on)

    def databases(self) -> Iterable[DueItem]:
        meant = {database.name: database for database in databases_of(self._fleet)}
        if not meant:
            return []
        at = find_keepers(self._session.remote, meant, self._session.note)
        vaults, locks = {}, {}
        for name, answer in survey_databases(self._session.remote, at, {}).items():
            if isinstance(answer, LockstitchError):
                self.unknown.append(f"{name}: {answer.message}")
                continue
            self.unknown += [f"{name}: unreadable: {why}" for why in answer.vault.unreadable]
            vaults[name] = answer.vault
            locks[database_site(at[name])] = parse_lock(answer.vault.lock_file)
        late = unproven_backups(vaults, self._now, self._on)
        return [*late, *left_locks(locks, self._now, self._on)]

    def certificates(self) -> Iterable[DueItem]:
        others = [name for name in NAMES if name != "tls"]
        groups = gathered(self._fleet, context_of(self._fleet, reveal=False), others, implied=True)
        if not groups:
            return []
        hosts = judged(groups, ask(self._session.remote, [query_of(group) for group in groups]))
        self.unknown += [checked.away for checked in hosts.values() if checked.away]
        read = [(host, app, each) for host, checked in hosts.items() for app, each in checked.findings]
        return ending_certificates(read, self._on)

    def flags(self) -> Iterable[DueItem]:
        apps = {plans.site(host.name, app): app for host, app in self._fleet.sites() if app.flags}
        if not apps:
            return []
        made = []
        for each in read_flags(self._session, self._fleet)[0]:
            if each.value is None and each.problem:
                self.unknown.append(f"{each.flag} of {each.site}: {each.problem}")
            entries = self._journals.get(each.site, HistoryFacts()).entries
            changed = max((entry.at for entry in entries if entry.kind == "flag"), default="")
            flag = apps[each.site].flags[each.flag]
            item = left_flag(each.site, each.flag, flag, each.value, changed, self._now, self._on)
            made += [item] if item else []
        return made
