"""Pure: the questions a survey puts to a site, as probes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lockstitch.databases.migrations import LIST
from lockstitch.databases.pending import Pending, parse_pending
from lockstitch.facts.git import PLACE, RECALL, RESOLVE
from lockstitch.facts.site import Target
from lockstitch.facts.site_answers import parse_host, parse_place, parse_target
from lockstitch.facts.state_files import READ, THERE
from lockstitch.inventory import App
from lockstitch.model.command import Command
from lockstitch.model.host import Host
from lockstitch.model.plan import Site
from lockstitch.model.probe import NEAR, Probe
from lockstitch.services.release_context import Place

_HOST = r"""
for tool in $tools; do command -v "$tool" >/dev/null 2>&1 || echo "missing $tool"; done
echo "free $(df -Pk "$(near "$path")" 2>/dev/null | awk 'NR == 2 { print $4 }')"
for folder in "$path" "$state"; do at=$(near "$folder"); [ -w "$at" ] || echo "unwritable $at"; done
read_lock
read_journal
exit 0
"""


@dataclass(frozen=True)
class Ask:
    """One site to survey: its host, its app there, and the probes beyond the usual."""

    host: Host
    app: App
    extra: tuple[Probe[Any], ...] = ()

    @property
    def site(self) -> Site:
        return Site(self.host.name, self.app.name, self.app.layout_paths, self.app.user)


def probes(ask: Ask) -> tuple[Probe[Any], ...]:
    """The questions for one site: what lies there, what the host offers, what the service runs."""
    layout = ask.site.layout
    code = code_values(ask.app)
    tools = " ".join(sorted({"git", "tar", *ask.app.service.tools()}))
    host = {"tools": tools, "path": layout.path, "state": layout.state, "lock": layout.lock, "journal": layout.journal}
    place = Place(ask.app.name, layout, "", "", ask.app.env)
    return (
        Probe("place", Command(THERE + PLACE, values=code), parse_place),
        Probe("host", Command(NEAR + READ + _HOST, values=host, env=ask.app.env), parse_host),
        replace(ask.app.service.probe(place), name="service"),
        *((ask.app.mode.probe(place),) if ask.app.mode else ()),
        *ask.extra,
    )


def code_values(app: App) -> dict[str, str]:
    """The values that git's texts use."""
    at = app.layout_paths
    return {
        "kind": at.kind,
        "path": at.path,
        "clone": at.clone,
        "current": at.current,
        "releases": at.releases,
        "shared": at.shared,
        "paths": "\n".join(app.shared),
        "repository": app.repository,
        "ref": app.ref,
    }


def resolve(app: App, ref: str, pinned: str = "") -> Probe[Target]:
    """Return the question for the meaning of a ref at the repository, asked on one host for all; on the others, for
    what lies between them and the revision that is `pinned` by that."""
    known = {**code_values(app), "ref": ref, "pinned": pinned, "globs": "\n".join(app.migrating.files)}
    return Probe("target", Command(RESOLVE, values=known, env=app.env), parse_target)


def recall(app: App, wanted: str) -> Probe[Target]:
    """What a tag or revision means in a host's own clone, and which tags it has."""
    known = {**code_values(app), "wanted": wanted, "globs": "\n".join(app.migrating.files)}
    return Probe("target", Command(RECALL, values=known), parse_target)


_PENDING = r"""
[ -d "$directory" ] || exit 100
cd "$directory" || exit 1
"""


def pending(app: App, place: Place, *, patience: int = 45) -> Probe[Pending | None] | None:
    """Return the question for the migrations that the code of a place has not applied; None where nobody knows how to
    ask."""
    if not app.migrating.pending:
        return None
    values = {"pending": app.migrating.pending, "directory": place.directory, "patience": str(patience)}
    return Probe("pending", Command(_PENDING + LIST, values=values, env=place.env), parse_pending)
