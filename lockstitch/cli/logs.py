"""`logs`: the lines of all apps of all hosts, those that are there and those that come."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from lockstitch.checks.metric_queries import log_places
from lockstitch.cli.fanout import record
from lockstitch.cli.log_output import Screen
from lockstitch.cli.output import aside
from lockstitch.cli.session import Session
from lockstitch.engine.fanout import FanoutOptions
from lockstitch.engine.journal import now
from lockstitch.engine.logs.follow import Follower
from lockstitch.engine.logs.locate import LocatedLogs, LogLocation, LogRange, LogTarget, find
from lockstitch.engine.logs.merge import Grep, LiveMerger, LogRecord, last_lines, merged
from lockstitch.engine.logs.read import LogLines, read
from lockstitch.engine.logs.records import UNTIMED
from lockstitch.errors import CheckError, ExitCode, UsageError
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.command import words
from lockstitch.model.format import span
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.results import HostResult, worst_exit_code
from lockstitch.model.written import duration
from lockstitch.report.fanout import results_text
from lockstitch.text import oneline

if TYPE_CHECKING:
    from lockstitch.model.host import Host

# Clocks that differ by less sort well enough; asking takes a part of it.
APART = 2.0


def troubles(reads: Mapping[str, LogLines]) -> Iterator[str]:
    """A sentence for each source that cannot be read, and what else the hosts told of their files."""
    for lines in reads.values():
        logs, post = lines.logs, lines.logs.post
        denied = set(logs.denied.values())
        for file, n in logs.denied.items():
            yield f"{post.host.name}: {post.sources[n].app}: {logs.user} may not read {file}: try --sudo"
        for n, path in post.patterns().items():
            if n not in logs.there and n not in denied:
                app = post.sources[n].app
                yield f"{post.host.name}: {app}: {path} is not there, or {logs.user} may not look"
        for note in logs.notes:
            yield f"{post.host.name}: {note}"
        for app in post.apps:
            if not any(app == source.app for source in post.sources):
                yield f"{post.host.name}: it is not known where {app} logs: give it `logs:` in the inventory"
        for unit in post.units():
            if why := _unreadable(lines, unit):
                yield f"{post.host.name}: the journal of {unit} cannot be read: {why}"
    yield from _partial(reads)


def lacking(logs: LocatedLogs, read: LogLines) -> HostResult | None:
    """Return the result of a host where an app has nothing that can be read; None where each has something."""
    sources = logs.post.sources
    readable = {sources[n].app for n in logs.there}
    readable |= {source.app for source in sources if source.unit and read.journal.readable(source.unit)}
    without = [app for app in logs.post.apps if app not in readable]
    return HostResult(ExitCode.CHECK_SAID_NO, f"nothing can be read of {', '.join(without)}") if without else None


def drifts(logs: Sequence[LocatedLogs]) -> Iterator[str]:
    """Lines are sorted by the clocks of their hosts."""
    if len(logs) < 2:
        return
    first, *_, last = sorted(logs, key=lambda log: log.drift)
    if last.drift - first.drift > APART:
        apart = span(last.drift - first.drift)
        names = last.post.host.name, first.post.host.name
        yield f"the clock of {names[0]} is {apart} ahead of that of {names[1]}: each line is sorted by its host's clock"


def _partial(reads: Mapping[str, LogLines]) -> Iterator[str]:
    """Say on which hosts entries of the service manager, such as that a unit was killed, cannot be read."""
    limited = [lines.logs.post.host.name for lines in reads.values() if lines.journal.limited and lines.journal.last]
    if limited:
        why = "that user is not in the group systemd-journal; or try --sudo"
        yield f"{', '.join(limited)}: of the journal only entries of the user's own processes: {why}"


def _unreadable(read: LogLines, unit: str) -> str:
    if read.journal.missing:
        return "there is no journalctl"
    if unit in read.journal.last:
        return ""
    if read.journal.limited:
        return f"{read.journal.limited} is not in the group systemd-journal; or try --sudo"
    return "journalctl says no" if unit in read.journal.failed else ""


LINES = 50
# A record may have begun before the lines that are asked for; and what is looked through where records are looked for.
MORE, THROUGH = 100, 10_000


@dataclass(frozen=True)
class LogOptions:
    """The options of `logs`. `lines` below 0: none was typed."""

    follow: bool
    since: str
    at: datetime | None
    span: float
    pattern: re.Pattern[str] | None
    lines: int
    sudo: bool

    @classmethod
    def of(cls, *, follow: bool, since: str, grep: str, lines: int, sudo: bool, alone: bool = False) -> LogOptions:
        """Read it, or raise a UsageError."""
        if lines < -1:
            raise UsageError("--lines is a number from 0")
        if follow and alone:
            raise UsageError("--follow is on all hosts at once", hint="leave --serial and --parallel out")
        try:
            pattern = re.compile(grep) if grep else None
        except re.error as error:
            raise UsageError(f"--grep {grep!r} is no regular expression: {error}") from error
        at, span = _since(since)
        return cls(follow, since, at, span, pattern, lines, sudo)

    @property
    def log_range(self) -> LogRange:
        """The range of lines that the hosts are asked for."""
        most = LINES if self.lines < 0 else self.lines
        lines = UNTIMED if self.since else THROUGH if self.pattern else most + MORE
        return LogRange(lines, self.at, self.span)

    @property
    def most(self) -> int | None:
        """The number of lines of each app on each host that are shown; None: all that were written since."""
        return self.lines if self.lines >= 0 else None if self.since else LINES

    def what(self, only: str) -> str:
        """As it was typed, for the journal."""
        options = [("--since", self.since), ("--grep", self.pattern.pattern if self.pattern else "")]
        options.append(("--lines", str(self.lines) if self.lines >= 0 else ""))
        flags = [name for name, on in (("--follow", self.follow), ("--sudo", self.sudo)) if on]
        typed = [part for name, value in options if value for part in (name, value)]
        return words("logs", *([only] if only else []), *flags, *typed)


def show_logs(session: Session, only: str, *, follow: bool, since: str, grep: str, lines: int, sudo: bool) -> None:
    """Show them, and end with 7 where nothing of an app can be read, 3 where a host is away."""
    few = session.limits.at_once != FanoutOptions.at_once
    asked = LogOptions.of(follow=follow, since=since, grep=grep, lines=lines, sudo=sudo, alone=few)
    fleet = session.fleet(only)
    posts = posts_of(fleet, sudo=asked.sudo)
    if session.dry:
        for post in posts:
            session.note(f"{post.label}: {', '.join(map(str, post.sources)) or 'what its service tells'}")
        return
    began, start = now(), time.monotonic()
    session.document.lines = True
    ended: dict[str, HostResult] = {}
    screen = Screen(sys.stdout, fleet, session)
    try:
        with screen:
            _shown(session, posts, asked, screen, ended)
    except KeyboardInterrupt:
        if not asked.follow:
            raise
        ended.clear()
    finally:
        record(session, asked.what(only), {post.label: ended.get(post.label) for post in posts}, began,
               time.monotonic() - start)  # fmt: skip
    if screen.lost:
        raise CheckError(f"not all of it could be written here: {screen.lost}")
    if ended:
        aside(results_text(ended, all_of_them=False))
    sys.exit(int(worst_exit_code(list(ended.values()))))


def posts_of(fleet: Fleet, *, sudo: bool) -> list[LogTarget]:
    """Return the sources to read on each host as each user. Raises UsageError where no app logs anywhere."""
    groups: dict[tuple[Host, str | None, str], LogTarget] = {}
    for host, app in fleet.sites():
        places = log_places(app)
        sources = [LogLocation(app.name, path=place.path, unit=place.unit) for place in places if not place.ask]
        asks = tuple((app.name, place.ask) for place in places if place.ask)
        user, owner = ("root", app.user or "-") if sudo else (app.user, "")
        post = groups.setdefault((host, user, owner), LogTarget(host.name, host, user, owner, ()))
        apps = (*post.apps, app.name)
        more = replace(post, sources=(*post.sources, *sources), asks=(*post.asks, *asks), apps=apps)
        groups[host, user, owner] = more
    names = [host.name for host, _, _ in groups]
    labelled = [
        post if names.count(host.name) == 1 else replace(post, label=f"{host.name} as {owner or user or 'login'}")
        for (host, user, owner), post in groups.items()
    ]
    if not any(post.sources or post.asks for post in labelled):
        raise UsageError(
            f"it is not known where {', '.join(fleet.apps) or 'an app'} logs",
            hint="give the app `logs:` in the inventory",
        )
    return labelled


def _shown(
    session: Session,
    posts: list[LogTarget],
    asked: LogOptions,
    screen: Screen,
    ended: dict[str, HostResult],
) -> None:
    limits = session.limits
    steps = replace(limits, timeout=0.0) if asked.follow else limits
    located = find(session.remote, posts, asked.log_range, steps)
    ended |= {label: logs.result for label, logs in located.items()}
    there = [logs for logs in located.values() if logs.reached]
    reads = read(session.remote, there, asked.log_range, steps)
    for label, lines in reads.items():
        ended[label] = lacking(located[label], lines) or lines.result
    for text in [*troubles(reads), *drifts(there)]:
        say(text)
    grep = Grep(asked.pattern)
    screen(_stream(reads, asked, grep))
    if not asked.follow:
        return
    follower = Follower(session.remote, LiveMerger(screen, grep), say)
    if not any(result.code is ExitCode.INTERRUPTED for result in ended.values()):
        follower.run(list(located.values()), reads, limits.timeout)
    # Ctrl-C is how it ends; and a host that was away was told, and tried until then.
    ended.clear()
    ended |= {label: HostResult(error.exit_code, error.message) for label, error in follower.ended.items()}


def _stream(reads: dict[str, LogLines], asked: LogOptions, grep: Grep) -> Iterator[LogRecord]:
    """Return the records that are there, in order."""
    streams = [stream for lines in reads.values() for stream in lines.streams(asked.log_range, follow=asked.follow)]
    all_of_them = (entry for entry in merged(streams) if grep.wants(entry))
    return all_of_them if asked.most is None else last_lines(all_of_them, asked.most) if asked.most else iter(())


def say(text: str) -> None:
    """On stderr: stdout has the lines, and nothing else."""
    aside(oneline(text))


def _since(text: str) -> tuple[datetime | None, float]:
    """A time, or how many seconds before now."""
    if not text:
        return None, 0.0
    with suppress(ValueError):
        if seconds := duration(text):
            return None, seconds
    try:
        return datetime.fromisoformat(text).astimezone(), 0.0
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"--since {text!r} is neither a duration nor a time", hint="write 10m, 2h, 3d, or 2026-11-21T19:23"
        ) from error
