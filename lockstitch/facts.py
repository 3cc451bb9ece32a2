"""The values Facts and Target: what a survey learns of one site, and of what a ref means. Pure: parsers and values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from lockstitch.backup import ServerFacts, VaultFacts, parse_backups
from lockstitch.errors import LockstitchError
from lockstitch.plan import Commit, Site
from lockstitch.probe import number
from lockstitch.release import REVISION, Release, Verdict, is_release_id
from lockstitch.services.maintenance import MaintenanceState
from lockstitch.services.state import ServiceState
from lockstitch.shown import oneline

# What the question for pending migrations ends with where nothing is deployed.
NOTHING_THERE = 100


@dataclass(frozen=True)
class LockInfo:
    """Who holds a lock, why and since when; `run` is what releases it."""

    run: str
    by: str
    message: str
    at: str

    def __str__(self) -> str:
        why = f" ({self.message})" if self.message else ""
        return oneline(f"{self.by} since {self.at}, run {self.run}{why}")


@dataclass(frozen=True)
class PlaceFacts:
    """What lies at an app's path. `foreign` is the reason why Lockstitch must not deploy there, where there is one;
    `broken` is what git says where it cannot tell what was changed.

    `link` is what the symlink `current` says, and `current` the folder in `releases` that it leads to, where it does;
    `dangling`: it leads to no folder at all.
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


@dataclass(frozen=True)
class HostFacts:
    """What an app needs of its host. `free` is in bytes, `unwritable` the folder that cannot be written; `written`
    is how long the journal was, so that a change after the survey is noticed."""

    missing: tuple[str, ...] = ()
    free: int | None = None
    unwritable: str = ""
    lock: LockInfo | None = None
    journal: tuple[Mapping[str, str], ...] = ()
    written: int = 0


@dataclass(frozen=True)
class Target:
    """What a ref means for one app, asked on one host. `problem` says why it means nothing;
    `migrations` are the files of those that lie between what is deployed and it. `ahead`, for a rollback, is `forward`
    where it only adds to what is deployed, `diverged` where each has what the other has not, `unknown` where git
    cannot tell, and empty where what is deployed has all of it."""

    revision: str | None = None
    commits: tuple[Commit, ...] = ()
    backwards: bool = False
    problem: str = ""
    tags: tuple[str, ...] = ()
    migrations: tuple[str, ...] = ()
    ahead: str = ""


@dataclass(frozen=True)
class Pending:
    """What the code that serves has not applied to its database: a line for each migration, or why nobody knows."""

    names: tuple[str, ...] = ()
    problem: str = ""

    def __str__(self) -> str:
        if self.problem:
            return f"whether it has migrations pending is not known: {self.problem}"
        more = f" and {len(self.names) - 5} more" if len(self.names) > 5 else ""
        return f"migrations pending in the code that serves: {', '.join(self.names[:5])}{more}"


@dataclass(frozen=True)
class Facts:
    """Everything a survey learnt of one site; `about` are lines that only its service understands. `pending` is None
    where it was not asked, or nothing is deployed."""

    site: Site
    place: PlaceFacts = field(default_factory=PlaceFacts)
    host: HostFacts = field(default_factory=HostFacts)
    service: ServiceState = field(default_factory=lambda: ServiceState(False))
    target: Target | None = None
    maintenance: MaintenanceState = field(default_factory=MaintenanceState)
    about: tuple[str, ...] = ()
    pending: Pending | None = None

    @property
    def releases(self) -> tuple[Release, ...]:
        """The releases known on this host, oldest first, each with the last verdict given to it."""
        known: dict[str, Release] = {}
        for entry in self.host.journal:
            if entry.get("release"):
                known[entry["release"]] = _release(entry)
        return tuple(sorted(known.values(), key=lambda r: r.id))

    @property
    def release(self) -> Release | None:
        """The release that is in place now, by the symlink, or the journal's last of the checked-out revision."""
        if self.place.current:
            made = {r.id: r for r in self.releases}
            return made.get(self.place.current, Release(self.place.current, self.place.revision or ""))
        if self.place.link:
            return None
        same = [r for r in self.releases if r.revision == self.place.revision and r.verdict != "bad"]
        latest = [entry.get("release") for entry in self.host.journal if entry.get("verdict") == "good"]
        return max(same, key=lambda r: (r.id == (latest[-1] if latest else ""), r.id), default=None)

    @property
    def last_good(self) -> Release | None:
        """What the journal last recorded as good: what lies here, unless a run was cut off."""
        return next((_release(e) for e in reversed(self.host.journal) if e.get("verdict") == "good"), None)

    @property
    def as_recorded(self) -> bool:
        """Whether what lies here is what a run last proved to serve."""
        last, place = self.last_good, self.place
        by_id = place.current or place.link
        return last is not None and (last.id == place.current if by_id else last.revision == place.revision)

    @property
    def deployed(self) -> bool:
        """Whether something is there that may serve, by whatever tool it came, and even if its revision is unknown."""
        return self.place.revision is not None or bool(self.place.link and not self.place.dangling)

    @property
    def adopted(self) -> bool:
        """Whether what `current` leads to was made by something else."""
        return bool(self.place.link) and not is_release_id(self.place.current or "")


@dataclass(frozen=True)
class Survey:
    """The facts of a fleet: by site in order, and the hosts that could not be asked."""

    facts: Mapping[Site, Facts]
    unreachable: Mapping[str, LockstitchError] = field(default_factory=dict)


def parse_place(text: str, code: int) -> PlaceFacts:
    """The place's facts from `word rest` lines."""
    said = _collect(text)
    revision = _last(said, "revision")
    return PlaceFacts(
        cloned="clone" in said,
        revision=revision if REVISION.match(revision) else None,
        current=_last(said, "current") or None,
        link=_last(said, "link"),
        dangling="dangling" in said,
        folders=tuple(said.get("folder", ())),
        dirty=tuple(said.get("dirty", ())),
        tag=_last(said, "tag"),
        branch=_last(said, "branch"),
        foreign=_last(said, "foreign"),
        broken=_last(said, "broken"),
    )


def parse_host(text: str, code: int) -> HostFacts:
    """The host's facts from `word rest` lines."""
    said = _collect(text)
    free = number(_last(said, "free"))
    return HostFacts(
        missing=tuple(said.get("missing", ())),
        free=None if free is None else free * 1024,
        unwritable=_last(said, "unwritable"),
        lock=parse_lock(_last(said, "lock")),
        journal=tuple(entry for line in said.get("journal", ()) if (entry := _json(line))),
        written=number(_last(said, "written")) or 0,
    )


def parse_vault(text: str, code: int) -> VaultFacts:
    """What lies in a vault, from `word rest` lines; of the database server it tells nothing."""
    said = _collect(text)
    free = number(_last(said, "free"))
    return VaultFacts(
        backups=parse_backups(iter(text.split("\n"))),
        free=None if free is None else free * 1024,
        missing=tuple(said.get("missing", ())),
        unwritable=_last(said, "unwritable"),
        lock=str(parse_lock(_last(said, "lock")) or ""),
        lock_file=_last(said, "lock"),
        written=number(_last(said, "written")) or 0,
        server=ServerFacts(),
    )


def parse_target(text: str, code: int) -> Target:
    """What a ref means, from `word rest` lines; a commit's parts are separated by the unit separator."""
    said = _collect(text)
    revision = _last(said, "revision")
    commits = tuple(Commit(*parts) for c in said.get("commit", ()) if len(parts := c.split("\x1f")) == 3)
    known = bool(REVISION.match(revision))
    problem = " ".join(said.get("problem", ())) or ("" if known else f"no answer about it: {text.strip()[-300:]}")
    return Target(
        revision if known else None,
        commits,
        backwards="backwards" in said,
        problem=problem,
        tags=tuple(said.get("tag", ())),
        migrations=tuple(sorted(said.get("migration", ()))),
        ahead=_last(said, "ahead"),
    )


def parse_pending(text: str, code: int) -> Pending | None:
    """The migrations that a tool lists, a line each; None where nothing is deployed."""
    lines = tuple(" ".join(line.split()) for line in text.split("\n") if line.strip())
    if code == NOTHING_THERE:
        return None
    if code:
        said = " / ".join(lines[-3:]) or "nothing was said"
        return Pending(problem=f"the command that lists them ended with exit code {code}: {said}")
    return Pending(lines)


def parse_lock(text: str) -> LockInfo | None:
    """The owner of a lock from its file; a file that cannot be read is still a lock."""
    if not text:
        return None
    entry = _json(text) or {}
    return LockInfo(*(entry.get(key, "unknown") for key in ("run", "by", "message", "at")))


def _collect(text: str) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    # Not splitlines(): a subject or a message may hold one of the other characters it takes for the end of a line.
    for line in text.split("\n"):
        word, _, rest = line.partition(" ")
        said.setdefault(word, []).append(rest)
    return said


def _last(said: Mapping[str, list[str]], word: str) -> str:
    return said.get(word, [""])[-1]


def _json(line: str) -> dict[str, str] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return {str(k): str(v) for k, v in entry.items()} if isinstance(entry, dict) else None


def _release(entry: Mapping[str, str]) -> Release:
    verdicts: dict[str, Verdict] = {"good": "good", "bad": "bad", "left": "left"}
    return Release(
        entry["release"],
        entry.get("revision", ""),
        verdicts.get(entry.get("verdict", ""), "unknown"),
        entry.get("run", ""),
        entry.get("by", ""),
        entry.get("at", ""),
        entry.get("reason", ""),
    )
