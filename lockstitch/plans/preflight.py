"""Pure: problems in the facts that prevent a change of a fleet, all of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockstitch.errors import CheckError, ConnectError, LockstitchError
from lockstitch.facts.settings import shared_hint
from lockstitch.facts.site import Facts, Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App
from lockstitch.model.folder import folder_hint
from lockstitch.model.format import sized
from lockstitch.model.release import short
from lockstitch.services.systemd_unit import UNIT_HINT, unit_problem
from lockstitch.text import listed

_SHOWN = 20
_NOWHERE = "neither in the folder of shared files nor in the repository: no release can link to it"


def refuse(fleet: Fleet, survey: Survey, *, discard: bool = False, fetching: bool = True) -> None:
    """Raise for hosts that could not be asked, then for every problem in the facts. Without `fetching`, nothing is
    written to the clones that releases are made from."""
    raise_unreachable(survey)
    apps = {(host.name, app.name): app for host, app in fleet.sites()}
    holds = {site.app: facts.target.holds for site, facts in survey.facts.items() if facts.target and fetching}
    lfs = {site.app for site, facts in survey.facts.items() if facts.target and facts.target.lfs}
    problems = [
        f"{site.host}: {site.app}: {problem}"
        for site, facts in survey.facts.items()
        for problem in (
            *_against(apps[site.host, site.app], facts, discard),
            *(f"{path} is shared, and {_NOWHERE}" for path in _nowhere(facts, holds.get(site.app))),
            *_against_git(facts, lfs=site.app in lfs, writing=fetching or site.layout.in_place),
        )
    ]
    if problems:
        held = not discard and any(facts.in_the_way or facts.stranded for facts in survey.facts.values())
        hint = "commit and push them, or give --discard-changes: it keeps a copy on the host" if held else ""
        if held and not any(facts.in_the_way for facts in survey.facts.values()):
            hint = (
                "push them to a branch, or give --discard-changes: they are kept on the host, and the plan says where"
            )
        missing = [(path, s) for s, facts in survey.facts.items() for path in _nowhere(facts, holds.get(s.app))]
        for path, site in missing[:1] if not hint else ():
            hint = shared_hint(apps[site.host, site.app], path, fleet.inventory.name)
        hint = "; ".join(filter(None, [hint, *_hints(survey)]))
        # What hosts tell was read line by line, so each end of a line is one of ours.
        raise CheckError(listed([*"\n".join(problems).split("\n"), "nothing was changed"]), hint=hint)


def _hints(survey: Survey) -> tuple[str, ...]:
    """Return what to do about folders, units, git servers that do not answer and programs that are not found, each
    once."""
    sites = survey.facts.values()
    folders = [folder_hint(f.host.unwritable, at=site.host) for site, f in survey.facts.items() if f.host.unwritable]
    units = [UNIT_HINT for facts in sites if facts.host.units]
    servers = [facts.target.hint for facts in sites if facts.target]
    tools = [facts.host.search.hint(tool) for facts in sites for tool in facts.host.missing if facts.host.search.path]
    return tuple(dict.fromkeys([*folders, *units, *servers, *tools]))


def raise_unreachable(survey: Survey) -> None:
    """Raise one error for all hosts that could not be asked, or for all paths there that could not be read."""
    errors = list(survey.unreachable.values())
    if not errors:
        raise_unreadable(survey)
        return
    if len(errors) == 1 and isinstance(errors[0], ConnectError):
        host = errors[0].host
        said = errors[0].message.removeprefix(f"{host}: ")
        raise type(errors[0])(host, f"{said}\nnothing was changed", hint=errors[0].hint)
    hosts = ", ".join(survey.unreachable)
    text = "\n".join(error.message for error in errors)
    hints = dict.fromkeys(error.hint for error in errors if error.hint)
    raise _Unreachable(f"{text}\nnothing was changed", hint="; ".join(hints) or f"see to {hosts} first")


def raise_unreadable(survey: Survey, nothing: str = "nothing was changed") -> None:
    """Raise CheckError where a host's own records could not be read. Unknown content is not an empty record."""
    unreadable = survey.unreadable.items()
    lines = [f"{site.host}: {site.app} is unreadable: {why}" for site, some in unreadable for why in some]
    if lines:
        raise CheckError(
            listed(filter(None, [*lines, nothing])),
            hint="see to these paths on the host, or move them away, then type it again",
        )


class _Unreachable(LockstitchError):
    exit_code = ConnectError.exit_code


def _against(app: App, facts: Facts, discard: bool) -> Iterator[str]:
    place, host = facts.place, facts.host
    if place.foreign:
        yield f"{place.foreign}: move it away, or correct `path` and `layout`"
    for tool in host.missing:
        yield f"`{tool}` is not found on this host{host.search.words(tool)}"
    yield from map(str, host.unwritable)
    yield from (unit_problem(unit, load) for unit, load in host.units)
    if host.free is not None and host.free < app.min_free:
        yield f"{sized(host.free)} are free at {app.path}, {sized(app.min_free)} are wanted (min_free)"
    if facts.target is not None and facts.target.problem:
        yield facts.target.problem
    if discard:
        return
    if place.dirty:
        yield "uncommitted changes in the checkout:\n" + _listed(place.dirty)
    if facts.target and facts.target.stands:
        yield "files in the checkout that git does not track, and that this would write over:\n" + _listed(
            facts.target.stands
        )
    if facts.stranded and facts.target:
        says = f"the checkout stands on {short(place.revision)}, which is in no branch or tag of the repository"
        gone = [f"{short(c.revision)} {c.author}: {c.subject}" for c in facts.target.gone]
        yield f"{says}; {len(gone)} commit{'s' if len(gone) != 1 else ''} would go:\n" + _listed(gone)


def _listed(lines: Sequence[str]) -> str:
    more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n".join(f"    {line}" for line in (*lines[:_SHOWN], *more))


def _nowhere(facts: Facts, holds: Sequence[str] | None) -> tuple[str, ...]:
    """Return the shared files that are neither on the host nor in the revision, where that is known."""
    return tuple(path for path in facts.host.unshared if path not in holds) if holds is not None else ()


def _against_git(facts: Facts, *, lfs: bool, writing: bool) -> Iterator[str]:
    place = facts.place
    if place.broken:
        yield f"{facts.site.layout.path}: {place.broken}"
    if lfs and not place.lfs:
        yield "`git-lfs` is not found on this host, and what is deployed keeps files in Git LFS"
    if writing:
        yield from map(str, place.locks)
