"""EFFECT: reads the lines so far. They go through temporary files and are merged from those, in constant memory."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime
from tempfile import SpooledTemporaryFile

from lockstitch.engine.fanout import DAY, FanoutOptions, HostScript, run_on_hosts
from lockstitch.engine.logs import host_scripts
from lockstitch.engine.logs.framing import FrameReader
from lockstitch.engine.logs.locate import LocatedLogs, LogRange, hear
from lockstitch.engine.logs.merge import LogRecord, Origin
from lockstitch.engine.logs.records import Record, cursor_of, of_file, of_journal
from lockstitch.errors import ExitCode
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Script
from lockstitch.model.results import HostResult
from lockstitch.remote import Remote

_IN_MEMORY = 256 * 1024


class Spool:
    """Lines of one host, to be read once all have arrived."""

    def __init__(self) -> None:
        self._file: SpooledTemporaryFile[str] = SpooledTemporaryFile(  # noqa: SIM115 - closed when it is forgotten
            _IN_MEMORY, "w+", encoding="utf-8", errors="replace", newline="\n"
        )

    def add(self, line: str) -> None:
        self._file.write(line + "\n")

    def __iter__(self) -> Iterator[str]:
        self._file.seek(0)
        for line in self._file:
            yield line.removesuffix("\n")
        self._file.close()


@dataclass
class UnitJournal:
    """The journals of a host. `last` is the last entry of each unit that was read."""

    missing: bool = False
    limited: str = ""
    units: dict[str, Spool] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    last: dict[str, str] = field(default_factory=dict)

    def readable(self, unit: str) -> bool:
        return unit in self.last or not (self.missing or self.limited or unit in self.failed)

    @property
    def cursor(self) -> str:
        """The cursor of the latest entry of all units."""
        return max((cursor_of(line) for line in self.last.values()), default=(0, ""))[1]


@dataclass
class LogLines:
    """The lines of one host. `rests` are unfinished lines at the end of files, by the key of the file."""

    logs: LocatedLogs
    result: HostResult
    spools: dict[str, Spool] = field(default_factory=dict)
    rests: dict[str, str] = field(default_factory=dict)
    journal: UnitJournal = field(default_factory=UnitJournal)

    def streams(self, log_range: LogRange, *, follow: bool) -> Iterator[Iterator[LogRecord]]:
        """Yield the records of each file and unit as a stream."""
        logs, post = self.logs, self.logs.post
        since = log_range.begins(logs.clock)
        for key, spool in self.spools.items():
            part = logs.parts[key]
            if not follow and (rest := self.rests.pop(key, "")):
                spool.add(rest)
            last = datetime.fromtimestamp(part.changed, UTC)
            records = of_file(spool, logs.clock, last, cut=part.cut, since=since)
            origin = Origin(post.host.name, post.sources[part.n].app, part.path)
            yield _log_records(origin, records)
        for unit, spool in self.journal.units.items():
            app = next(source.app for source in post.sources if source.unit == unit)
            yield _log_records(Origin(post.host.name, app, unit), of_journal(spool), since)


def _log_records(origin: Origin, records: Iterable[Record], since: datetime | None = None) -> Iterator[LogRecord]:
    for record in records:
        if since is None or record.time is None or record.time >= since:
            yield LogRecord(origin, record)


def read(
    remote: Remote, located: Sequence[LocatedLogs], log_range: LogRange, way: FanoutOptions | None = None
) -> dict[str, LogLines]:
    """Read the located files and the journals. Returns the lines by the label of the target."""
    reads = {host_logs.post.label: LogLines(host_logs, HostResult(ExitCode.DONE, "ok")) for host_logs in located}
    tag = secrets.token_hex(8)
    work, feeds = [], {}
    for label, lines in reads.items():
        if script := _script(lines.logs, tag, log_range):
            post = lines.logs.post
            work.append(HostScript(label, post.host, script))
            feeds[label] = _Hearing(lines, tag).said.feed
    if work:
        for label, ended in run_on_hosts(remote, work, hear(feeds), way).items():
            reads[label].result = ended
    return reads


def _script(logs: LocatedLogs, tag: str, log_range: LogRange) -> Script | None:
    """Return one script that reads the files and then the journals; None where there are none."""
    post, made = logs.post, []
    if logs.parts:
        ranges = "\n".join(f"{p.key} {p.start} {p.size} {p.path}" for p in logs.parts.values())
        made.append(post.work("read", host_scripts.READ, seconds=DAY, values={"tag": tag, "ranges": ranges}))
    if post.units():
        lines = "" if log_range.since else str(log_range.lines)
        values = {"tag": tag, "units": "\n".join(post.units()), "lines": lines, "since": log_range.since, "cursor": ""}
        made.append(post.work("journal", host_scripts.JOURNAL_READ, seconds=DAY, values=values))
    steps = tuple(step for work in made for step in work.script.steps)
    return replace(made[0].script, steps=steps, keep_going=True) if made else None


class _Hearing:
    """Collects the output of one host."""

    def __init__(self, read: LogLines, tag: str) -> None:
        self._read = read
        self._key = ""
        self._spool = Spool()
        self.said = FrameReader(tag, self._word, self._line, self._rest)

    def _word(self, words: list[str]) -> None:
        journal = self._read.journal
        match words:
            case ["begin", key, _]:
                self._key, self._spool = key, Spool()
                spools = self._read.spools if key in self._read.logs.parts else journal.units
                spools[key] = self._spool
            case ["end", unit, code] if unit in journal.units and code != "0":
                journal.failed.add(unit)
            case ["nojournal"]:
                journal.missing = True
            case ["limited", user]:
                journal.limited = user

    def _line(self, line: str) -> None:
        self._spool.add(line)
        if self._key in self._read.journal.units:
            self._read.journal.last[self._key] = line

    def _rest(self, text: str) -> None:
        if text and self._key in self._read.spools:
            self._read.rests[self._key] = text
