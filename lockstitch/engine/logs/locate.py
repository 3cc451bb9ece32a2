"""EFFECT: finds the log files. Each host is asked for its clock, its files, and lines from a few places of each, from
which the place to begin reading is chosen."""

from __future__ import annotations

import posixpath
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta

from lockstitch.engine.fanout import FanoutOptions, HostScript, run_on_hosts
from lockstitch.engine.logs import host_scripts
from lockstitch.engine.logs.framing import FrameReader
from lockstitch.engine.logs.timestamps import LogClock, zone_of
from lockstitch.errors import ExitCode
from lockstitch.model.command import Command
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Script, Step
from lockstitch.model.results import Event, HostResult, StepOutput
from lockstitch.remote import Remote

MIB = 1024 * 1024
# How much of one file is looked through: for the last lines, and for those since a time.
MOST, LIMIT = 16 * MIB, 64 * MIB
FILES = 50
SECONDS = 120.0


@dataclass(frozen=True)
class LogLocation:
    """A place that an app logs to on a host: files (a path or a pattern), or the journal of a unit."""

    app: str
    path: str = ""
    unit: str = ""

    def __str__(self) -> str:
        return self.path or f"the journal of {self.unit}"


@dataclass(frozen=True)
class LogTarget:
    """All logs that are read on one host as one user.

    Where that user is root, relative paths begin at the home of `owner` (`-`: the login user). `asks` are commands that
    print more paths, by app.
    """

    label: str
    host: Host
    user: str | None
    owner: str
    sources: tuple[LogLocation, ...]
    asks: tuple[tuple[str, Command], ...] = ()
    apps: tuple[str, ...] = ()

    def patterns(self) -> dict[int, str]:
        return {n: source.path for n, source in enumerate(self.sources) if source.path}

    def units(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(source.unit for source in self.sources if source.unit))

    def work(
        self, name: str, text: str, *, seconds: float = SECONDS, values: Mapping[str, str] | None = None
    ) -> HostScript:
        """Return the work that runs one of the texts of host_scripts.py."""
        step = Step(name, "", Command(text, {"owner": self.owner, **(values or {})}), timeout=seconds)
        return HostScript(self.label, self.host, Script((step,), app=self.label, user=self.user))


@dataclass(frozen=True)
class LogRange:
    """The lines to read: at least the last `lines` of each file, or those since `at`, or since `span` seconds before
    the host's own time."""

    lines: int
    at: datetime | None = None
    span: float = 0.0

    @property
    def since(self) -> str:
        """The begin as the scripts take it: seconds since the epoch, or `-SECONDS` before now."""
        return str(int(self.at.timestamp())) if self.at else f"-{int(self.span) + 1}" if self.span else ""

    def begins(self, clock: LogClock) -> datetime | None:
        """Return the time from which lines are read, on the host's own clock; None where the number of lines
        decides."""
        return self.at or (clock.now - timedelta(seconds=self.span) if self.span else None)


@dataclass
class LogPart:
    """The part of a file to read: from `start` to `size`. `cut` marks one that begins in the middle of a record."""

    n: int
    key: str
    path: str
    size: int
    changed: int
    start: int
    cut: bool = False


@dataclass
class LocatedLogs:
    """The log files of one host. `seen` has the source and size of every file, `drift` is how many seconds the host's
    clock is ahead of this machine's."""

    post: LogTarget
    result: HostResult
    clock: LogClock = field(default_factory=lambda: LogClock(datetime.now(UTC)))
    drift: float = 0.0
    user: str = ""
    parts: dict[str, LogPart] = field(default_factory=dict)
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    there: set[int] = field(default_factory=set)
    denied: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def reached(self) -> bool:
        return self.result.code is ExitCode.DONE


def find(
    remote: Remote, posts: Sequence[LogTarget], log_range: LogRange, way: FanoutOptions | None = None
) -> dict[str, LocatedLogs]:
    """Ask every host for its log files. Returns the answers by the label of the target."""
    asked = _ask_paths(remote, posts, way)
    going = [logs.post for logs in asked.values() if logs.reached]
    tag = secrets.token_hex(8)
    hearing = {post.label: _Hearing(asked[post.label], log_range, tag) for post in going}
    bounds = {
        "tag": tag,
        "cut": log_range.since,
        "files": str(FILES),
        "most": str(MOST),
        "limit": str(LIMIT),
        "lines": str(log_range.lines),
    }
    work = [post.work("find", host_scripts.FIND, values={**bounds, "sources": sources_of(post)}) for post in going]
    results = run_on_hosts(remote, work, hear({label: reader.said.feed for label, reader in hearing.items()}), way)
    for label, reader in hearing.items():
        asked[label].result = results[label]
        reader.choose()
    return asked


def sources_of(post: LogTarget) -> str:
    return "\n".join(f"{n} {path}" for n, path in post.patterns().items())


def hear(feeds: Mapping[str, Callable[[str], None]]) -> Callable[[Event], None]:
    """Return an observer that passes each line of output to the feed of its target."""

    def observe(event: Event) -> None:
        if isinstance(event, StepOutput) and event.app in feeds:
            feeds[event.app](event.line)

    return observe


def _ask_paths(remote: Remote, posts: Iterable[LogTarget], way: FanoutOptions | None) -> dict[str, LocatedLogs]:
    """Return every target with the files that only its host can name."""
    logs = {post.label: LocatedLogs(post, HostResult(ExitCode.DONE, "ok")) for post in posts}
    asking = [host_logs.post for host_logs in logs.values() if host_logs.post.asks]
    work = []
    for post in asking:
        steps = tuple(
            Step(str(n), "", replace(ask, text=host_scripts.ASK + ask.text, values={**ask.values, "owner": post.owner}),
                 is_query=True, timeout=SECONDS)
            for n, (_, ask) in enumerate(post.asks)
        )  # fmt: skip
        work.append(HostScript(post.label, post.host, Script(steps, app=post.label, user=post.user)))
    for label, answer in run_on_hosts(remote, work, way=way).items() if work else ():
        post = logs[label].post
        locations = [
            LogLocation(post.asks[int(result.name)][0], path=line)
            for result in answer.results
            for line in result.output.splitlines()
            if line.startswith("/")
        ]
        ended = HostResult(ExitCode.DONE, "ok") if answer.exit is not None else answer
        logs[label] = LocatedLogs(replace(post, sources=tuple(dict.fromkeys((*post.sources, *locations)))), ended)
    return logs


class _Hearing:
    """Parses the answer of one host."""

    def __init__(self, logs: LocatedLogs, log_range: LogRange, tag: str) -> None:
        self._logs, self._range = logs, log_range
        self._heads: dict[str, dict[int, list[str]]] = {}
        self._head: list[str] = []
        self.said = FrameReader(tag, self._word, lambda line: self._head.append(line))

    def _word(self, words: list[str]) -> None:
        logs = self._logs
        match words:
            case ["clock", seconds, zone, user]:
                # Where `date` knows no nanoseconds it says so by a letter.
                now = datetime.fromtimestamp(float(seconds.rstrip("N.") or 0), UTC)
                logs.drift = (now - datetime.now(UTC)).total_seconds()
                logs.clock, logs.user = LogClock(now, zone_of(zone) or UTC), user
            case ["seen", n, key, size, *_]:
                logs.seen.setdefault(key, (int(n), int(size)))
            case ["file", n, key, size, changed, start, *path]:
                logs.there.add(int(n))
                part = LogPart(int(n), key, " ".join(path), int(size), int(changed), int(start), int(start) > 0)
                logs.parts.setdefault(key, part)
            case ["head", key, offset]:
                self._head = self._heads.setdefault(key, {}).setdefault(int(offset), [])
            case ["old", n, *_]:
                logs.there.add(int(n))
            case ["denied", n, *path]:
                logs.denied[" ".join(path)] = int(n)
            case ["packed", n, *path]:
                logs.there.add(int(n))
                logs.notes.append(f"{' '.join(path)} is compressed: left out")

    def choose(self) -> None:
        """Choose the begin of each file, where lines since a time are read."""
        since = self._range.begins(self._logs.clock)
        if since is None:
            return
        for part in self._logs.parts.values():
            heads = self._heads.get(part.key, {})
            times = {offset: self._time(lines[1:]) for offset, lines in heads.items()}
            older = [offset for offset, time in times.items() if time is not None and time < since]
            if older:
                part.start = max(older)
            elif heads and not any(times.values()):
                self._logs.notes.append(f"{part.path} has no times: its last lines, whenever they were written")
            elif part.size > LIMIT:
                part.start = part.size - LIMIT
                self._logs.notes.append(f"{part.path}: only its last {LIMIT // MIB} MiB were looked through")
            else:
                part.start = 0
            part.cut = part.start > 0

    def _time(self, lines: list[str]) -> datetime | None:
        return next((time for line in lines if (time := self._logs.clock.of(line))), None)


def around(patterns: Iterable[str]) -> str:
    """Return patterns for the names that a rotation may give to files of these patterns, a line each."""
    globs = []
    for pattern in patterns:
        globs += [f"{pattern}.[0-9]*", f"{pattern}-[0-9]*"]
        folder, name = posixpath.split(pattern)
        if name.endswith(".log"):
            globs.append(posixpath.join(folder, f"{name.removesuffix('.log')}__[0-9]*"))
    return "\n".join(globs)
