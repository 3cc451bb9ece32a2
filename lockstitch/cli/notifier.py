"""The sender of an environment's notices, and of those that wait on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread

from lockstitch.cli.session import Session
from lockstitch.engine.journal import now
from lockstitch.engine.notice_delivery import NoticeDelivery, NoticeJob, NoticeResult
from lockstitch.engine.notice_queue import NoticeQueue, WaitingFile, WaitingNotice, age_of
from lockstitch.engine.watch_lock import watcher
from lockstitch.errors import CheckError
from lockstitch.inventory.notify import NotifySettings
from lockstitch.model.notice import Notice

# Beside the folder of the runs.
NOTICES_FOLDER = "notices"
# How long a notice waits at most, and how long after a try a command that only looks does not try it again, in seconds.
_LONGEST, _REST = 7 * 86400.0, 60.0


def notify_settings(session: Session, environment: str) -> NotifySettings:
    """Return the settings of `notify` of an environment that is selected."""
    fleets = session.c.selection.fleets
    return next((f.inventory.notify for f in fleets if f.inventory.name == environment), NotifySettings())


class Notifier:
    """Sends the notices of one environment, and those that wait. Nothing here raises: what fails is in `notes`."""

    def __init__(self, session: Session, environment: str) -> None:
        self.session, self.environment = session, environment
        self.settings = notify_settings(session, environment)
        self.queue = NoticeQueue(session.runs.parent / NOTICES_FOLDER)
        self.notes: list[str] = []
        self._late: Thread | None = None

    def start(
        self, jobs: Iterable[NoticeJob], run: str, seconds: float | None = None, *, is_patient: bool = True
    ) -> NoticeDelivery:
        """Begin to send these jobs, then what waits of other runs, within so many seconds; returns at once. One that is
        not patient leaves out what was sent in vain a moment ago."""
        waiting = [*self._abandoned(run, 0.0 if is_patient else _REST)]
        # This checkout may have another inventory than the one that named the channels.
        late = [job for _, each in waiting for job in jobs_of(each) if job.channel in self.settings.to]
        delivery = NoticeDelivery(self.settings.to, [*jobs, *late], seconds)
        # Beside the run, which may be killed: what was sent of others is not sent again.
        self._late = Thread(target=self._keep_late, args=(delivery, waiting), daemon=True)
        self._late.start()
        return delivery

    def _keep_late(self, delivery: NoticeDelivery, waiting: list[tuple[WaitingFile, WaitingNotice]]) -> None:
        results = delivery.results() if waiting else []
        for file, each in waiting:
            self.keep(file, each, [result for result in results if result.job.notice.run == file.run])
            file.close()

    def results(self, delivery: NoticeDelivery, run: str) -> list[NoticeResult]:
        """Wait until all is sent or late, and what was not sent of others is kept. Returns the results of this run."""
        results = delivery.results()
        if self._late is not None:
            self._late.join()
        return [result for result in results if result.job.notice.run == run]

    def send(self, notice: Notice, channels: Iterable[str], seconds: float | None = None) -> list[NoticeResult]:
        """Send a notice to channels, and what waits of other runs; wait for it. Returns the results of this notice."""
        jobs = [NoticeJob(name, notice) for name in channels]
        return self.results(self.start(jobs, notice.run, seconds), notice.run)

    def note(self, waiting: WaitingNotice, results: Iterable[NoticeResult]) -> None:
        """Note what was not sent."""
        for result in filter(lambda result: result.problem, results):
            next_ = "it is not sent again" if result.reached else "the next command tries it again"
            title = waiting.notice.title
            self.notes.append(f"channel {result.job.channel} was not told that {title}: {result.problem}; {next_}")

    def read(self, file: WaitingFile | None) -> WaitingNotice | None:
        """Return what waits in a file. What cannot be read is noted, and None."""
        try:
            return file.read() if file is not None else None
        except (OSError, ValueError) as error:
            self._unread(error, file.path if file is not None else self.queue.folder)
            return None

    def keep(self, file: WaitingFile, waiting: WaitingNotice, results: Iterable[NoticeResult]) -> None:
        """Keep what was not sent for the next command, and note it."""
        results = list(results)
        self.note(waiting, results)
        over = {result.job.channel for result in results if result.reached or not result.problem}
        channels = tuple(name for name in waiting.channels if name not in over)
        threads = {**waiting.threads, **threads_of(results)}
        self.write(file, replace(waiting, channels=channels, threads=threads, tried=now()))

    def write(self, file: WaitingFile, waiting: WaitingNotice) -> None:
        """Write what waits."""
        try:
            file.write(waiting)
        except OSError as error:
            self.notes.append(f"notices cannot be kept on this machine: {said_of(error)}: {file.path}")

    def file(self, run: str, patience: float = 0.0) -> WaitingFile | None:
        """Return the file of a run, or None where it cannot be had."""
        try:
            return self.queue.file(run, patience)
        except OSError as error:
            self.notes.append(f"notices cannot be kept on this machine: {said_of(error)}: {self.queue.folder}")
            return None

    def _abandoned(self, run: str, rest: float = 0.0) -> Iterable[tuple[WaitingFile, WaitingNotice]]:
        for file in self.queue.abandoned([run], self._unread):
            waiting = self.read(file)
            if waiting is None or waiting.notice.environment != self.environment or self._is_watched(file, waiting):
                file.close()
                continue
            if age_of(waiting.notice.at) > _LONGEST:
                self.notes.append(f"nobody was told that {waiting.notice.title}: it is given up ({waiting.notice.at})")
                self.write(file, replace(waiting, channels=()))
            elif 0 <= age_of(waiting.tried) < rest:
                # A time to come is of a clock that was set back.
                pass
            elif any(name in self.settings.to for name in waiting.channels):
                yield file, waiting
                continue
            file.close()

    def _unread(self, error: Exception, path: Path) -> None:
        self.notes.append(f"a notice that waits cannot be read: {said_of(error)}: {path}")

    def _is_watched(self, file: WaitingFile, waiting: WaitingNotice) -> bool:
        with suppress(CheckError):
            return waiting.is_watched and watcher(self.session.runs, file.run) is not None
        return True


def jobs_of(waiting: WaitingNotice) -> list[NoticeJob]:
    return [NoticeJob(name, waiting.notice, waiting.threads.get(name, "")) for name in waiting.channels]


def threads_of(results: Iterable[NoticeResult]) -> dict[str, str]:
    return {result.job.channel: result.thread for result in results if result.thread}


def said_of(error: Exception) -> str:
    return ((error.strerror if isinstance(error, OSError) else "") or str(error)).lower()
