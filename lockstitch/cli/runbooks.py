"""`runbook`: begin, go on, look, skip, confirm, undo and end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime

from lockstitch import plans
from lockstitch.cli.notifications import tell_afterwards
from lockstitch.cli.output import tell
from lockstitch.cli.runbook_commands import stage_command
from lockstitch.cli.runbook_notices import RunbookNotices
from lockstitch.cli.runbook_signoffs import SignChoices, SignDesk, signer_warnings
from lockstitch.cli.runbook_stages import RunbookChoices, StageRunner, confirm_stage
from lockstitch.cli.session import Session
from lockstitch.engine.runbooks.committed import operator
from lockstitch.engine.runbooks.files import FOLDER, RunbookFile, file_version, load_runbook, runbook_names
from lockstitch.engine.runbooks.record import RunbookRecord, one_begins, runbook_runs
from lockstitch.errors import CheckError, LockstitchError, UsageError
from lockstitch.inventory.validation import did_you_mean
from lockstitch.model.template import template_names
from lockstitch.report.runbook import next_commands, runbook_json, runbook_text
from lockstitch.report.runbook_checklist import checklist, checklist_html, checklist_markdown
from lockstitch.runbooks.settings import Stage
from lockstitch.runbooks.signoff import SignOffState
from lockstitch.runbooks.state import RunbookRun


def begin(
    session: Session, name: str, ref: str, given: Iterable[str], outside_window: str, *, no_wait: bool = False
) -> None:
    """Begin a run of a runbook, and carry out its stages until one fails or waits for a person."""
    if not name:
        known = ", ".join(runbook_names(session.c.root)) or f"there is none in {FOLDER}/"
        raise UsageError(f"which runbook? {known}", hint="fab -H ENV runbook NAME")
    file, environment = load_runbook(session.c.root, name), _environment(session)
    outside_window = outside_window.strip()
    values = _values(file, given) | {"ref": plans.valid_ref(ref), "environment": environment}
    values |= {"run": session.run_id, "runbook": file.name}
    _check(session, file, values)
    for warning in signer_warnings(session, file):
        session.note(f"! {warning}")
    if session.dry:
        _refuse_second(session, file.name)
        run = RunbookRun(session.run_id, file.name, environment, session.by, datetime.now(UTC).isoformat(), ref)
        session.answer(lambda: _json(file, run, ""), lambda: _text(file, run, ""))
        return
    record = RunbookRecord(session.runs, session.run_id)
    about = {"runbook": file.name, "environment": environment, "by": session.by, "ref": ref}
    who = asdict(operator(session.c.root))
    with ExitStack() as carried_out:
        with one_begins(session.runs):
            _refuse_second(session, file.name)
            carried_out.enter_context(record.carried_out())
            record.add("runbook", run=session.run_id, **about, operator=who, digest=file.digest, values=values)
        _go(session, file, record, RunbookChoices(False, session.yes, outside_window, no_wait))


def resume(session: Session, run: str, *, again: bool, outside_window: str, no_wait: bool = False) -> None:
    """Go on with a run: what is over is not done again."""
    record, file = _open(session, run)
    with record.carried_out():
        state = record.read()
        if any(each.state.startswith("undo") for each in state.stages.values()):
            raise CheckError(f"the undo of run {record.run} has begun", hint="fab -H ENV runbook.undo goes on with it")
        if state.digest != file.digest:
            session.note(f"! {FOLDER}/{file.name}.yml has changed since this run began")
        _refuse_lost(file, state)
        _check(session, file, state.values)
        if session.dry:
            with _shown(session, file, record):
                return
        record.add("resumed", by=session.by, operator=asdict(operator(session.c.root)), digest=file.digest)
        _go(session, file, record, RunbookChoices(again, session.yes, outside_window.strip(), no_wait))


def undo(session: Session, run: str, *, again: bool) -> None:
    """Undo what the stages of a run have changed, the last one first."""
    record, file = _open(session, run, ended=True)
    with record.carried_out(), _shown(session, file, record):
        state = record.read()
        if state.end == "undone":
            raise CheckError(f"run {record.run} is undone already")
        _refuse_lost(file, state)
        stages = state.to_undo(file.settings.stages)
        for newer in _runs(session, file.name):
            if newer.run > state.run and newer.to_undo(file.settings.stages):
                raise CheckError(
                    f"run {newer.run} of {file.name} came after it, and what it has changed is still there",
                    hint=f"fab -H ENV runbook.undo {newer.run}",
                )
        if not stages and not any(each.state == "undone" for each in state.stages.values()):
            raise CheckError(f"run {record.run} has no stage to undo", hint="fab -H ENV runbook.status shows each")
        session.note(f"undo of run {record.run}: {', '.join(stage.name for stage in stages)}")
        if not session.dry:
            StageRunner(session, file, record, RunbookChoices(again, session.yes)).undo()


def skip(session: Session, stage: str, run: str, reason: str) -> None:
    """Record that a stage is left out, and why."""
    if not reason.strip():
        raise UsageError(
            "a stage is not skipped without a reason", hint=f'fab -H ENV runbook.skip {stage} --reason "…"'
        )
    record, file = _open(session, run)
    with record.carried_out(), _shown(session, file, record):
        if record.read().stage(_stage(file, stage).name).is_over:
            raise CheckError(f"{stage} is over already")
        record.add("stage", stage=stage, state="skipped", by=session.by, reason=reason)


def confirm(session: Session, stage: str, run: str, note: str) -> None:
    """Record that a person says that the stage which waits for that is done."""
    record, file = _open(session, run)
    with record.carried_out(), _shown(session, file, record):
        first = record.read().next_stage(file.settings.stages)
        if not _stage(file, stage).is_confirmed or first is None or first.name != stage:
            raise CheckError(f"{stage} does not wait for a confirmation{f': {first.name} is next' if first else ''}")
        confirm_stage(record, stage, session.by, note)


def sign(session: Session, stage: str, run: str, *, note: str, file: str, key: str, text: bool, signature: str) -> None:
    """Sign a stage, print what is to be signed, or take a signature from elsewhere."""
    choices = SignChoices(note, file, key, signature)
    record, runbook = _open(session, run)
    settings = _stage(runbook, stage)
    if not settings.settings.sign:
        raise UsageError(f"{stage} is no stage that is signed", hint=f"fab -H ENV runbook.confirm {stage}")
    desk = SignDesk(session, runbook, record)
    if text:
        shown, state = desk.text(settings, record.read(), choices), record.read()
        session.answer(lambda: {**_json(runbook, state, ""), "to_sign": shown}, lambda: shown.rstrip("\n"))
        return
    with _shown(session, runbook, record):
        desk.sign(settings, record.read(), choices)


def end(session: Session, run: str, reason: str) -> None:
    """Give a run up as it is."""
    if not reason.strip():
        raise UsageError("a run is not given up without a reason", hint='fab -H ENV runbook.end --reason "…"')
    record, file = _open(session, run)
    with record.carried_out(), _shown(session, file, record):
        notices = RunbookNotices(session, file.settings)
        with notices.carried_out(record):
            # Nobody was told of one that was refused.
            if is_planned := record.read().is_planned:
                notices.begin(record.read())
            record.add("runbook end", state="given up", by=session.by, reason=reason)
            if is_planned:
                notices.tell(record.read(), "interrupted", "was given up", {"why": reason})


def status(session: Session, run: str) -> None:
    """Show where a run is: the newest one of the environment, where none is named."""
    tell_afterwards(session)
    record, file = _open(session, run, ended=True)
    _show(session, file, record, SignDesk(session, file, record).states(record.read()))


def print_checklist(session: Session, name: str, run: str, form: str) -> None:
    """Print a runbook as a checklist, with the state of its newest run here, or of the one that is named."""
    if form not in ("md", "html"):
        raise UsageError(f"--format {form}: write md or html")
    if name and not run:
        file, environment = load_runbook(session.c.root, name), _environment(session)
        state = next(_runs(session, file.name), None) or RunbookRun("", file.name, environment, "", "")
    else:
        record, file = _open(session, run, ended=True)
        state = record.read()
    version = file_version(file.path)
    changed = ", changed since" if version.is_changed else ""
    about = {"file": f"{FOLDER}/{file.name}.yml", "commit": f"{version.commit}{changed}" if version.commit else ""}
    about |= {"date": version.date, "author": version.author}
    write = checklist_html if form == "html" else checklist_markdown
    tell(write(checklist(file.settings, state, about)))


def _refuse_second(session: Session, name: str) -> None:
    for run in _runs(session, name):
        if not run.end:
            raise UsageError(
                f"run {run.run} of {name} has not ended",
                hint="fab -H ENV runbook.resume goes on with it, fab -H ENV runbook.end --reason … gives it up",
            )


def _go(session: Session, file: RunbookFile, record: RunbookRecord, choices: RunbookChoices) -> None:
    with _shown(session, file, record):
        StageRunner(session, file, record, choices).go_on()


@contextmanager
def _shown(session: Session, file: RunbookFile, record: RunbookRecord) -> Iterator[None]:
    """Show where the run is at the end of what is done here, whichever it is, and what can be typed next."""
    if session.dry:
        session.note("this is a dry run: nothing is done or recorded")
    try:
        yield
    except KeyboardInterrupt:
        _show(session, file, record)
        raise
    except SystemExit:
        _show(session, file, record)
        raise
    except LockstitchError as error:
        _show(session, file, record)
        if not error.hint:
            error.hint = "; or ".join(next_commands(record.read(), file.settings))
        raise
    _show(session, file, record)


def _show(
    session: Session, file: RunbookFile, record: RunbookRecord, signed: Mapping[str, SignOffState] | None = None
) -> None:
    run, owner = record.read(), record.owner() if record.held is None else ""
    session.answer(lambda: _json(file, run, owner, signed), lambda: _text(file, run, owner, signed))


def _json(
    file: RunbookFile, run: RunbookRun, owner: str, signed: Mapping[str, SignOffState] | None = None
) -> Mapping[str, object]:
    return runbook_json(run, file.settings, owner, datetime.now(UTC), signed)


def _text(file: RunbookFile, run: RunbookRun, owner: str, signed: Mapping[str, SignOffState] | None = None) -> str:
    text = runbook_text(run, file.settings, owner, datetime.now(UTC), signed)
    lines = [f"next: {command}" for command in next_commands(run, file.settings)[:1]] if not owner else []
    return "\n".join([text, *lines])


def _environment(session: Session) -> str:
    """Return the environment, all of which a runbook is for. Raises UsageError where a part is selected."""
    fleet = session.fleet("")
    whole = {(group.name, host) for group in fleet.inventory.groups for host in group.hosts}
    if set(fleet.cells) != whole:
        raise UsageError("a runbook is for a whole environment", hint=f"fab -H {fleet.inventory.name} runbook …")
    return fleet.inventory.name


def _refuse_lost(file: RunbookFile, state: RunbookRun) -> None:
    """Raise CheckError where a stage that this run has carried out is not in the file any more: it would be done twice
    under another name, and not be undone."""
    names = {stage.name for stage in file.settings.stages}
    if lost := [name for name, record in state.stages.items() if name not in names and record.state != "open"]:
        raise CheckError(
            f"run {state.run} has carried out {', '.join(lost)}, which {FOLDER}/{file.name}.yml has no more",
            hint='put it back under its name; or fab -H ENV runbook.end --reason "…" gives the run up',
        )


def _values(file: RunbookFile, given: Iterable[str]) -> dict[str, str]:
    """Return the values of the runbook's fields, each written as NAME=VALUE."""
    fields = file.settings.fields
    values: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or name not in fields or not value.strip():
            raise UsageError(f"--set {pair}: write NAME=VALUE of a field of {file.name}{did_you_mean(name, fields)}")
        values[name] = value
    if missing := [name for name in fields if name not in values]:
        raise UsageError(f"{file.name} must know: {', '.join(missing)}", hint=f"--set {missing[0]}=…")
    return values


def _check(session: Session, file: RunbookFile, values: Mapping[str, str]) -> None:
    """Refuse a runbook with a command that is not there, or without a value for it."""
    notices = RunbookNotices(session, file.settings)
    for stage in file.settings.stages:
        texts = [*stage.commands, *stage.undo, stage.settings.text or ""]
        if "ref" in set(template_names(texts)) and not values.get("ref"):
            raise UsageError(f"{file.name}: {stage.name} has {{ref}}: give --ref")
        notices.check(stage)
        for line in (*stage.commands, *stage.undo):
            stage_command(session.c, line, values, yes=False)


def _stage(file: RunbookFile, name: str) -> Stage:
    stages = {stage.name: stage for stage in file.settings.stages}
    if name not in stages:
        raise UsageError(f"{file.name} has no stage {name or '…'}{did_you_mean(name, stages)}")
    return stages[name]


def _runs(session: Session, name: str = "") -> Iterator[RunbookRun]:
    """Yield the runs of this environment, the newest first."""
    for each in runbook_runs(session.runs):
        run = RunbookRecord(session.runs, each).read()
        if run.environment == session.environment and name in ("", run.runbook):
            yield run


def _open(session: Session, run: str, *, ended: bool = False) -> tuple[RunbookRecord, RunbookFile]:
    """Return the record and the file of a run that is named, or else of the newest one; raises CheckError for a run
    that has ended, unless that may be."""
    _environment(session)
    if "/" in run or run.startswith("."):
        raise UsageError(f"{run!r} is no run")
    known = runbook_runs(session.runs)
    if run and run not in known:
        raise CheckError(f"there is no runbook run {run} on this machine{did_you_mean(run, known)}")
    state = RunbookRecord(session.runs, run).read() if run else next(_runs(session), None)
    if state is None:
        raise CheckError(f"no runbook was run on {session.environment} from here", hint="fab -H ENV runbook NAME")
    if state.environment != session.environment:
        raise UsageError(
            f"run {run} is of {state.environment}", hint=f"fab -H {state.environment} runbook.status {run}"
        )
    if state.end and not ended:
        raise CheckError(f"run {state.run} of {state.runbook} is {state.end}")
    return RunbookRecord(session.runs, state.run, dry=session.dry), load_runbook(session.c.root, state.runbook)
