"""The stages of a runbook, carried out one after the other: what is over is not done again, what was cut is asked."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from threading import Timer

from lockstitch.cli.confirmation import asked
from lockstitch.cli.runbook_commands import StageCommand, is_visible, json_output, program_words, stage_command
from lockstitch.cli.runbook_cut import code_before_undo, cut_code, may_have_changed, taken_back, unknown_change
from lockstitch.cli.runbook_needs import RunbookNeeds
from lockstitch.cli.runbook_notices import RunbookNotices
from lockstitch.cli.runbook_plans import check_revisions, release_plans, revisions_of
from lockstitch.cli.runbook_signoffs import SignDesk
from lockstitch.cli.session import PLAN_VARIABLE, RUN_VARIABLE, Session, new_run
from lockstitch.concurrency import sleep
from lockstitch.engine.runbooks.command import CommandInterrupted, run_command
from lockstitch.engine.runbooks.files import RunbookFile
from lockstitch.engine.runbooks.record import RunbookRecord
from lockstitch.errors import CheckError, ExitCode
from lockstitch.model.format import span
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.report.runbook import due_text
from lockstitch.runbooks.release_facts import RELEASE_PLANS, plan_records
from lockstitch.runbooks.settings import Stage, filled_line
from lockstitch.runbooks.state import CommandRecord, RunbookRun, failed_code
from lockstitch.text import neutral, oneline

# A stage that begins less than this many seconds after it was due is not late.
_ON_TIME = 60.0


@dataclass(frozen=True)
class RunbookChoices:
    """Options as typed: `again` runs a command that was cut off once more, `yes` is handed to the commands,
    `outside_window` is why a stage may begin outside of the window, and `no_wait` ends the command where a stage is not
    due yet."""

    again: bool = False
    yes: bool = False
    outside_window: str = ""
    no_wait: bool = False


class StageRunner:
    """Carries out the stages of one run, whose lock is held. Ends with SystemExit where a stage failed, and with
    CheckError where a person has to do something first."""

    def __init__(self, session: Session, file: RunbookFile, record: RunbookRecord, choices: RunbookChoices) -> None:
        self._session, self._file, self._record, self._choices = session, file, record, choices
        self._notices = RunbookNotices(session, file.settings)
        self._needs = RunbookNeeds(session, file, record)
        self._desk = SignDesk(session, file, record)
        # The hashes that the plans of this stage's commands must have, by their places.
        self._approved: Mapping[int, str] = {}

    def go_on(self) -> None:
        """Carry out every stage that is not over."""
        with self._notices.carried_out(self._record):
            self._go_on()

    def _go_on(self) -> None:
        stages = self._file.settings.stages
        self._survey(stages)
        self._check_watches()
        while stage := (run := self._record.read()).next_stage(stages):
            self._wait_for(stage, run)
            self._check_watches()
            self._check_window(stage, run)
            self._check_plans(stage, run)
            self._carry_out(stage, self._record.read())
        self._record.add("runbook end", state="done")
        self._notices.tell(self._record.read(), "done", "is done")

    def _survey(self, stages: tuple[Stage, ...]) -> None:
        """Ask what the releases would do, and record the revision of each app once: they must stay."""
        run = self._record.read()
        if is_begun := run.is_planned:
            self._notices.begin(run)
        if is_begun and not self._needs.are_open(run):
            return
        plans = release_plans(self._session, stages, run)
        if not is_begun:
            self._record.add("plans", revisions=revisions_of(plans))
            self._notices.begin(self._record.read())
            self._notices.tell_begun(self._record.read())
        self._needs.begin(self._record.read(), plans)

    def _check_plans(self, stage: Stage, run: RunbookRun) -> None:
        """Ask again what the releases would do, and judge by that what was signed: for this stage, and before one that
        changes something. Raises CheckError where it may not begin."""
        stages, record = self._file.settings.stages, self._record
        self._approved = {}
        commands = [stage_command(self._session.c, line, run.values, yes=False) for line in stage.commands]
        signed = any(run.signoffs(each.name) for each in stages)
        is_judged = signed and (bool(stage.settings.sign) or any(each.is_change for each in commands))
        if not is_judged and not any(each.is_release for each in commands):
            return
        plans = release_plans(self._session, stages if is_judged else (stage,), run)
        check_revisions(run.revisions, revisions_of(plans))
        if any(each.is_release for each in commands):
            self._needs.before(stage, run, plans)
        if is_judged:
            self._desk.check(stage, run, plans)
        self._approved = self._desk.approved(stage, run, plans)
        if own := plan_records(stage.name, plans):
            record.add(RELEASE_PLANS, stage=stage.name, plans=own)
        if stage.settings.sign and run.signoffs(stage.name):
            self._desk.take(stage, run, plans)

    def undo(self) -> None:
        """Undo what the stages have changed, the last one first."""
        with self._notices.carried_out(self._record):
            self._notices.begin(self._record.read())
            self._undo()

    def _undo(self) -> None:
        self._note_watches()
        self._note_cut()
        run = self._record.read()
        for stage in run.to_undo(self._file.settings.stages):
            record = run.stage(stage.name)
            self._say(stage, f"undo: {', '.join(stage.undo)}")
            self._record.add("stage", stage=stage.name, state="undo began", by=self._session.by)
            if code := self._commands(stage, stage.undo, run, record.undo, undo=True):
                self._record.add("stage", stage=stage.name, state="undo failed", code=code, reason=_code_text(code))
                facts = {"exit code": str(code)}
                self._notices.tell(self._record.read(), "needs_person", f"failed in the undo of {stage.name}", facts)
                sys.exit(int(failed_code(code)))
            self._record.add("stage", stage=stage.name, state="undone")
        self._record.add("runbook end", state="undone", by=self._session.by)
        self._notices.tell(self._record.read(), "rolled_back", "was undone")

    def _carry_out(self, stage: Stage, run: RunbookRun) -> None:
        settings, record = stage.settings, run.stage(stage.name)
        if settings.tell:
            self._session.note(neutral(f"{stage.name}: {filled_line(settings.tell, run.values).strip()}"))
        if settings.sign:
            if not record.is_over and not self._needs.shown(stage, run):
                raise self._waits(stage, f"waits for a signature: {settings.sign}")
            return
        if stage.is_confirmed:
            self._confirm(stage)
            return
        self._begin(stage, run)
        if settings.notify:
            self._notices.tell_stage(run, stage)
        if code := self._commands(stage, stage.commands, run, record.commands):
            self._fail(stage, code, _code_text(code))
        self._record.add("stage", stage=stage.name, state="done", by=self._session.by)

    def _begin(self, stage: Stage, run: RunbookRun) -> None:
        due = run.due(stage, self._file.settings.stages)
        late = max(0.0, time.time() - due.timestamp()) if due else 0.0
        expect, risk = stage.settings.expect.stage, stage.settings.risk
        about = {**({"planned": expect} if expect else {}), **({"risk": risk} if risk else {})}
        self._record.add("stage", stage=stage.name, state="began", by=self._session.by, late=round(late, 1), **about)
        self._say(stage, f"begins, {span(late)} late" if late >= _ON_TIME else "begins")

    def _check_watches(self) -> None:
        """End with SystemExit where a watch has taken a release back since: its stage has failed."""
        if taken := self._note_watches():
            self._fail(*taken)

    def _note_watches(self) -> tuple[Stage, int, str] | None:
        """Record which releases a watch has taken back: they are not done, and are not undone either. Returns the
        first such stage, with its exit code and the reason."""
        run, failed = self._record.read(), []
        for stage in self._file.settings.stages:
            record = run.stage(stage.name)
            for number, each in enumerate(record.commands if not record.undo_began else ()):
                if each.code == 0 and (why := taken_back(self._session, each.run)):
                    code, reason = int(ExitCode.REVERTED), f"its watch took it back: {why}"
                    about = {"stage": stage.name, "number": number, "state": "ended"}
                    self._record.add("command", **about, code=code, changed=False)
                    if record.state != "skipped":
                        about = {"stage": stage.name, "state": "failed", "code": code, "reason": reason}
                        self._record.add("stage", **about, by=self._session.by)
                        failed.append((stage, code, reason))
        return failed[0] if failed else None

    def _note_cut(self) -> None:
        """Record how commands have ended that were cut off, before they are undone."""
        run = self._record.read()
        for stage in self._file.settings.stages:
            record = run.stage(stage.name)
            for number, each in enumerate(record.commands if stage.undo and not record.undo_began else ()):
                if each.is_retry and each.code and not self._choices.again:
                    raise unknown_change(stage, each)
                if each.code is not None:
                    continue
                command = stage_command(self._session.c, each.line, run.values, yes=False)
                code = code_before_undo(self._session, stage, command, each, again=self._choices.again)
                if code is not None:
                    changed = may_have_changed(self._session, command, each.run, code)
                    about = {"stage": stage.name, "number": number, "state": "ended"}
                    self._record.add("command", **about, code=code, changed=changed)

    def _fail(self, stage: Stage, code: int, reason: str) -> None:
        self._record.add("stage", stage=stage.name, state="failed", by=self._session.by, code=code, reason=reason)
        event = "needs_person" if code == ExitCode.NEEDS_A_PERSON else "failed"
        self._notices.tell(self._record.read(), event, f"failed in {stage.name}", {"exit code": str(code)})
        sys.exit(int(failed_code(code)))

    def _waits(self, stage: Stage, text: str, hint: str = "") -> CheckError:
        """Tell that the run waits with a stage, and return the error that ends this command."""
        self._notices.tell(self._record.read(), "waiting", f"waits with {stage.name}", {"for": text})
        return CheckError(f"{stage.name} {text}", hint=hint)

    def _confirm(self, stage: Stage) -> None:
        if self._session.json or not sys.stdin.isatty():
            raise self._waits(stage, "waits until a person has confirmed that it is done")
        while (line := asked(lambda: self._session.note(f"type {stage.name} once it is done, or stop"))) != stage.name:
            if line in ("stop", ""):
                raise self._waits(stage, "waits until a person has confirmed that it is done")
        confirm_stage(self._record, stage.name, self._session.by, "")

    def _commands(
        self,
        stage: Stage,
        lines: tuple[str, ...],
        run: RunbookRun,
        known: tuple[CommandRecord, ...],
        *,
        undo: bool = False,
    ) -> int:
        """Run those commands that have not ended well yet. Returns the code of the one that fails, or 0."""
        expect = stage.settings.expect
        planned = expect.rollback if undo else expect.stage
        overrun = Timer(
            planned or 0, self._say, (stage, f"takes longer than the {span(planned or 0)} that were planned")
        )
        overrun.daemon = True
        if planned:
            overrun.start()
        try:
            for number, line in enumerate(lines):
                command = stage_command(self._session.c, line, run.values, yes=self._choices.yes)
                before = known[number] if number < len(known) and known[number].line == command.line else None
                if code := self._command(stage, number, command, before, undo=undo):
                    return code
        finally:
            overrun.cancel()
        return 0

    def _command(
        self, stage: Stage, number: int, command: StageCommand, before: CommandRecord | None, *, undo: bool
    ) -> int:
        about = {"stage": stage.name, "number": number, **({"undo": True} if undo else {})}
        if before is not None and before.code is None:
            code = cut_code(self._session, stage, command, before, again=self._choices.again)
            if code is not None:
                self._ended(about, command, before.run, code)
                before = CommandRecord(before.line, before.run, before.began, before.ended, code)
                if code:
                    return code
        if before is not None and before.code == 0:
            return 0
        environment = stage.settings.environment or str(self._session.environment)
        made = new_run()
        self._say(stage, f"fab -H {environment} {' '.join(command.words)}")
        self._record.add("command", **about, state="began", line=command.line, run=made)
        words = program_words(self._session, environment, command.words)
        plan = "" if undo else self._approved.get(number, "")
        given = {RUN_VARIABLE: made, **({PLAN_VARIABLE: plan} if plan else {})}
        try:
            code = run_command(words, self._session.c.root, given, self._record.held, json_output(self._session))
        except CommandInterrupted as interrupted:
            self._ended(about, command, made, interrupted.code)
            self._note_watches()
            if not undo:
                state, reason = "failed", f"interrupted; {_code_text(interrupted.code)}"
                code = interrupted.code or int(ExitCode.INTERRUPTED)
                self._record.add("stage", stage=stage.name, state=state, code=code, reason=reason, by=self._session.by)
                self._notices.tell(self._record.read(), "interrupted", f"was interrupted in {stage.name}")
            raise
        self._ended(about, command, made, code)
        if code and not undo:
            self._note_watches()
        return code

    def _ended(self, about: Mapping[str, object], command: StageCommand, run: str, code: int) -> None:
        changed = may_have_changed(self._session, command, run, code)
        self._record.add("command", **about, state="ended", code=code, changed=changed)

    def _wait_for(self, stage: Stage, run: RunbookRun) -> None:
        due = run.due(stage, self._file.settings.stages)
        said = math.inf
        while due is not None and (remaining := due.timestamp() - time.time()) > 0:
            begins = due_text(due, datetime.fromtimestamp(time.time(), UTC))
            if self._choices.no_wait:
                raise self._waits(stage, begins, "fab -H ENV runbook.resume then")
            # Whoever looks sees that it goes on, and a day has no more lines than a screen.
            if remaining <= said / 2:
                how = "; Ctrl-C ends the wait, and runbook.resume goes on with it" if said == math.inf else ""
                self._say(stage, begins + how)
                said = remaining
            # A clock that is set, or a machine that was suspended, is seen soon.
            sleep(min(remaining, _ON_TIME))

    def _check_window(self, stage: Stage, run: RunbookRun) -> None:
        window = self._file.settings.window
        own = stage.settings.environment in (None, self._session.environment)
        now = datetime.now(UTC)
        if not window or not own or window.is_open(now) or not is_visible(self._session.c, stage, run.values):
            return
        if not self._choices.outside_window:
            opening = f"{window.opening(now):%a %d %b %H:%M}"
            hint = 'fab -H ENV runbook.resume then, or now with --outside-window "REASON"'
            raise self._waits(stage, f"may not begin now: the window is {window}, and opens {opening}", hint)
        by, reason = self._session.by, self._choices.outside_window
        self._record.add("outside window", stage=stage.name, by=by, reason=reason)
        self._say(stage, f"begins outside the window ({window}): {reason}")
        self._notices.tell_outside(run, stage, reason)

    def _say(self, stage: Stage, text: str) -> None:
        self._session.note(oneline(f"{stage.name}: {text}"))


def confirm_stage(record: RunbookRecord, stage: str, by: str, note: str) -> None:
    """Record that a person says a stage is done."""
    record.add("stage", stage=stage, state="done", by=by, reason=note)


def _code_text(code: int) -> str:
    return f"it ended with exit code {code}"
