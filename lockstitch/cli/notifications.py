"""Notices about runs and watches: who is told, what waits, and what could not be sent; and `notify.test`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from types import TracebackType

from lockstitch import plans
from lockstitch.cli.fanout import known_secrets
from lockstitch.cli.notifier import NOTICES_FOLDER, Notifier, jobs_of, threads_of
from lockstitch.cli.output import aside
from lockstitch.cli.session import Session, words
from lockstitch.engine.journal import Journal, now
from lockstitch.engine.notice_delivery import PATIENCE, NoticeDelivery, NoticeJob
from lockstitch.engine.notice_queue import NoticeQueue, WaitingFile, WaitingNotice
from lockstitch.engine.site_runner import plan_secrets
from lockstitch.errors import ExitCode, LockstitchError, UsageError
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
from lockstitch.text import neutral, unforged

# What the end of a run has at least, in seconds, where its beginning took all the time.
_LEAST = 1.0
# How long the end of a watch waits for the process that began it to give its notice free, in seconds.
_PATIENCE = 5.0
# How long a command that only looks sends what waits, in seconds.
_SHORT = 3.0


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
        delivery = self._notifier.start(jobs_of(waiting), notice.run, seconds)
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
        self._threads = threads_of(self._notifier.results(self._begun, self._plan.run))

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
    waiting = notifier.read(file)
    if file is not None and waiting is not None and waiting.is_watched:
        notice = watched_notice(waiting.notice, now(), state, problems, rollback)
        names = dict.fromkeys((*notifier.settings.when.channels(events_of(notice)), *waiting.informed))
        channels = tuple(name for name in names if name in notifier.settings.to)
        waiting = replace(waiting, notice=notice, channels=channels, is_watched=False)
        notifier.write(file, waiting)
        results = notifier.results(notifier.start(jobs_of(waiting), run), run)
        notifier.keep(file, waiting, results)
    if file is not None:
        file.close()
    for note in dict.fromkeys(notifier.notes):
        session.note(f"! {note}")


def tell_afterwards(session: Session) -> None:
    """Send what waits in the environment once the answer of this command has been printed, for a short while: a channel
    that is broken holds up nobody who only looks."""
    environment = session.environment
    if session.dry or environment is None or not NoticeQueue(session.runs.parent / NOTICES_FOLDER).may_have():
        return
    session.document.afterwards[:] = [lambda: _tell_waiting(session, environment)]


def _tell_waiting(session: Session, environment: str) -> None:
    notifier = Notifier(session, environment)
    notifier.results(notifier.start([], "", _SHORT, is_patient=False), "")
    for note in dict.fromkeys(notifier.notes):
        aside(unforged(neutral(f"! {note}")))


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
    results = notifier.send(notice, names)
    for note in dict.fromkeys(notifier.notes):
        notifier.session.note(f"! {note}")
    known = notifier.settings.to
    return [(result.job.channel, known[result.job.channel].key, result.problem) for result in results]
