"""Sign-offs of a runbook's run: what is to be signed, the signature taken, and each one judged by what is so now."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from lockstitch.cli.output import aside
from lockstitch.cli.runbook_plans import ReleasePlan, release_plans
from lockstitch.cli.session import Session
from lockstitch.engine.runbooks.attachments import Attachment, keep_attachment, read_attachment, signed_files
from lockstitch.engine.runbooks.committed import allowed_signers
from lockstitch.engine.runbooks.files import RunbookFile
from lockstitch.engine.runbooks.record import RunbookRecord
from lockstitch.engine.runbooks.signing_keys import signed
from lockstitch.engine.runbooks.ssh_keygen import standing
from lockstitch.errors import CheckError, UsageError
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.runbooks.release_facts import involved, plan_hashes
from lockstitch.runbooks.settings import Stage
from lockstitch.runbooks.signature import pasted
from lockstitch.runbooks.signers import PEOPLE, AllowedSigners
from lockstitch.runbooks.signoff import SignOff, SignOffState, SignRules, Standing
from lockstitch.runbooks.state import RunbookRun
from lockstitch.runbooks.statement import SignedFile, Statement, expiry, utc_text

_LONGEST = 1024 * 1024


@dataclass(frozen=True)
class SignChoices:
    """Options as typed: a note, a file whose hash is signed and that is kept, and a key; or a `signature`, which is a
    file, or `-` for stdin, that has a text and its signature."""

    note: str = ""
    file: str = ""
    key: str = ""
    signature: str = ""


class SignDesk:
    """Judges the sign-offs of one run. Who may sign is read once."""

    def __init__(self, session: Session, file: RunbookFile, record: RunbookRecord) -> None:
        self._session, self._file, self._record = session, file, record
        self._allowed: AllowedSigners | None = None

    def state(self, stage: Stage, run: RunbookRun, plans: Sequence[ReleasePlan]) -> SignOffState:
        """Return the verdict about a stage by the plans of what is not released yet."""
        return self._judged(stage, run, plans, run.signoffs(stage.name))

    def states(self, run: RunbookRun) -> dict[str, SignOffState]:
        """Return the verdict about each stage that somebody has signed, with plans made now."""
        stages = [stage for stage in self._file.settings.stages if run.signoffs(stage.name)]
        if not stages or run.end:
            return {}
        try:
            plans = release_plans(self._session, self._file.settings.stages, run)
        except CheckError as error:
            return {stage.name: SignOffState(Standing.UNVERIFIED, error.message) for stage in stages}
        files = signed_files(self._session.runs, run.run)
        return {stage.name: _with_files(self.state(stage, run, plans), stage, files) for stage in stages}

    def take(self, stage: Stage, run: RunbookRun, plans: Sequence[ReleasePlan]) -> None:
        """End a stage that is signed. Raises CheckError where it is not, with what is to be done."""
        verdict = self.state(stage, run, plans)
        if not verdict.is_valid:
            raise CheckError(f"{stage.name} waits for a signature ({stage.settings.sign}): {verdict.reason}")
        for remark in verdict.remarks:
            self._session.note(f"! {stage.name}: {remark}")
        note = verdict.statement.note if verdict.statement else ""
        self._record.add("stage", stage=stage.name, state="done", by=verdict.signer, reason=note)

    def check(self, before: Stage, run: RunbookRun, plans: Sequence[ReleasePlan]) -> None:
        """Judge again what was signed for the stages before one. Raises CheckError for the first that does not hold any
        more, which is open again then."""
        for stage in self._file.settings.stages:
            if stage.name == before.name:
                return
            if not stage.settings.sign or run.stage(stage.name).state != "done" or run.is_found(stage.name):
                continue
            verdict = self.state(stage, run, plans)
            if not verdict.is_valid:
                reason = f"the sign-off does not hold any more: {verdict.reason}"
                self._record.add("stage", stage=stage.name, state="open", reason=reason)
                raise CheckError(f"{before.name} may not begin, since {stage.name} is open again: {verdict.reason}")

    def approved(self, stage: Stage, run: RunbookRun, plans: Sequence[ReleasePlan]) -> dict[int, str]:
        """Return the hashes that the plans of a stage's commands must have, by their places: those of now, where a
        stage `of: plan` was signed before."""
        bound = [
            each.name
            for each in self._file.settings.stages
            if each.settings.of == "plan" and run.stage(each.name).state == "done"
        ]
        return {plan.number: str(plan.document.get("hash")) for plan in plans if bound and plan.stage == stage.name}

    def expected(self, stage: Stage, run: RunbookRun, plans: Sequence[ReleasePlan]) -> Statement:
        """Return what is to be signed for a stage now, without the signer's own part. Raises CheckError where the stage
        is of a plan, and there is none."""
        plan = plan_hashes(run, self._file.settings.stages, plans) if stage.settings.of == "plan" else ""
        if stage.settings.of == "plan" and not plan:
            raise CheckError(f"{stage.name} is `of: plan`, and {self._file.name} has no release command after it")
        return Statement(
            runbook=run.runbook,
            runbook_hash=self._file.digest,
            run=run.run,
            stage=stage.name,
            consent=stage.settings.sign or "",
            environment=run.environment,
            revisions=dict(run.revisions),
            values=dict(run.values),
            plan=plan,
        )

    def text(self, stage: Stage, run: RunbookRun, choices: SignChoices) -> str:
        """Return what is to be signed now."""
        # What is printed is for another program.
        plans = release_plans(self._session, self._file.settings.stages, run, note=aside)
        return self._own(stage, self.expected(stage, run, plans), choices.note, _attached(choices)).text()

    def sign(self, stage: Stage, run: RunbookRun, choices: SignChoices) -> None:
        """Sign a stage, or take a signature that was pasted, and record it.

        Raises CheckError where it would not count.
        """
        attached = _attached(choices)
        plans = release_plans(self._session, self._file.settings.stages, run)
        if choices.signature:
            signoff = _pasted(choices.signature)
        else:
            text = self._own(stage, self.expected(stage, run, plans), choices.note, attached).text()
            self._session.note(f"you sign, for {stage.name}:\n{text}")
            signoff = SignOff(text, signed(text, choices.key, self._session.c.root, self._signers()))
        verdict = self._judged(stage, run, plans, (signoff,))
        if not verdict.is_valid:
            raise CheckError(f"this signature of {stage.name} does not count: {verdict.reason}; it was not recorded")
        assert verdict.statement is not None
        self._keep(attached, verdict.statement)
        about = {"signer": verdict.signer, "by": self._session.by}
        self._record.add("signed", stage=stage.name, **about, text=signoff.text, signature=signoff.signature)
        self._session.note(f"{stage.name} is signed by {verdict.signer}")

    def _keep(self, attached: Attachment | None, statement: Statement) -> None:
        """Keep the file that was signed, before it is recorded that it was. Raises UsageError for another one."""
        if attached and attached.digest != statement.file_hash:
            signed = f"{statement.file} with the SHA-256 {statement.file_hash}" if statement.file_hash else "no file"
            raise UsageError(f"--file {attached.name} was not signed, but {signed}; nothing was recorded")
        if attached and not self._session.dry:
            # By the name that was signed, whatever it is called here.
            keep_attachment(self._record.folder, replace(attached, name=statement.file))
        elif statement.file_hash and not attached:
            self._session.note(f"! {statement.file} is not kept: type the same with --file {statement.file}")

    def _own(self, stage: Stage, statement: Statement, note: str, attached: Attachment | None) -> Statement:
        now = utc_text(datetime.now(UTC))
        until = expiry(now, stage.settings.lasts or 0)
        name, digest = (attached.name, attached.digest) if attached else ("", "")
        return replace(statement, signed=now, expires=until, note=note, file=name, file_hash=digest)

    def _judged(
        self, stage: Stage, run: RunbookRun, plans: Sequence[ReleasePlan], signoffs: Sequence[SignOff]
    ) -> SignOffState:
        settings = stage.settings
        rules = SignRules(settings.role or "", frozenset(settings.barred), settings.lasts or 0)
        people = involved(run, plans)
        now = datetime.now(UTC)
        return standing(signoffs, rules, self.expected(stage, run, plans), self._signers(), people, now)

    def _signers(self) -> AllowedSigners:
        if self._allowed is None:
            self._allowed = allowed_signers(self._session.c.root)
        return self._allowed


def signer_warnings(session: Session, file: RunbookFile) -> Iterator[str]:
    """Yield a sentence for each stage of a runbook that nobody could sign, and why no sign-off could be judged."""
    stages = [stage for stage in file.settings.stages if stage.settings.sign]
    if not stages:
        return
    allowed = allowed_signers(session.c.root)
    yield from (f"sign-offs cannot be judged: {problem}" for problem in allowed.problems)
    principals = {key.principal for key in allowed.keys if key.blob not in allowed.revoked}
    roles = {role for name, person in allowed.people.items() if name in principals for role in person.roles}
    for stage in stages if not allowed.problems else ():
        if stage.settings.role and stage.settings.role not in roles:
            yield f"{stage.name}: nobody who has a key has the role {stage.settings.role} in {PEOPLE}"


def _with_files(state: SignOffState, stage: Stage, files: Sequence[SignedFile]) -> SignOffState:
    """Return a verdict that says which of the files that were signed for a stage cannot be had."""
    lost = [f"{each.name}: {each.problem}" for each in files if each.stage == stage.name and each.problem]
    return replace(state, remarks=(*state.remarks, *lost))


def _attached(choices: SignChoices) -> Attachment | None:
    return read_attachment(choices.file) if choices.file else None


def _pasted(source: str) -> SignOff:
    """Return the text and the signature of a file, or of stdin. Raises UsageError where it has not both."""
    try:
        if source == "-":
            content = sys.stdin.read(_LONGEST)
        else:
            with Path(source).expanduser().open(encoding="utf-8") as file:
                content = file.read(_LONGEST)
        return SignOff(*pasted(content))
    except OSError as error:
        raise UsageError(f"--signature {source} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except ValueError as error:
        raise UsageError(
            f"--signature {source}: {error}",
            hint="it takes the text of --text, with the signature below it",
        ) from error
