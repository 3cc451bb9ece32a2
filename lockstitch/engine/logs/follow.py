"""EFFECT: new lines of all hosts at once, until an interrupt. A lost host is tried again, and goes on where it was."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import field
from time import monotonic

from lockstitch.concurrency import run_parallel
from lockstitch.engine.fanout import DAY, HostScript
from lockstitch.engine.logs import host_scripts
from lockstitch.engine.logs.framing import FrameReader
from lockstitch.engine.logs.locate import LocatedLogs, LogRange, around, find, hear, sources_of
from lockstitch.engine.logs.merge import LiveMerger, Origin
from lockstitch.engine.logs.read import LogLines
from lockstitch.engine.logs.records import JournalRecords, Records
from lockstitch.errors import ConnectError, HostKeyError, HostLostError, LockstitchError, StepTimeoutError
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.remote import InterruptedRunError, Remote

TICK = 0.1
# Between two tries of a host that is lost, in seconds: doubled each time.
PAUSE, LONGEST_PAUSE = 1.0, 30.0
# How often what runs is told to end: a script may have begun just after it was told.
AGAIN = 1.0


@dataclass
class FollowedFile:
    """The position in a followed file.

    `at` is the offset read so far, `print` a checksum of the bytes before it. `line_count` and `rest` are the lines and
    the unfinished line of a piece that was cut off.
    """

    n: int
    at: int
    print: str = "-"
    rest: str = ""
    line_count: int = 0
    records: Records | None = None


@dataclass
class FollowedFiles:
    """All followed files of one target."""

    logs: LocatedLogs
    live: LiveMerger
    tag: str = field(default_factory=lambda: secrets.token_hex(8))
    files: dict[str, FollowedFile] = field(default_factory=dict)
    _now: FollowedFile | None = None
    _key: str = ""
    _skip: int = 0
    _rest: str = ""

    def begin_after(self, read: LogLines | None) -> None:
        """Continue after the lines that were read, or at the end that each file had when it was located."""
        for key, (n, size) in self.logs.seen.items():
            self.files[key] = FollowedFile(n, size)
        for key, part in self.logs.parts.items():
            rest = read.rests.get(key, "") if read else ""
            self.files[key] = FollowedFile(part.n, part.size, rest=rest)

    def work(self) -> HostScript:
        post = self.logs.post
        known = "\n".join(f"{key} {file.at} {file.n} {file.print}" for key, file in self.files.items())
        patterns = list(post.patterns().values())
        values = {"tag": self.tag, "sources": sources_of(post), "known": known}
        values |= {"patterns": "\n".join(patterns), "around": around(patterns)}
        return post.work("follow", host_scripts.FOLLOW, seconds=DAY, values=values)

    def feed(self) -> Callable[[str], None]:
        """Return the function that takes the output of the next script."""
        return FrameReader(self.tag, self._word, self._line, self._ends_with).feed

    def _word(self, words: list[str]) -> None:
        match words:
            case ["begin", key, at, n]:
                file = self.files.setdefault(key, FollowedFile(int(n), int(at)))
                # What was told of a piece before the host was lost is not told again.
                self._skip = file.line_count if file.at == int(at) else 0
                file.line_count, self._now, self._key, self._rest = self._skip, file, key, file.rest
                file.at = int(at)
            case ["end", key, at, fingerprint, _] if self._now is not None:
                now = self._now
                now.at, now.print, now.line_count, now.rest = int(at), fingerprint, 0, self._rest
            case ["turned", key, _] if key in self.files:
                file = self.files[key]
                if file.rest:
                    self._tell(key, file, file.rest)
                file.at, file.print, file.rest, file.line_count = 0, "-", "", 0

    def _line(self, line: str) -> None:
        file = self._now
        assert file is not None
        line, self._rest = self._rest + line, ""
        if self._skip:
            self._skip -= 1
            return
        file.line_count += 1
        self._tell(self._key, file, line)

    def _ends_with(self, text: str) -> None:
        self._rest += text

    def _tell(self, key: str, file: FollowedFile, line: str) -> None:
        source = self.logs.post.sources[file.n]
        file.records = file.records or Records(self.logs.clock)
        origin = Origin(self.logs.post.host.name, source.app, source.path)
        self.live.feed((self.logs.post.label, key), origin, file.records, line)


@dataclass
class FollowedJournals:
    """The journals of one target, in one stream."""

    logs: LocatedLogs
    live: LiveMerger
    cursor: str = ""
    tag: str = field(default_factory=lambda: secrets.token_hex(8))
    records: JournalRecords = field(default_factory=JournalRecords)

    def begin_after(self, read: LogLines | None) -> None:
        self.cursor = read.journal.cursor if read else ""

    def work(self) -> HostScript:
        post = self.logs.post
        since = "" if self.cursor else str(int(self.logs.clock.now.timestamp()))
        values = {"tag": self.tag, "units": "\n".join(post.units()), "since": since, "cursor": self.cursor}
        return post.work("follow the journal", host_scripts.JOURNAL_FOLLOW, seconds=DAY, values=values)

    def feed(self) -> Callable[[str], None]:
        return FrameReader(self.tag, lambda words: None, self._line, endless=True).feed

    def _line(self, line: str) -> None:
        units = {source.unit: source for source in reversed(self.logs.post.sources) if source.unit}

        def origin() -> Origin:
            unit = self.records.unit
            source = units.get(unit) or units.get(unit.removesuffix(".service")) or next(iter(units.values()))
            return Origin(self.logs.post.host.name, source.app, source.unit)

        self.live.feed((self.logs.post.label, "journal"), origin, self.records, line)
        self.cursor = self.records.cursor or self.cursor


class Follower:
    """Follows every target. `say` is called with sentences for people about lost hosts."""

    def __init__(self, remote: Remote, live: LiveMerger, say: Callable[[str], None]) -> None:
        self._remote, self._live, self._say = remote, live, say
        self.stopped = threading.Event()
        self._over = threading.Event()
        self.ended: dict[str, LockstitchError] = {}

    def run(self, logs: Sequence[LocatedLogs], reads: dict[str, LogLines], seconds: float = 0.0) -> bool:
        """Follow until an interrupt, a call of `stop` or the end of `seconds`. Returns True after an interrupt."""
        ticker = threading.Thread(target=self._tick, args=(monotonic() + seconds if seconds else 0.0,), daemon=True)
        ticker.start()
        jobs = [job for host_logs in logs for job in self._jobs(host_logs)]
        try:
            run_parallel(
                lambda job: self._keep(*job, reads.get(job[0].post.label)), jobs, self.stop, most=max(1, len(jobs))
            )
        except KeyboardInterrupt:
            return True
        finally:
            self._over.set()
            ticker.join()
            self._live.close()
        return False

    def stop(self) -> None:
        self.stopped.set()
        self._remote.interrupt()

    def _jobs(self, logs: LocatedLogs) -> list[tuple[LocatedLogs, type[FollowedFiles] | type[FollowedJournals]]]:
        # Files that only the host can name are known once it was reached.
        made: list[tuple[LocatedLogs, type[FollowedFiles] | type[FollowedJournals]]] = []
        if logs.post.patterns() or logs.post.asks:
            made.append((logs, FollowedFiles))
        if logs.post.units():
            made.append((logs, FollowedJournals))
        return made

    def _keep(
        self, logs: LocatedLogs, kind: type[FollowedFiles] | type[FollowedJournals], read: LogLines | None
    ) -> None:
        """Follow one target, and connect again whenever its host is lost."""
        name, pause, lost = logs.post.host.name, PAUSE, False
        following: FollowedFiles | FollowedJournals | None = None
        while not self.stopped.is_set():
            began = monotonic()
            try:
                if lost or not logs.reached:
                    self._connect(logs)
                following = following or self._begun(logs, kind, read)
                if lost:
                    self._say(f"{name}: back")
                    lost = False
                work = following.work()
                results = self._remote.run(work.host, work.script, hear({work.label: following.feed()}))
                if kind is FollowedJournals and all(result.ok for result in results):
                    return
                self._say(f"{name}: following ended (exit code {results[-1].code if results else 0}); again")
            except InterruptedRunError:
                return
            except (HostKeyError, StepTimeoutError, HostLostError, ConnectError) as error:
                if isinstance(error, HostKeyError):
                    self.ended[logs.post.label] = error
                    self._say(error.message)
                    return
                if not lost and not isinstance(error, StepTimeoutError) and not self.stopped.is_set():
                    self._say(f"{error.message}; it is tried again until it is back")
                    lost = True
            pause = PAUSE if monotonic() - began > LONGEST_PAUSE else min(LONGEST_PAUSE, pause * 2)
            self.stopped.wait(pause)

    def _begun(
        self, logs: LocatedLogs, kind: type[FollowedFiles] | type[FollowedJournals], read: LogLines | None
    ) -> FollowedFiles | FollowedJournals:
        if not logs.reached:
            logs = find(self._remote, [logs.post], LogRange(1))[logs.post.label]
            if not logs.reached:
                raise HostLostError(logs.post.host.name, logs.result.words.removeprefix(f"{logs.post.host.name}: "))
        following = kind(logs, self._live)
        following.begin_after(read)
        return following

    def _connect(self, logs: LocatedLogs) -> None:
        for error in self._remote.connect([logs.post.host]).values():
            raise error

    def _tick(self, until: float) -> None:
        last = 0.0
        while not self._over.wait(TICK):
            if not self._live.tick() or (until and monotonic() > until):
                self.stopped.set()
            if self.stopped.is_set() and monotonic() - last > AGAIN:
                last = monotonic()
                with suppress(LockstitchError):
                    self._remote.interrupt()
