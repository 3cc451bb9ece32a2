"""Notices of a runbook: its stages that tell something, and that its run begins, waits and ends."""

from __future__ import annotations

from collections.abc import Mapping

from lockstitch.cli.fanout import known_secrets
from lockstitch.cli.session import Session
from lockstitch.engine.journal import now
from lockstitch.engine.notice_delivery import NoticeJob, NoticeResult
from lockstitch.engine.notice_queue import WaitingNotice
from lockstitch.errors import CheckError
from lockstitch.inventory.notify import NotifySettings
from lockstitch.inventory.validation import did_you_mean
from lockstitch.model.command import mask
from lockstitch.model.notice import Notice
from lockstitch.report.runbook import runbook_notice
from lockstitch.runbooks.settings import RunbookSettings, Stage, filled_line
from lockstitch.runbooks.state import RunbookRun

_KIND = "runbook"


class RunbookNotices:
    """The notices of one run of a runbook. A channel that is broken holds nothing up: it is noted, and tried again."""

    def __init__(self, session: Session, settings: RunbookSettings) -> None:
        self._session, self._roles = session, settings.roles
        self._secrets = frozenset(known_secrets(session.c.selection))
        fleets = session.c.selection.fleets
        self._notify = fleets[0].inventory.notify if fleets else NotifySettings()

    def check(self, stage: Stage) -> None:
        """Raise CheckError for a channel that the inventory lacks."""
        for name in stage.settings.notify:
            if name not in self._notify.to:
                known = did_you_mean(name, self._notify.to)
                raise CheckError(f"{stage.name}: the inventory has no channel {name}{known}")

    def tell_stage(self, run: RunbookRun, stage: Stage) -> Mapping[str, str]:
        """Tell the text of a stage to its channels. Returns why it was not sent, by channel; empty where it was."""
        facts = {"text": filled_line(stage.settings.text or "", run.values)}
        notice = self._notice(run, "message", f"has reached {stage.name}", facts, f"{run.run}.{stage.name}")
        return {result.job.channel: result.problem for result in self._send(notice, stage.settings.notify)}

    def tell_outside(self, run: RunbookRun, stage: Stage, reason: str) -> None:
        """Tell that a stage begins outside the window to whom beginnings are told."""
        notice = self._notice(run, "outside", f"goes on outside its window, with {stage.name}", {"why": reason})
        self._send(notice, self._notify.when.of("begun"))

    def tell(self, run: RunbookRun, event: str, text: str, facts: Mapping[str, str] | None = None) -> None:
        """Tell how the run begins, waits or ends, where `runs` of `notify` has `runbook`."""
        if _KIND in self._notify.runs:
            notice = self._notice(run, event, text, facts or {})
            # Who was told that it has begun is told what becomes of it.
            rules = self._notify.when
            failed = rules.of("failed") if event == "needs_person" else ()
            self._send(notice, (*rules.of(notice.event), *failed, *rules.of("begun")))

    def _notice(self, run: RunbookRun, event: str, text: str, facts: Mapping[str, str], key: str = "") -> Notice:
        masked = {name: mask(value, self._secrets) for name, value in facts.items()}
        return runbook_notice(run, event, text, masked, self._roles, now(), key or run.run)

    def _send(self, notice: Notice, channels: tuple[str, ...]) -> list[NoticeResult]:
        names = tuple(dict.fromkeys(channels))
        if not names:
            return []
        # Start-up: many inventories have no channels.
        from lockstitch.cli.notifications import Notifier

        notifier = Notifier(self._session, notice.environment)
        file, waiting = notifier.file(notice.run), WaitingNotice(notice, names, {}, names)
        if file is not None:
            # A process that is killed now leaves it to the next command.
            notifier.write(file, waiting)
        jobs = [NoticeJob(name, notice) for name in names]
        results = notifier.results(notifier.start(jobs, notice.run), notice.run)
        if file is not None:
            notifier.keep(file, waiting, results)
            file.close()
        for note in dict.fromkeys(notifier.notes):
            self._session.note(f"! {note}")
        return results
