"""Notices of a runbook: its stages that tell something, and that its run begins, waits and ends; and its hooks."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING

from lockstitch.cli.fanout import known_secrets
from lockstitch.cli.session import Session
from lockstitch.engine.journal import now
from lockstitch.engine.runbooks.record import RunbookRecord
from lockstitch.errors import CheckError, LockstitchError
from lockstitch.inventory.notify import NotifySettings
from lockstitch.inventory.validation import did_you_mean
from lockstitch.model.command import mask
from lockstitch.model.notice import Notice
from lockstitch.model.outcome import RunEvent, RunMessage
from lockstitch.report.runbook import runbook_notice
from lockstitch.runbooks.settings import RunbookSettings, Stage, filled_line
from lockstitch.runbooks.state import RunbookRun

if TYPE_CHECKING:
    from lockstitch.cli.notifier import Notifier
    from lockstitch.engine.notice_delivery import NoticeResult
    from lockstitch.engine.notice_queue import WaitingFile, WaitingNotice

_KIND = "runbook"
# All that is sent when this process ends has so many seconds, and its last notice at least so many.
_PATIENCE, _LEAST = 10.0, 1.0


class RunbookNotices:
    """The notices of one run of a runbook. They are sent beside it, in their order: a channel that is broken holds no
    stage up. What was not sent is noted, and tried again."""

    def __init__(self, session: Session, settings: RunbookSettings) -> None:
        self._session, self._roles = session, settings.roles
        self._secrets = frozenset(known_secrets(session.c.selection))
        fleets = session.c.selection.fleets
        self._notify = fleets[0].inventory.notify if fleets else NotifySettings()
        self._hooks = [hook for fleet in fleets for hook in fleet.inventory.hooks if hook.event == _KIND]
        self._is_told = _KIND in self._notify.runs and bool(self._notify.to)
        self._notifiers: list[Notifier] = []
        self._file: WaitingFile | None = None
        self._sent: list[_Sending] = []
        # Whether the run has begun, and this process has told how it leaves it.
        self._has_begun = self._has_ended = False

    def check(self, stage: Stage) -> None:
        """Raise CheckError for a channel that the inventory lacks."""
        for name in stage.settings.notify:
            if name not in self._notify.to:
                known = did_you_mean(name, self._notify.to)
                raise CheckError(f"{stage.name}: the inventory has no channel {name}{known}")

    @contextmanager
    def carried_out(self, record: RunbookRecord) -> Iterator[None]:
        """Tell an end that nobody has told, and wait for what is sent beside the run, when this is left."""
        try:
            yield
        except KeyboardInterrupt:
            self._unless_ended(record, "interrupted", "was interrupted")
            raise
        except LockstitchError as error:
            self._unless_ended(record, "waiting", "has stopped", {"exit code": str(int(error.exit_code))})
            raise
        except Exception:
            self._unless_ended(record, "needs_person", "failed by a defect of Lockstitch")
            raise
        finally:
            self._close(record)

    def begin(self, run: RunbookRun) -> None:
        """Have the next command tell it where this process is killed from now on, and tell what an earlier one left."""
        self._has_begun = True
        if not self._is_told:
            return
        notifier = self._notifier(run.environment)
        self._file = notifier.file(run.run)
        if before := notifier.read(self._file):
            self._send(before.notice, [name for name in before.channels if name in self._notify.to])
        said = "was cut off: its process was killed, and a command of it may go on"
        killed = self._notice(run, "killed", said, {"next": f"fab -H {run.environment} runbook.status {run.run}"})
        self._wait(killed, (*self._notify.when.channels(("killed", "failed")), *self._notify.when.of("begun")))

    def tell_stage(self, run: RunbookRun, stage: Stage) -> None:
        """Tell the text of a stage to its channels."""
        facts = {"text": filled_line(stage.settings.text or "", run.values)}
        key = f"{run.run}.{stage.name}"
        notice = self._notice(run, "message", f"has reached {stage.name}", facts, key)
        names = tuple(dict.fromkeys(stage.settings.notify))
        self._send(notice, names, stage.name, self._notifier(run.environment).file(key) if names else None)

    def tell_outside(self, run: RunbookRun, stage: Stage, reason: str) -> None:
        """Tell that a stage begins outside the window to whom beginnings are told."""
        notice = self._notice(run, "outside", f"goes on outside its window, with {stage.name}", {"why": reason})
        self._send(notice, self._notify.when.of("begun"))

    def tell_begun(self, run: RunbookRun) -> None:
        """Tell that the run has begun."""
        notice = self._notice(run, "begun", "has begun", {})
        if self._is_told:
            self._send(notice, self._notify.when.of("begun"))
        self._run_hooks(notice)

    def tell(self, run: RunbookRun, event: str, text: str, facts: Mapping[str, str] | None = None) -> None:
        """Tell how this process leaves the run: it waits, or has ended."""
        self._has_ended = True
        notice, rules = self._notice(run, event, text, facts or {}), self._notify.when
        # Who was told that it has begun is told what becomes of it.
        failed = rules.of("failed") if event == "needs_person" else ()
        names = (*rules.of(notice.event), *failed, *rules.of("begun"))
        waiting = self._wait(notice, names) if self._is_told else None
        self._run_hooks(notice)
        if waiting is None:
            return
        until = time.monotonic() + _PATIENCE
        for sending in self._sent:
            sending.join(max(0.0, until - time.monotonic()))
        # Who has not got what was sent before is told this.
        missed = (name for sending in self._sent if not sending.stage for name in sending.problems())
        waiting = replace(waiting, channels=tuple(dict.fromkeys((*waiting.channels, *missed))))
        notifier = self._notifier(run.environment)
        results = notifier.send(notice, waiting.channels, max(_LEAST, until - time.monotonic()))
        if self._file is not None:
            notifier.keep(self._file, waiting, results)
        else:
            notifier.note(waiting, results)

    def _unless_ended(
        self, record: RunbookRecord, event: str, text: str, facts: Mapping[str, str] | None = None
    ) -> None:
        if self._has_begun and not self._has_ended:
            self.tell(record.read(), event, text, facts)

    def _wait(self, notice: Notice, channels: Sequence[str]) -> WaitingNotice:
        """Write down what the next command is to tell if this process is killed."""
        # Start-up: many inventories have no channels.
        from lockstitch.engine.notice_queue import WaitingNotice

        waiting = WaitingNotice(notice, tuple(dict.fromkeys(channels)), {}, self._notify.when.of("begun"))
        if self._file is not None:
            self._notifiers[0].write(self._file, waiting)
        return waiting

    def _send(self, notice: Notice, names: Sequence[str], stage: str = "", file: WaitingFile | None = None) -> None:
        """Begin to send a notice once those before it are over. One with a file of its own waits there."""
        if not names:
            return
        # Start-up: as above.
        from lockstitch.engine.notice_queue import WaitingNotice

        waiting, notifier = WaitingNotice(notice, tuple(names), {}, tuple(names)), self._notifier(notice.environment)
        if file is not None:
            # A process that is killed now leaves it to the next command.
            notifier.write(file, waiting)
        self._sent.append(_Sending(notifier, waiting, file, stage, self._sent[-1] if self._sent else None))

    def _notice(self, run: RunbookRun, event: str, text: str, facts: Mapping[str, str], key: str = "") -> Notice:
        masked = {name: mask(value, self._secrets) for name, value in facts.items()}
        return runbook_notice(run, event, text, masked, self._roles, now(), key or run.run)

    def _notifier(self, environment: str) -> Notifier:
        if not self._notifiers:
            # Start-up: as above.
            from lockstitch.cli.notifier import Notifier

            self._notifiers.append(Notifier(self._session, environment))
        return self._notifiers[0]

    def _run_hooks(self, notice: Notice) -> None:
        """Run the user's own commands that are told of runbooks. Raises KeyboardInterrupt where one of the beginning is
        interrupted."""
        if not self._hooks:
            return
        # Start-up: many inventories have no hooks.
        from lockstitch.engine.hooks import HookRunner
        from lockstitch.notifications.webhook import notice_json

        def observe(event: RunEvent) -> None:
            if isinstance(event, RunMessage):
                self._session.note(event.text)

        document = mask(json.dumps({"hook": _KIND, **notice_json(notice)}, ensure_ascii=False), self._secrets)
        runner = HookRunner(self._session.remote, self._session.c.root, self._secrets, observe)
        for failure in runner.run(self._hooks, lambda hook: document, all_of_them=True):
            self._session.note(f"! {failure.reason}")
            if failure.what == "interrupt" and notice.event == "begun":
                raise KeyboardInterrupt

    def _close(self, record: RunbookRecord) -> None:
        until = time.monotonic() + _PATIENCE
        for sending in self._sent:
            sending.join(0.0 if self._has_ended and self._is_told else max(0.0, until - time.monotonic()))
            if sending.stage and (problems := sending.problems()):
                record.add("notified", stage=sending.stage, channels=problems)
                if sending.is_alive():
                    self._session.note(
                        f"! {sending.stage}: its notice is not sent yet: the next command tries it again"
                    )
        if self._file is not None:
            self._file.close()
            self._file = None
        for note in dict.fromkeys(note for notifier in self._notifiers for note in notifier.notes):
            self._session.note(f"! {note}")


class _Sending(Thread):
    """One notice that is sent beside the run, after the one `before` it. It ends with the program."""

    def __init__(
        self, notifier: Notifier, waiting: WaitingNotice, file: WaitingFile | None, stage: str, before: Thread | None
    ) -> None:
        super().__init__(daemon=True)
        self.stage = stage
        self._notifier, self._waiting, self._file, self._before = notifier, waiting, file, before
        self._results: list[NoticeResult] | None = None
        self.start()

    def run(self) -> None:
        if self._before is not None:
            self._before.join()
        results = self._notifier.send(self._waiting.notice, self._waiting.channels)
        if self._file is not None:
            self._notifier.keep(self._file, self._waiting, results)
            self._file.close()
        else:
            self._notifier.note(self._waiting, results)
        self._results = results

    def problems(self) -> dict[str, str]:
        """Return why it was not sent, by channel."""
        if self._results is None:
            return dict.fromkeys(self._waiting.channels, "no answer in time")
        return {result.job.channel: result.problem for result in self._results if result.problem}
