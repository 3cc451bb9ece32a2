"""What a person should know of logs that were read: what cannot be read and why, and clocks that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lockstitch.engine.logs.locate import Found
from lockstitch.engine.logs.read import Read
from lockstitch.errors import ExitCode
from lockstitch.model.results import Done

# Clocks that differ by less sort well enough; asking takes a part of it.
APART = 2.0


def troubles(reads: Mapping[str, Read]) -> Iterator[str]:
    """A sentence for each source that cannot be read, and what else the hosts told of their files."""
    for one in reads.values():
        found, post = one.found, one.found.post
        denied = set(found.denied.values())
        for file, n in found.denied.items():
            yield f"{post.host.name}: {post.sources[n].app}: {found.user} may not read {file}: try --sudo"
        for n, path in post.patterns().items():
            if n not in found.there and n not in denied:
                app = post.sources[n].app
                yield f"{post.host.name}: {app}: {path} is not there, or {found.user} may not look"
        for note in found.notes:
            yield f"{post.host.name}: {note}"
        for app in post.apps:
            if not any(app == source.app for source in post.sources):
                yield f"{post.host.name}: it is not known where {app} logs: give it `logs:` in the inventory"
        for unit in post.units():
            if why := _unreadable(one, unit):
                yield f"{post.host.name}: the journal of {unit} cannot be read: {why}"
    yield from _partial(reads)


def lacking(found: Found, read: Read) -> Done | None:
    """What it counts as where an app has nothing that can be read on a host."""
    sources = found.post.sources
    readable = {sources[n].app for n in found.there}
    readable |= {source.app for source in sources if source.unit and read.journal.readable(source.unit)}
    without = [app for app in found.post.apps if app not in readable]
    return Done(ExitCode.CHECK_SAID_NO, f"nothing can be read of {', '.join(without)}") if without else None


def drifts(found: Sequence[Found]) -> Iterator[str]:
    """Lines are sorted by the clocks of their hosts."""
    if len(found) < 2:
        return
    first, *_, last = sorted(found, key=lambda one: one.drift)
    if last.drift - first.drift > APART:
        apart = f"{last.drift - first.drift:.0f} s"
        names = last.post.host.name, first.post.host.name
        yield f"the clock of {names[0]} is {apart} ahead of that of {names[1]}: each line is sorted by its host's clock"


def _partial(reads: Mapping[str, Read]) -> Iterator[str]:
    """What systemd itself says of a unit (that it was killed) is not among what its user may read."""
    limited = [one.found.post.host.name for one in reads.values() if one.journal.limited and one.journal.last]
    if limited:
        why = "that user is not in the group systemd-journal; or try --sudo"
        yield f"{', '.join(limited)}: of the journal only entries of the user's own processes: {why}"


def _unreadable(read: Read, unit: str) -> str:
    if read.journal.missing:
        return "there is no journalctl"
    if unit in read.journal.last:
        return ""
    if read.journal.limited:
        return f"{read.journal.limited} is not in the group systemd-journal; or try --sudo"
    return "journalctl says no" if unit in read.journal.failed else ""
