"""Probes of a site for a survey. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from lockstitch.databases.migrations import LIST, Pending, parse_pending
from lockstitch.facts.git import PLACE, RECALL, RESOLVE
from lockstitch.facts.git.failure import GitFailure, git_failure
from lockstitch.facts.site import CheckoutFacts, HostFacts, Target, parse_git_lock, parse_submodule
from lockstitch.facts.state_files import NEAR, READ, THERE
from lockstitch.facts.tools import NOT_FOUND, parse_search
from lockstitch.inventory.model import App
from lockstitch.model.command import Command, Value, words
from lockstitch.model.folder import parse_folder
from lockstitch.model.host import Host
from lockstitch.model.identity import identity_of
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.lock import parse_lock
from lockstitch.model.plan import Commit, Site
from lockstitch.model.probe import Probe, collect, fields, last, number, record, unreadable
from lockstitch.model.release import REVISION
from lockstitch.model.shell import shell_text
from lockstitch.services.release_context import ReleaseContext


def parse_place(text: str, code: int) -> CheckoutFacts:
    """Parse the facts of an app's path from `WORD REST` lines."""
    said = collect(text)
    revision = last(said, "revision")
    return CheckoutFacts(
        cloned="clone" in said,
        revision=revision if REVISION.match(revision) else None,
        current=last(said, "current") or None,
        link=last(said, "link"),
        dangling="dangling" in said,
        unpublished=number(last(said, "unpublished")) or 0,
        folders=tuple(name for name in said["folder"] if name),
        dirty=tuple(said["dirty"]),
        built=tuple(said["built"]),
        tag=last(said, "tag"),
        branch=last(said, "branch"),
        foreign=last(said, "foreign"),
        broken=last(said, "broken"),
        unreadable=unreadable(said, code),
        lfs="lfs" in said,
        locks=tuple(parse_git_lock(line) for line in said["locked"]),
    )


def parse_host(text: str, code: int) -> HostFacts:
    """Parse the facts of an app's host from `WORD REST` lines."""
    said = collect(text)
    free = number(last(said, "free"))
    entries = [record(line) for line in said["journal"]]
    releases: list[Mapping[str, str]] = []
    begun: list[tuple[int, str]] = []
    for entry in filter(None, entries):
        if entry.get("event") == "begin":
            begun.append((len(releases), entry.get("run", "")))
        else:
            releases.append(entry)
    return HostFacts(
        missing=tuple(said["missing"]),
        search=parse_search(said),
        free=None if free is None else free * 1024,
        unwritable=tuple(parse_folder(line) for line in said["unwritable"]),
        units=tuple((unit, load) for load, unit in (fields(line, 2) for line in said["nounit"])),
        unshared=tuple(said["unshared"]),
        lost=tuple(said["lost"]),
        lock=parse_lock(last(said, "locked")),
        journal=tuple(releases),
        begun=tuple(begun),
        written=number(last(said, "written")) or 0,
        damaged=(number(last(said, "damaged")) or 0) + sum(not entry for entry in entries),
        unreadable=unreadable(said, code),
        cut=(record(last(said, "cut")) or {}).get("run", ""),
    )


def parse_target(text: str, code: int, repository: str = "", ref: str = "") -> Target:
    """Parse the meaning of a ref from `WORD REST` lines. The parts of a commit are separated by the unit separator,
    which its subject may contain as well. Hints name the `repository`, or what has a name like that of the `ref`."""
    said = collect(text)
    revision = last(said, "revision")

    def commits(word: str) -> tuple[Commit, ...]:
        return tuple(Commit(*(*c.split("\x1f", 2), "", "")[:3]) for c in said[word])

    known = bool(REVISION.match(revision))
    problem, why = " ".join(said["problem"]), GitFailure()
    if not known and not problem:
        problem, why = "no answer about it", git_failure(text, repository)
    elif problem:
        why = _missing(ref, said["name"], repository) if "missing" in said else git_failure(said["said"], repository)
    return Target(
        revision if known else None,
        commits("commit"),
        commits("gone"),
        problem=f"{problem}: {why.reason}" if why.reason else problem,
        hint=why.hint,
        tags=tuple(said["tag"]),
        ref=last(said, "ref"),
        migrations=tuple(sorted(said["migration"])),
        migration_files=tuple(sorted(said["has"])) if "listed" in said else None,
        ahead=last(said, "ahead"),
        modules=tuple(parse_submodule(line) for line in said["module"]),
        lfs="lfs" in said,
        without=tuple(said["without"]),
        between="between" in said,
        unpublished="unpublished" in said,
        rewritten="rewritten" in said,
        nowhere="nowhere" in said,
        stands=tuple(said["stands"]),
        holds=tuple(said["holds"]) if "held" in said else None,
        authors=tuple(identity_of(line) for line in said["author"]),
        authors_unknown=last(said, "noauthors") or ("" if "authors" in said else "the host did not tell them"),
    )


def _missing(ref: str, names: list[str], repository: str) -> GitFailure:
    # Start-up: only what was typed wrongly needs it.
    from lockstitch.inventory.validation import nearest

    near = nearest(ref, names)
    return GitFailure(hint=f"did you mean {near}?" if near else f"there: git ls-remote {words(repository)}")


_HOST = shell_text(__package__, "site.sh")


@dataclass(frozen=True)
class SiteQuery:
    """A site to survey: its host, its app there, and probes beyond the usual ones. `env` is the environment of its app with
    the secrets, where that was looked up."""

    host: Host
    app: App
    extra: tuple[Probe[Any], ...] = ()
    env: Mapping[str, Value] | None = None

    @property
    def site(self) -> Site:
        return Site(self.host.name, self.app.name, self.app.layout_paths, self.app.user)


def probes(ask: SiteQuery) -> tuple[Probe[Any], ...]:
    """Return the probes of a site: the app's path, its host, its service, its maintenance, and the extra ones."""
    layout = ask.site.layout
    code = code_values(ask.app)
    tools = " ".join(sorted({"git", "tar", *ask.app.service.tools()}))
    units = " ".join(ask.app.service.systemd_units())
    host = {
        "tools": tools,
        "units": units,
        "state": layout.state,
        "lock": layout.lock,
        "journal": layout.journal,
        **code,
    }
    known = ask.app.env if ask.env is None else ask.env
    has_secrets = ask.env is not None or not ask.app.secrets
    place = ReleaseContext(ask.app.name, layout, "", "", known, has_secrets=has_secrets, built=ask.app.built)
    return (
        Probe("place", Command(THERE + PLACE, values=code), parse_place),
        Probe("host", Command(NEAR + READ + NOT_FOUND + _HOST, values=host, env=ask.app.env), parse_host),
        replace(ask.app.service.probe(place), name="service"),
        *((ask.app.mode.probe(place),) if ask.app.mode else ()),
        *ask.extra,
    )


def code_values(app: App) -> dict[str, str]:
    """Return the variables of git's shell texts."""
    at = app.layout_paths
    return {
        "kind": at.kind,
        "path": at.path,
        "clone": at.clone,
        "current": at.current,
        "releases": at.releases,
        "shared": at.shared,
        "state": at.state,
        "paths": "\n".join(app.shared),
        "repository": app.repository,
        "ref": app.ref,
    }


def resolve(app: App, ref: str, pinned: str = "") -> Probe[Target]:
    """Return the probe of what a ref means at the repository, which is asked on one host for all. On the others, with
    the revision that is `pinned` by it, the probe tells what lies between that and what they run."""
    known = {**code_values(app), "ref": ref, "pinned": pinned, "globs": "\n".join(app.migrating.files)}
    return Probe(
        "target", Command(RESOLVE, values=known, env=app.env), partial(parse_target, repository=app.repository, ref=ref)
    )


def recall(app: App, ref: str) -> Probe[Target]:
    """Return the probe of what a tag or revision means in a host's own clone, and of the tags it has."""
    known = {**code_values(app), "ref": ref, "globs": "\n".join(app.migrating.files)}
    return Probe("target", Command(RECALL, values=known), parse_target)


_PENDING = r"""
[ -d "$directory" ] || exit 100
cd "$directory" || exit 1
"""


def pending(app: App, place: ReleaseContext, *, patience: int = 45) -> Probe[Pending | None] | None:
    """Return the probe of the migrations that the code of a place has not applied; None for an app that cannot list
    them."""
    if not app.migrating.pending:
        return None
    values = {"pending": app.migrating.pending, "directory": place.directory, "patience": str(patience)}
    return Probe("pending", Command(_PENDING + LIST, values=values, env=place.env), parse_pending)
