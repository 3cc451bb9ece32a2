"""EFFECT: the places where evidence is found: git, the forge, and the journals of another environment's hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from lockstitch import plans
from lockstitch.engine.ask import Query, Reply, ask
from lockstitch.engine.commit_clone import CommitClone
from lockstitch.engine.web import fetch
from lockstitch.errors import UsageError
from lockstitch.evidence import AppRevisions, UnknownEvidenceError
from lockstitch.evidence.base import RecordedRelease, SiteReleases
from lockstitch.evidence.forges.base import Forge, ForgeProject
from lockstitch.facts.history import HistoryFacts, JournalEntry, history_probe
from lockstitch.inventory.model import Inventory
from lockstitch.inventory.secrets import resolve_secret
from lockstitch.metrics.base import WebReply, WebRequest
from lockstitch.model.command import Secret, mask
from lockstitch.model.release import is_release_id
from lockstitch.remote import Remote

# One answer of a forge.
_SECONDS = 20.0
ReadReleases = Callable[[str, str], Sequence[SiteReleases]]


class FoundSources:
    """The sources of one command. What was asked once is not asked again."""

    def __init__(self, forge: Forge | None, clones: Path, read: ReadReleases, ssh_host: Callable[[str], str]) -> None:
        self.now = datetime.now(UTC)
        self._forge, self._clones, self._read, self._ssh_host = forge, clones, read, ssh_host
        self._token: Secret | None = None
        self._by_repository: dict[str, CommitClone] = {}
        self._by_environment: dict[tuple[str, str], Sequence[SiteReleases]] = {}

    def commits(self, app: AppRevisions) -> CommitClone:
        """Return the commits of an app's repository."""
        return self._by_repository.setdefault(app.repository, CommitClone(self._clones, app.repository))

    def forge(self, app: AppRevisions) -> tuple[Forge, ForgeProject]:
        """Return the forge, and the project of an app there."""
        if self._forge is None:
            raise UnknownEvidenceError("the inventory names no forge", "write `forge: {github: env:GITHUB_TOKEN}`")
        forge = self._forge
        name = forge.project(app.app, app.repository, self._ssh_host)
        return forge, ForgeProject(name, lambda *about: self._ask(forge, *about), forge.numbered)

    def releases(self, environment: str, app: str) -> Sequence[SiteReleases]:
        """Return the records of an app on each of its hosts in another environment."""
        key = (environment, app)
        if key not in self._by_environment:
            self._by_environment[key] = self._read(environment, app)
        return self._by_environment[key]

    def _ask(self, forge: Forge, path: str, fields: Mapping[str, str]) -> WebReply:
        if self._token is None:
            try:
                self._token = resolve_secret(forge.token)
            except UsageError as error:
                raise UnknownEvidenceError(error.message, error.hint) from error
        known = {forge.token: self._token}
        (reply,) = fetch([WebRequest(forge.url, path, fields, forge.token)], _SECONDS, known)
        # Some servers say what they were sent.
        return replace(reply, body=mask(reply.body, [self._token]))


def read_releases(remote: Remote, inventory: Inventory, app: str) -> tuple[SiteReleases, ...]:
    """Ask every host of an app for its journal. A host that does not answer lacks its records."""
    sites = {
        host: plans.site(host.name, inventory.app(app, host.name))
        for host in inventory.hosts
        if (app, host.name) in inventory.placed
    }
    queries = [
        Query(host.name, host, (history_probe(site, None, None),), app, site.user) for host, site in sites.items()
    ]
    replies = ask(remote, queries)
    if any(reply.interrupted for reply in replies.values()):
        raise KeyboardInterrupt
    apps = {host: inventory.app(app, host.name).repository for host in sites}
    return tuple(_releases(host.name, apps[host], replies[host.name]) for host in sites)


def _releases(host: str, repository: str, reply: Reply) -> SiteReleases:
    if not reply.facts:
        said = reply.error.message if reply.error else reply.result.words
        return SiteReleases(host, (), said, repository=repository)
    facts: HistoryFacts = reply.facts[0]
    lacking = [*facts.unreadable]
    if facts.damaged:
        lacking.append(f"{facts.damaged} lines of its journal are damaged")
    records: list[RecordedRelease] = []
    for entry in facts.entries:
        # Neither other records nor what was there before us.
        if not (is_release_id(entry.release) if entry.verdict else _is_cut(entry)):
            continue
        try:
            record = _record(entry)
        except ValueError:
            lacking.append(f"the record of {entry.run} has no time")
            continue
        # A run without an end comes last there, whenever it began.
        later = (place for place, other in enumerate(records) if not entry.verdict and other.at > record.at)
        records.insert(next(later, len(records)), record)
    return SiteReleases(host, tuple(records), "; ".join(lacking), cut=facts.older > 0, repository=repository)


def _is_cut(entry: JournalEntry) -> bool:
    # What an older version began does not say what it was.
    return entry.result == "open" and entry.kind in ("deploy", "rollback", "")


def _record(entry: JournalEntry) -> RecordedRelease:
    """Return the record of a release that a run made. Raises ValueError for one without a time."""
    at = datetime.fromisoformat(entry.at)
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return RecordedRelease(entry.run, entry.kind, entry.verdict, entry.revision, entry.before, at)
