"""Evidence as a deploy asks for it: what `requires` names, judged for the apps that change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from lockstitch.checks.check import refuse
from lockstitch.cli.session import Session
from lockstitch.errors import LockstitchError
from lockstitch.evidence import AppRevisions, Evidence, UnknownEvidenceError, find
from lockstitch.evidence.base import Need, SiteReleases
from lockstitch.facts.site import Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.host import Address
from lockstitch.text import oneline


class EvidenceJudge:
    """Judges needs for one command. Where a plan is made again, what was found is not asked again."""

    def __init__(self, session: Session, fleet: Fleet) -> None:
        self._session, self._fleet = session, fleet
        self._known: dict[tuple[str, tuple[AppRevisions, ...]], Evidence] = {}

    def judge(self, needs: Iterable[Need], apps: Sequence[AppRevisions]) -> tuple[Evidence, ...]:
        """Return the evidence for each need, in their order."""
        # Start-up: most inventories require nothing.
        from lockstitch.engine.evidence import FoundSources

        sources = None
        every = []
        for need in needs:
            key = (repr(need), tuple(apps))
            if key not in self._known:
                self._session.note(f"looking for evidence: {need.key}")
                folder = self._session.runs.parent / "clones"
                read, ssh_host = partial(_read, self._session), partial(_ssh_host, self._session)
                sources = sources or FoundSources(self._fleet.inventory.forge, folder, read, ssh_host)
                self._known[key] = find(need, apps, sources)
            every.append(self._known[key])
        return tuple(every)

    def before_deploy(self, survey: Survey, idle: Sequence[str], skipped: Sequence[str]) -> tuple[str, ...]:
        """Judge what the inventory requires, and return notes for the plan. Raises CheckError for what is not shown and
        not waived."""
        needs = self._fleet.inventory.requires
        apps = revisions_of(self._fleet, survey, idle)
        if not needs or not apps:
            return ()
        every = self.judge(needs, apps)
        lacking = [each for each in every if each.result != "pass"]
        noes = [each for each in lacking if each.name not in skipped]
        refuse([_line(each) + (f"\n    {each.hint}" if each.hint else "") for each in noes], [e.name for e in noes])
        waived = [f"waived by --skip-checks {each.name}: {_line(each)}" for each in lacking]
        return (*waived, *(_line(each) for each in every if each.result == "pass"))


def revisions_of(fleet: Fleet, survey: Survey, idle: Sequence[str] = ()) -> tuple[AppRevisions, ...]:
    """Return the revisions of each app of a fleet that has a target and is not idle."""
    made = []
    repositories = {app.name: app.repository for _, app in fleet.sites()}
    for name, repository in repositories.items():
        facts = [each for site, each in survey.facts.items() if site.app == name]
        after = next((f.target.revision for f in facts if f.target and f.target.revision), None)
        if after is not None and name not in idle:
            before = dict.fromkeys(each.place.revision for each in facts if each.place.revision)
            made.append(AppRevisions(name, repository, tuple(before), after))
    return tuple(made)


def _line(evidence: Evidence) -> str:
    return oneline(f"requires {evidence.name}: {evidence.result}: {evidence.reason}")


def _read(session: Session, environment: str, app: str) -> tuple[SiteReleases, ...]:
    """Read the journals of another environment, over connections of its own: its hosts may have the same names."""
    # Start-up: few needs are about another environment.
    from lockstitch.engine.evidence import read_releases
    from lockstitch.inventory.load import load
    from lockstitch.remote.routed import RoutedRemote
    from lockstitch.remote.ssh import SshRemote

    try:
        inventory = load(session.c.settings.hosts, environment)
    except LockstitchError as error:
        raise UnknownEvidenceError(f"{environment} cannot be read: {error.message}", error.hint) from error
    typed = {host.name: f"{environment}:{host.name}" for host in inventory.hosts}
    with RoutedRemote(SshRemote(session.c.config, typed=typed, root=session.c.root)) as remote:
        return read_releases(remote, inventory, app)


def _ssh_host(session: Session, name: str) -> str:
    """Return the host that a name stands for in `~/.ssh/config`."""
    # Start-up: few repositories have an alias.
    from lockstitch.remote.ssh.client import Client

    try:
        return Client(session.c.config).lookup(Address(name)).get("hostname", (name,))[0]
    except LockstitchError as error:
        raise UnknownEvidenceError(f"the host {name} of a repository: {error.message}", error.hint) from error
