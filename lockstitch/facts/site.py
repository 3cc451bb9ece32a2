"""The values Facts and Target: the result of a survey for one site, and the meaning of a ref."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from lockstitch.databases.migrations import Pending
from lockstitch.errors import LockstitchError
from lockstitch.facts.clock import Clock
from lockstitch.facts.tools import ToolSearch
from lockstitch.model.folder import UnwritableFolder
from lockstitch.model.format import span
from lockstitch.model.gate import HttpAnswer
from lockstitch.model.identity import Identity
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.lock import LockInfo
from lockstitch.model.plan import Commit, Site
from lockstitch.model.probe import fields, number
from lockstitch.model.release import Release, ReleaseStatus, is_release_id, short, version_names
from lockstitch.services.maintenance import MaintenanceState
from lockstitch.services.state import ServiceState


@dataclass(frozen=True)
class GitLock:
    """A lock file of git in a host's clone: its path, its age in seconds, and the id of the git process that works
    there (0 for none, None where that cannot be seen)."""

    path: str
    seconds: int
    holder: int | None

    def __str__(self) -> str:
        said = f"{self.path} is a lock of git, {span(self.seconds)} old"
        if self.holder:
            return f"{said}: git process {self.holder} works there, wait for it"
        seen = "no git process works there" if self.holder == 0 else "other users' git processes run here"
        return f"{said}, and {seen}: if nobody needs it, remove it: rm {self.path}"


@dataclass(frozen=True)
class Submodule:
    """A submodule of a repository, and the commits it is pinned at in two revisions; all zeros for none."""

    before: str
    after: str
    path: str

    def __str__(self) -> str:
        if not self.before.strip("0"):
            return f"submodule {self.path} comes in at {short(self.after)}"
        if not self.after.strip("0"):
            return f"submodule {self.path} goes"
        return f"submodule {self.path} goes from {short(self.before)} to {short(self.after)}"


def parse_git_lock(line: str) -> GitLock:
    """Parse the lock from `HOLDER SECONDS PATH`."""
    holder, seconds, path = fields(line, 3)
    return GitLock(path, number(seconds) or 0, number(holder))


def parse_submodule(line: str) -> Submodule:
    """Parse the submodule from `BEFORE AFTER PATH`."""
    return Submodule(*fields(line, 3))


@dataclass(frozen=True)
class CheckoutFacts:
    """Facts about an app's path. `foreign` is the reason why Lockstitch must not deploy there, where there is one;
    `built` are changes that the app's own build left, `broken` is what git says where it cannot tell what was changed,
    `unreadable` are the paths that could not be looked at, each with the reason, `lfs` is whether git-lfs is on this
    host.

    `link` is what the symlink `current` says, and `current` the folder in `releases` that it leads to, where it does;
    `dangling`: it leads to no folder at all. `unpublished` is how many commits of what is deployed are in no branch or
    tag that was fetched.
    """

    cloned: bool = False
    revision: str | None = None
    current: str | None = None
    folders: tuple[str, ...] = ()
    dirty: tuple[str, ...] = ()
    tag: str = ""
    branch: str = ""
    foreign: str = ""
    broken: str = ""
    link: str = ""
    dangling: bool = False
    unreadable: tuple[str, ...] = ()
    lfs: bool = False
    locks: tuple[GitLock, ...] = ()
    unpublished: int = 0
    built: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostFacts:
    """Facts about the host of an app. `search` is where the `missing` programs were looked for, `free` is in bytes,
    `unwritable` are the folders that cannot be written, and `units` the service's units that cannot be started, each
    with its load state; `written` is the length of the journal, which shows whether it
    changed after the survey.

    `unshared` are shared files that are not in the folder of shared files, and `lost` those of them to which the release
    that serves has a link.

    `journal` are its records of releases, `begun` the runs that began to make one (by their position among those
    records); `damaged` is how many of its lines are no records, `cut` the last run that was seen cut off. `unreadable`
    are the paths that could not be read.
    """

    missing: tuple[str, ...] = ()
    free: int | None = None
    unwritable: tuple[UnwritableFolder, ...] = ()
    lock: LockInfo | None = None
    journal: tuple[Mapping[str, str], ...] = ()
    begun: tuple[tuple[int, str], ...] = ()
    written: int = 0
    damaged: int = 0
    unreadable: tuple[str, ...] = ()
    unshared: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    cut: str = ""
    search: ToolSearch = field(default_factory=ToolSearch)
    units: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Target:
    """The meaning of a ref for one app, asked on one host. `problem` says why it means nothing, `hint` what to do.

    `ref` is what was asked for, in full for a branch or tag. `commits` are those it has and what is deployed there has
    not, and `gone` the reverse; with `between` nobody can tell them; `nowhere` where neither the repository nor this
    host's clone has it. What is deployed is `unpublished` where no branch or tag of the repository has it; its branch was
    `rewritten` where it lost commits since it was last fetched. `stands` are files in the checkout that it would write
    over and git does not track. `migrations` are the files of those that lie between, and `migration_files` those of all
    that it has; None where that is not known. `modules` are the submodules that are pinned elsewhere, and `lfs` is
    whether it keeps files in Git LFS; `without` are those of `lfs` and `modules` that it is known not to have. `ahead`,
    for a rollback, is `forward` where it only adds to what is deployed, `diverged` where each has what the other has
    not, `unknown` where git cannot tell, and empty where what is deployed has all of it. `holds` are the app's shared
    paths that the revision has itself; None where that was not asked, or cannot be told. `authors` have written the
    `commits`, also as co-authors; `authors_unknown` is why not all of them are known.
    """

    revision: str | None = None
    commits: tuple[Commit, ...] = ()
    gone: tuple[Commit, ...] = ()
    problem: str = ""
    hint: str = ""
    tags: tuple[str, ...] = ()
    ref: str = ""
    migrations: tuple[str, ...] = ()
    migration_files: tuple[str, ...] | None = None
    ahead: str = ""
    modules: tuple[Submodule, ...] = ()
    lfs: bool = False
    without: tuple[str, ...] = ()
    between: bool = False
    unpublished: bool = False
    rewritten: bool = False
    nowhere: bool = False
    stands: tuple[str, ...] = ()
    holds: tuple[str, ...] | None = None
    authors: tuple[Identity, ...] = ()
    authors_unknown: str = "nobody asked for them"


@dataclass(frozen=True)
class Facts:
    """The result of a survey for one site; `about` are lines that only its service understands. `pending` is None where
    it was not asked, or nothing is deployed; `health` where it was not asked. `clock` says nothing where it was not
    asked."""

    site: Site
    place: CheckoutFacts = field(default_factory=CheckoutFacts)
    host: HostFacts = field(default_factory=HostFacts)
    service: ServiceState = field(default_factory=lambda: ServiceState(False))
    target: Target | None = None
    maintenance: MaintenanceState = field(default_factory=MaintenanceState)
    about: tuple[str, ...] = ()
    pending: Pending | None = None
    health: HttpAnswer | None = None
    clock: Clock = field(default_factory=Clock)

    @property
    def releases(self) -> tuple[Release, ...]:
        """Return the releases of this host in the order of its journal, oldest first, each with its last verdict."""
        known: dict[str, Release] = {}
        for entry in self.host.journal:
            if entry.get("release"):
                known[entry["release"]] = _release(entry)
        return tuple(known.values())

    def age(self, now: float) -> float | None:
        """Return how many seconds ago the release was taken, by the host's own clock; `now` is the controller's time.
        None where that is not known."""
        state, offset = self.service, self.clock.offset
        if state.reloaded is None or not state.boot or offset is None:
            return None
        return max(1.0, now + offset[0] - state.boot - state.reloaded / 100)

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Return the paths that could not be read, with reasons. While there are any, nothing counts as absent."""
        return (*self.place.unreadable, *self.host.unreadable)

    @property
    def release(self) -> Release | None:
        """Return the current release: by the symlink, or the journal's last one of the revision that is checked out."""
        if self.place.current:
            made = {r.id: r for r in self.releases}
            return made.get(self.place.current, Release(self.place.current, self.place.revision or ""))
        if self.place.link:
            return None
        same = [r for r in self.releases if r.revision == self.place.revision and r.verdict != "bad"]
        latest = [entry.get("release") for entry in self.host.journal if entry.get("verdict") == "good"]
        return next((r for r in same if latest and r.id == latest[-1]), same[-1] if same else None)

    @property
    def names(self) -> dict[str, str]:
        """Return what each of VERSION_NAMES stands for; empty where it is not known."""
        return version_names(self.place.revision or "", self.release.id if self.release else "", self.ref)

    @property
    def ref(self) -> str:
        """Return what the current release was deployed by; empty where that is not known."""
        return self.release.ref if self.release else ""

    @property
    def last_good(self) -> Release | None:
        """Return the last release that the journal records as good. It is the current one unless a run was cut off."""
        return next((_release(e) for e in reversed(self.host.journal) if e.get("verdict") == "good"), None)

    @property
    def as_recorded(self) -> bool:
        """Tell whether the current code is what a run last proved to serve."""
        last, place = self.last_good, self.place
        by_id = place.current or place.link
        return last is not None and (last.id == place.current if by_id else last.revision == place.revision)

    @property
    def deployed(self) -> bool:
        """Tell whether there is code that may serve, whichever tool deployed it, and even if its revision is
        unknown."""
        return self.place.revision is not None or bool(self.place.link and not self.place.dangling)

    @property
    def in_the_way(self) -> tuple[str, ...]:
        """Return the files of the checkout that are changed or untracked."""
        return (*(line[3:] for line in self.place.dirty), *(self.target.stands if self.target else ()))

    @property
    def stranded(self) -> bool:
        """Tell whether the checkout stands on commits that only this host has."""
        return self.site.layout.in_place and self.target is not None and self.target.unpublished

    @property
    def adopted(self) -> bool:
        """Tell whether `current` leads to a folder that Lockstitch did not make."""
        return bool(self.place.link) and not is_release_id(self.place.current or "")


@dataclass(frozen=True)
class Survey:
    """The facts of a fleet: by site, in order, and the hosts that could not be reached."""

    facts: Mapping[Site, Facts]
    unreachable: Mapping[str, LockstitchError] = field(default_factory=dict)

    @property
    def unreadable(self) -> Mapping[Site, tuple[str, ...]]:
        """Return the paths that could not be read, with reasons, by site."""
        return {site: facts.unreadable for site, facts in self.facts.items() if facts.unreadable}


def _release(entry: Mapping[str, str]) -> Release:
    verdicts: dict[str, ReleaseStatus] = {"good": "good", "bad": "bad", "left": "left"}
    return Release(
        entry["release"],
        entry.get("revision", ""),
        verdicts.get(entry.get("verdict", ""), "unknown"),
        entry.get("run", ""),
        entry.get("by", ""),
        entry.get("at", ""),
        entry.get("reason", ""),
        entry.get("ref", ""),
    )
