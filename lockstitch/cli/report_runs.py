"""The runs that reports are about: those of the records on this machine, and those that only hosts know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from lockstitch.cli.fanout import known_secrets
from lockstitch.cli.output import unwritten
from lockstitch.cli.run_events import ask_sites, fact_of, local_events, run_events, sites_of
from lockstitch.cli.session import Session
from lockstitch.engine.journal import record_files
from lockstitch.engine.redact import redacted_values
from lockstitch.errors import CheckError
from lockstitch.facts.history import HistoryFacts, history_probe
from lockstitch.facts.run_events import FoundRun
from lockstitch.report.history import HistoryFilter, history_json
from lockstitch.report.release_report_events import course_of
from lockstitch.report.release_report_fields import is_within

_RELEASES = ("deploy", "rollback")


class ReportRuns:
    """The runs of one environment. `notes` say what could not be asked or read."""

    def __init__(self, session: Session) -> None:
        self._session, self.fleet = session, session.fleet("")
        self._secrets = known_secrets(session.c.selection)
        self._entries: list[Mapping[str, Any]] = []
        self.notes: list[str] = []

    def ask_hosts(self, since: datetime | None = None) -> None:
        """Ask the hosts which runs they know. One that cannot be asked is noted."""
        probes = {site: history_probe(site, since, None) for site in sites_of(self.fleet)}
        replies = ask_sites(self._session, self.fleet, probes)
        facts_of = {site: fact_of(reply, HistoryFacts()) for site, reply in replies.items()}
        for site, reply in replies.items():
            said = reply.error.message if reply.error else "" if reply.facts else f"{site}: {reply.result.words}"
            self.notes += [f"runs of others may be missing: {said}"] if said else []
            self.notes += [f"runs of others may be missing: {site}: {why}" for why in facts_of[site].unreadable]
        self.notes = list(dict.fromkeys(self.notes))
        self._entries = history_json(facts_of, HistoryFilter())["entries"]

    def run(self, name: str) -> FoundRun:
        """Return the events of a run, without what steps printed and without secrets. Raises CheckError where it has no
        record anywhere, or that cannot be read."""
        local, notes = local_events(self._session, name)
        known = FoundRun(name, tuple(local), "this machine", tuple(notes), not notes)
        if not any(event.get("event") in ("run", "runbook") for event in local):
            known = run_events(self._session, name, self.fleet)
        events = (event for event in known.events if event.get("event") != "output")
        return replace(known, events=tuple(redacted_values(event, self._secrets) for event in events))

    def newest(self) -> str:
        """Return the newest deploy or rollback. Raises CheckError where there is none."""
        names = {str(entry["run"]) for entry in self._entries if entry["kind"] in _RELEASES}
        for known in self._local(max(names, default="")):
            if self._is_release(known):
                names.add(known.run)
                break
        if not names:
            name = self.fleet.inventory.name
            said = f"there is no record of a deploy or rollback of {name} on its hosts or this machine"
            raise CheckError("; ".join([said, *self.notes]), hint=f"fab -H {name} history")
        return max(names)

    def release_before(self, recorded: FoundRun) -> FoundRun | None:
        """Return the last release of the same apps that ended well before this run."""
        apps = _apps(recorded)
        hosts = [
            entry["run"]
            for entry in self._entries
            if entry["kind"] in _RELEASES and entry["result"] == "done" and entry["app"] in apps
        ]
        last = max((name for name in hosts if name < recorded.run), default="")
        for known in self._local(last, recorded.run) if apps else ():
            ended = any(event.get("event") == "outcome" and event.get("result") == "done" for event in known.events)
            if self._is_release(known) and ended and apps & _apps(known):
                return known
        return self.known(last) if last else None

    def known(self, name: str) -> FoundRun | None:
        """Return a run that another is compared with; None, and a note, where it cannot be had."""
        try:
            return self.run(name)
        except CheckError as error:
            self.notes.append(f"nothing is compared with run {name}: {error.message}")
            return None

    def since(self, begin: datetime, until: datetime) -> Iterator[FoundRun]:
        """Yield the runs with any line of their course or of people in this time, the newest first. A file is not older
        than its last line."""
        files = {file.parent.name: file for file in self._files()}
        names = {entry["run"] for entry in self._entries}
        for name in sorted(names | files.keys(), reverse=True):
            try:
                if name not in names and files[name].stat().st_mtime < begin.timestamp():
                    continue
                known = self.run(name)
            except (OSError, CheckError) as error:
                said = error.message if isinstance(error, CheckError) else f"{files[name]}: {unwritten(error)}"
                self.notes.append(said)
                continue
            environments = {str(event["environment"]) for event in known.events if event.get("environment")}
            notes = (event for event in known.events if event.get("event") == "note")
            inside = any(is_within(event, begin, until) for event in (*course_of(known.events), *notes))
            if inside and (name in names or self.fleet.inventory.name in environments):
                yield known

    def _local(self, after: str, before: str = "~") -> Iterator[FoundRun]:
        """Yield the runs of this machine between two names, the newest first. One that cannot be read is noted."""
        for file in self._files():
            if after < file.parent.name < before:
                try:
                    yield self.run(file.parent.name)
                except CheckError as error:
                    self.notes.append(f"whether this one is a release is not known: {error.message}")

    def _files(self) -> list[Path]:
        try:
            return record_files(self._session.runs)
        except OSError as error:
            self.notes.append(f"runs of this machine may be missing: {unwritten(error)}: {self._session.runs}")
            return []

    def _is_release(self, known: FoundRun) -> bool:
        began = _began(known)
        return began.get("environment") == self.fleet.inventory.name and began.get("kind") in _RELEASES


def _began(known: FoundRun) -> Mapping[str, Any]:
    return next((event for event in known.events if event.get("event") == "run"), {})


def _apps(known: FoundRun) -> set[str]:
    changes = _began(known).get("changes")
    some = changes if isinstance(changes, list) else []
    return {str(each.get("site")).partition("@")[0] for each in some if isinstance(each, Mapping)}
