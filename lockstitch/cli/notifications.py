"""Notices about runs and watches: who is told, what waits, and what could not be sent; and `notify.test`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread
from types import TracebackType

from lockstitch import plans
from lockstitch.cli.fanout import known_secrets
from lockstitch.cli.session import Session, words
from lockstitch.engine.journal import Journal, now
from lockstitch.engine.notice_delivery import PATIENCE, NoticeDelivery, NoticeJob, NoticeResult
from lockstitch.engine.notice_queue import NoticeQueue, WaitingFile, WaitingNotice, is_outdated
from lockstitch.engine.site_runner import plan_secrets
from lockstitch.engine.watch_lock import watcher
from lockstitch.errors import CheckError, ExitCode, LockstitchError, UsageError
from lockstitch.inventory.notify import NotifySettings
from lockstitch.inventory.validation import did_you_mean
from lockstitch.model.command import mask
from lockstitch.model.notice import Notice
from lockstitch.model.outcome import Outcome
from lockstitch.model.plan import Plan
from lockstitch.report.notices import (
    begun_notice,
    defect_notice,
    end_notice,
    events_of,
    killed_notice,
    sent_json,
    sent_text,
    test_notice,
    unwatched_notice,
    watched_notice,
)

# Beside the folder of the runs.
_FOLDER = "notices"
# What the end of a run has at least, in seconds, where its beginning took all the time.
_LEAST = 1.0
# How long the end of a watch waits for the process that began it to give its notice free, in seconds.
_PATIENCE = 5.0


def notify_settings(session: Session, environment: str) -> NotifySettings:
    """Return the settings of `notify` of an environment that is selected."""
    fleets = session.c.selection.fleets
    return next((f.inventory.notify for f in fleets if f.inventory.name == environment), NotifySettings())


class Notifier:
    """Sends the notices of one environment, and those that wait. Nothing here raises: what fails is in `notes`."""

    def __init__(self, session: Session, environment: str) -> None:
        self.session, self.environment = session, environment
        self.settings = notify_settings(session, environment)
        self.queue = NoticeQueue(session.runs.parent / _FOLDER)
        self.notes: list[str] = []
        self._late: Thread | None = None

    def start(self, jobs: Iterable[NoticeJob], run: str, seconds: float | None = None) -> NoticeDelivery:
        """Begin to send these jobs, then what waits of other runs, within so many seconds; returns at once."""
        waiting = [*self._abandoned(run)]
        # This checkout may have another inventory than the one that named the channels.
        late = [job for _, each in waiting for job in _jobs(each) if job.channel in self.settings.to]
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

    def keep(self, file: WaitingFile, waiting: WaitingNotice, results: Iterable[NoticeResult]) -> None:
        """Keep what was not sent for the next command, and note it."""
        results, title = list(results), waiting.notice.title
        for result in filter(lambda result: result.problem, results):
            next_ = "it is not sent again" if result.reached else "the next command tries it again"
            self.notes.append(f"channel {result.job.channel} was not told that {title}: {result.problem}; {next_}")
        over = {result.job.channel for result in results if result.reached or not result.problem}
        channels = tuple(name for name in waiting.channels if name not in over)
        self.write(file, replace(waiting, channels=channels, threads={**waiting.threads, **_threads(results)}))

    def write(self, file: WaitingFile, waiting: WaitingNotice) -> None:
        """Write what waits."""
        try:
            file.write(waiting)
        except OSError as error:
            self.notes.append(f"notices cannot be kept on this machine: {_said(error)}: {file.path}")

    def file(self, run: str, patience: float = 0.0) -> WaitingFile | None:
        """Return the file of a run, or None where it cannot be had."""
        try:
            return self.queue.file(run, patience)
        except OSError as error:
            self.notes.append(f"notices cannot be kept on this machine: {_said(error)}: {self.queue.folder}")
            return None

    def _abandoned(self, run: str) -> Iterable[tuple[WaitingFile, WaitingNotice]]:
        for file in self.queue.abandoned([run], self._unread):
            try:
                waiting = file.read()
            except (OSError, ValueError) as error:
                self._unread(error, file.path)
                waiting = None
            if waiting is None or waiting.notice.environment != self.environment or self._is_watched(file, waiting):
                file.close()
                continue
            if is_outdated(waiting.notice.at):
                self.notes.append(f"nobody was told that {waiting.notice.title}: it is given up ({waiting.notice.at})")
                self.write(file, replace(waiting, channels=()))
            elif any(name in self.settings.to for name in waiting.channels):
                yield file, waiting
                continue
            file.close()

    def _unread(self, error: Exception, path: Path) -> None:
        self.notes.append(f"a notice that waits cannot be read: {_said(error)}: {path}")

    def _is_watched(self, file: WaitingFile, waiting: WaitingNotice) -> bool:
        with suppress(CheckError):
            return waiting.is_watched and watcher(self.session.runs, file.run) is not None
        return True


class RunNotices:
    """The notices of one run that is carried out. Those who are told its beginning are told its end."""

    def __init__(self, session: Session, plan: Plan, journal: Journal) -> None:
        self._session, self._plan, self._journal = session, plan, journal
        self._secrets = frozenset(plan_secrets(plan)) | frozenset(known_secrets(session.c.selection))
        self._notifier = Notifier(session, plan.environment)
        settings = self._notifier.settings
        self._rules, self._is_told = settings.when, bool(settings.to) and plan.kind in settings.runs
        self._begun: NoticeDelivery | None = None
        self._file: WaitingFile | None = None
        self._threads: Mapping[str, str] = {}
        self._informed: tuple[str, ...] = ()

    def begin(self) -> None:
        """Tell, beside the run, that its first change is about to be made."""
        if not self._is_told:
            return
        notice, run = begun_notice(self._plan, now(), self._masked), self._plan.run
        self._informed = self._rules.channels(events_of(notice))
        self._file = self._notifier.file(run)
        self._wait(killed_notice(self._plan, notice.at, self._masked))
        self._begun = self._notifier.start([NoticeJob(name, notice) for name in self._informed], run)

    def ending(self, outcome: Outcome) -> None:
        """Write down the end before hooks are run and anything is sent: who is killed from now on was not cut off."""
        if self._begun is not None:
            self._wait(self._end(outcome), is_watched=self._is_left(outcome))
        elif self._file is not None:
            # An interrupt came before anybody was told.
            self._file.remove()
            self._file.close()

    def ended(self, outcome: Outcome) -> Outcome:
        """Tell the end, or leave that to the watch that follows. Returns the outcome with notes on what could not be
        sent."""
        if self._begun is None:
            return outcome
        if self._is_left(outcome):
            self._end_begun()
            self._wait(self._end(outcome), is_watched=True)
            # It stays locked until the watch has ended, or with this process.
            self._session.held_notice = self._file
        else:
            self._tell(self._end(outcome))
        return replace(outcome, notes=(*outcome.notes, *dict.fromkeys(self._notifier.notes)))

    def _is_left(self, outcome: Outcome) -> bool:
        """Tell whether a watch follows, which is to tell the end."""
        return self._session.document.follows and outcome.code is ExitCode.DONE

    def _end(self, outcome: Outcome) -> Notice:
        make = unwatched_notice if self._is_left(outcome) else end_notice
        return make(outcome, now(), self._masked)

    def broken(self) -> None:
        """Tell that a defect of ours has ended the run."""
        if self._begun is not None:
            self._tell(defect_notice(self._plan, now(), self._masked))

    def _tell(self, notice: Notice) -> None:
        waiting, until = self._wait(notice), time.monotonic() + PATIENCE
        self._end_begun()
        waiting = replace(waiting, threads=self._threads)
        # Both together hold the outcome up no longer than one.
        seconds = max(_LEAST, until - time.monotonic())
        delivery = self._notifier.start(_jobs(waiting), notice.run, seconds)
        results = self._notifier.results(delivery, notice.run)
        if self._file is not None:
            self._notifier.keep(self._file, waiting, results)
            self._file.close()
        with suppress(LockstitchError):
            channels = {result.job.channel: result.problem for result in results}
            self._journal.write("notified", of=notice.event, channels=channels)

    def _wait(self, notice: Notice, *, is_watched: bool = False) -> WaitingNotice:
        channels = tuple(dict.fromkeys((*self._rules.channels(events_of(notice)), *self._informed)))
        waiting = WaitingNotice(notice, channels, self._threads, self._informed, is_watched)
        if self._file is not None:
            self._notifier.write(self._file, waiting)
        return waiting

    def _end_begun(self) -> None:
        """Wait for what was begun at the beginning: a message is changed only once it is there."""
        assert self._begun is not None
        self._threads = _threads(self._notifier.results(self._begun, self._plan.run))

    def _masked(self, text: str) -> str:
        return mask(text, self._secrets)


class WatchNotices:
    """The notice of a run whose end its watch is to tell. Use it as a context manager around the watch."""

    def __init__(self, session: Session, run: str, environment: str) -> None:
        self._session, self._run, self._environment = session, run, environment
        self._ending: tuple[str, int, str] | None = None

    def __enter__(self) -> WatchNotices:
        return self

    def ended(self, end: plans.WatchEnd, rollback: str) -> None:
        """Take the end of the watch, which is told when the watch has been recorded."""
        self._ending = end.state, len(end.problems), rollback

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            self._ending = "stopped", 0, ""
        elif isinstance(error, SystemExit):
            self._ending = "rollback failed", 0, ""
        if self._ending is not None:
            tell_watched(self._session, self._environment, self._run, *self._ending)


def tell_watched(
    session: Session, environment: str, run: str, state: str, problems: int = 0, rollback: str = ""
) -> None:
    """Tell the end of a run that was left to its watch, if any was."""
    notifier = Notifier(session, environment)
    held = session.held_notice
    if held is None and not notifier.queue.may_have(run):
        return
    file = held or notifier.file(run, _PATIENCE)
    session.held_notice = None
    try:
        waiting = file.read() if file is not None else None
    except (OSError, ValueError) as error:
        notifier.notes.append(f"a notice that waits cannot be read: {_said(error)}: {notifier.queue.folder}")
        waiting = None
    if file is not None and waiting is not None and waiting.is_watched:
        notice = watched_notice(waiting.notice, now(), state, problems, rollback)
        names = dict.fromkeys((*notifier.settings.when.channels(events_of(notice)), *waiting.informed))
        channels = tuple(name for name in names if name in notifier.settings.to)
        waiting = replace(waiting, notice=notice, channels=channels, is_watched=False)
        notifier.write(file, waiting)
        results = notifier.results(notifier.start(_jobs(waiting), run), run)
        notifier.keep(file, waiting, results)
    if file is not None:
        file.close()
    for note in dict.fromkeys(notifier.notes):
        session.note(f"! {note}")


@contextmanager
def waiting_told(session: Session) -> Iterator[None]:
    """Within this, send what waits in the environment, beside what is done."""
    environment = session.environment
    if session.dry or environment is None or not NoticeQueue(session.runs.parent / _FOLDER).may_have():
        yield
        return
    notifier = Notifier(session, environment)
    delivery = notifier.start([], "")
    try:
        yield
    finally:
        notifier.results(delivery, "")
        for note in dict.fromkeys(notifier.notes):
            session.note(f"! {note}")


def send_test(session: Session, names: str) -> None:
    """Send a test notice to channels, and what waits; end with 7 where one does not take it."""
    environment = session.fleet("").inventory.name
    notifier = Notifier(session, environment)
    known = notifier.settings.to
    if not known:
        raise UsageError(f"{environment} has no channels", hint="docs/notifications.md shows the first one")
    chosen = words(names) or tuple(known)
    for name in chosen:
        if name not in known:
            raise UsageError(f"there is no channel {name}{did_you_mean(name, known)}")
    if session.dry:
        session.note(f"a test would be sent to {', '.join(chosen)}")
        return
    kinds = _sent(notifier, chosen, test_notice(environment, session.by, now()))
    code = ExitCode.CHECK_SAID_NO if any(problem for _, _, problem in kinds) else ExitCode.DONE
    session.answer(lambda: sent_json(kinds), lambda: sent_text(kinds))
    sys.exit(int(code))


def send_day(session: Session, notice: Notice) -> list[tuple[str, str, str]]:
    """Send the summary of a day to the channels that are told of it, and what waits. Returns channels, their kinds, and
    why they did not take it. Raises UsageError where there is none."""
    notifier = Notifier(session, notice.environment)
    chosen = notifier.settings.when.day
    if not chosen:
        hint = "name one in the inventory: notify: {when: {day: [CHANNEL]}}"
        raise UsageError(f"no channel of {notice.environment} is told of a day", hint=hint)
    return _sent(notifier, chosen, notice)


def _sent(notifier: Notifier, names: Iterable[str], notice: Notice) -> list[tuple[str, str, str]]:
    results = notifier.results(notifier.start([NoticeJob(name, notice) for name in names], ""), "")
    for note in dict.fromkeys(notifier.notes):
        notifier.session.note(f"! {note}")
    known = notifier.settings.to
    return [(result.job.channel, known[result.job.channel].key, result.problem) for result in results]


def _jobs(waiting: WaitingNotice) -> list[NoticeJob]:
    return [NoticeJob(name, waiting.notice, waiting.threads.get(name, "")) for name in waiting.channels]


def _threads(results: Iterable[NoticeResult]) -> dict[str, str]:
    return {result.job.channel: result.thread for result in results if result.thread}


def _said(error: Exception) -> str:
    return ((error.strerror if isinstance(error, OSError) else "") or str(error)).lower()
