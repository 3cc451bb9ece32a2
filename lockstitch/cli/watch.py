"""`watch`: a release watched after a deploy, and taken back by its rules; `watch.list` and `watch.stop`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from lockstitch import plans
from lockstitch.cli.display import LineDisplay
from lockstitch.cli.gate_watch import Display
from lockstitch.cli.notifications import WatchNotices, tell_watched
from lockstitch.cli.output import unwritten
from lockstitch.cli.run_events import sites_of
from lockstitch.cli.session import Session
from lockstitch.cli.watch_process import detached, wait_for
from lockstitch.cli.watch_remedies import remedies
from lockstitch.engine.journal import Journal, Recorder, records
from lockstitch.engine.kept_runs import keep_run
from lockstitch.engine.release_watch import ReleaseWatch
from lockstitch.engine.watch_lock import watched_runs, watcher, watching
from lockstitch.errors import (
    CheckError,
    ExitCode,
    LockstitchError,
    UsageError,
)
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.wave_watch import WatchMemory
from lockstitch.model.written import positive_duration
from lockstitch.report.watch import (
    WatchRecord,
    watch_begin_text,
    watch_end_text,
    watch_json,
    watches_json,
    watches_text,
)

# Readings of a watch whose interval nobody gave: about so many, no further apart and no closer than these seconds.
_READINGS, _INTERVAL, _CLOSEST = 12, 300.0, 2.0
# What a watch knew of health is of no use after so many times its longest interval.
_STALE = 2


def watch(
    session: Session,
    run: str,
    only: str,
    *,
    for_: str = "",
    every: str = "",
    detach: bool = False,
    after: bool = False,
) -> None:
    """Watch the release of a run, by default the newest one, and end with the code of what came of it. `after` tells
    that this session has made that release, and has answered that already."""
    fleet = session.fleet(only)
    typed = _typed_stages(for_, every)
    facts = session.survey(fleet, plans.usual_asks(fleet))
    if facts.unreachable:
        raise next(iter(facts.unreachable.values()))
    run = run or plans.newest_run(facts)
    if "/" in run or run.startswith("."):
        # It names a folder of this machine, and the hosts say it.
        raise CheckError(f"{run!r} is no run")
    try:
        apps = plans.watched_apps(fleet, facts, run)
    except CheckError:
        _note_end(session, run)
        raise
    if detach:
        _answer(session, *detached(session, run, {"--for": for_, "--every": every, "--only": only}), after=after)
        return
    notices = WatchNotices(session, run, fleet.inventory.name)
    with watching(session.runs, run), notices, Journal(session.runs, run) as journal:
        end = _watch(session, journal, run, apps, fleet, typed)
        notices.ended(end, session.run_id)
        sites = {site: host for site, host in sites_of(fleet).items() if any(site in app.new for app in apps)}
        for said in keep_run(session.remote, journal.path, run, sites):
            session.note(said)
    code = _code(end)
    _answer(session, watch_json(run, end), watch_end_text(run, end, fleet.inventory.name), after=after)
    sys.exit(int(code))


@contextmanager
def _display(run: str, apps: Sequence[plans.WatchedApp], until: float, *, plain: bool) -> Iterator[Display]:
    """A live table on a terminal, else lines on stdout; `plain` asks for lines on stderr."""
    if not plain and sys.stdout.isatty():
        # Start-up: only a terminal needs rich.
        from lockstitch.cli.live_gates import WatchDisplay

        with WatchDisplay(run, apps, until) as live:
            yield live
    else:
        yield LineDisplay(sys.stderr if plain else sys.stdout)


def _answer(session: Session, data: dict[str, Any], text: str, *, after: bool) -> None:
    if after and session.json:
        session.document.answer["watch"] = data
    else:
        session.answer(lambda: data, lambda: text)


def _watch(
    session: Session,
    journal: Journal,
    run: str,
    apps: tuple[plans.WatchedApp, ...],
    fleet: Fleet,
    typed: tuple[tuple[float, float], ...],
) -> plans.WatchEnd:
    """Watch, and write into the record of the run how that begins and ends."""
    before = _record(session.runs, run)
    stages, start, memory = _stages(typed, apps, before)
    if begun := [rollback for rollback in before.backs if _entries(session.runs, rollback, "wave")]:
        cut = f"taking it back was tried once, by run {begun[-1]}, which was cut off"
        memory = memory.after_rollback("" if _entries(session.runs, begun[-1], "outcome") else cut)
    now = time.time()
    try:
        own = ReleaseWatch(session.remote, fleet, run)
        taken = own.begin(apps)
        begin = taken if start is None else start
        ends = begin + sum(seconds for seconds, _ in stages)
        journal.write(
            "watch",
            state="began",
            by=session.by,
            environment=fleet.inventory.name,
            start=begin,
            until=ends,
            stages=stages,
        )
        session.note(watch_begin_text(run, apps, stages, before.seen if start else None, now))
        with _display(run, apps, ends, plain=session.json) as shown:
            doing = remedies(session, journal, fleet, run, apps, shown)
            end = own.watch(stages, begin, Recorder(journal, shown), *doing, memory=memory)
    except KeyboardInterrupt:
        journal.write("watch", state="stopped", by=session.by)
        session.note(f"the watch of {run} was stopped; fab -H {fleet.inventory.name} watch {run} goes on from here")
        raise
    except SystemExit as ended:
        # The rollback failed, and has told what is where.
        said = f"the rollback, run {session.run_id}, ended with {ended.code}"
        journal.write("watch", state="rollback failed", reason=said, code=ended.code, rollback=session.run_id)
        if ended.code == ExitCode.INTERRUPTED:
            raise
        return plans.WatchEnd("rollback failed", f"{session.message.partition(': ')[2]}; {said}")
    rollback = session.run_id if end.state == "back" else ""
    journal.write("watch", state=end.state, reason=end.reason, problems=list(end.problems), rollback=rollback)
    return end


def expect_watch(session: Session, *, asked: bool, detach: bool = False, for_: str = "") -> None:
    """Prepare for a watch that follows what the session does. Raises UsageError, before anything is changed, where it
    cannot be."""
    _typed_stages(for_, "")
    if detach and not asked:
        raise UsageError("--detach is about the watch that follows; nothing was changed", hint="give --watch, too")
    session.document.follows = asked and not session.dry


def watch_after(session: Session, only: str, *, asked: bool, for_: str = "", detach: bool = False) -> None:
    """Watch the release that this session has made, if that was asked for and it has made one."""
    session.document.follows = False
    if not asked or session.dry:
        return
    if not (session.runs / session.run_id).exists():
        session.note(f"nothing was changed, so no watch was begun: fab -H {session.environment} watch begins one")
        return
    try:
        watch(session, session.run_id, only, for_=for_, detach=detach, after=True)
    except LockstitchError:
        if session.held_notice is not None:
            tell_watched(session, session.fleet("").inventory.name, session.held_notice.run, "unbegun")
        raise


def _code(end: plans.WatchEnd) -> ExitCode:
    if end.state == "back":
        return ExitCode.REVERTED
    if end.state == "rollback failed":
        return ExitCode.NEEDS_A_PERSON
    return ExitCode.CHECK_SAID_NO if end.problems or end.state == "superseded" else ExitCode.DONE


def _typed_stages(for_: str, every: str) -> tuple[tuple[float, float], ...]:
    if not for_ and not every:
        return ()
    try:
        seconds = positive_duration(for_ or "1h")
        interval = positive_duration(every) if every else min(_INTERVAL, max(_CLOSEST, seconds / _READINGS))
    except ValueError as error:
        raise UsageError(f"--for, --every: {error}") from error
    return ((seconds, min(interval, seconds)),)


def _stages(
    typed: tuple[tuple[float, float], ...], apps: tuple[plans.WatchedApp, ...], before: WatchRecord
) -> tuple[tuple[tuple[float, float], ...], float | None, WatchMemory]:
    """Return the parts of the watch, when they began, and what it must know: what was typed begins now; else a watch
    that was cut off goes on with its own. None: it begins with the release."""
    now = time.time()
    if typed:
        return typed, now, WatchMemory()
    if before.state not in ("began", "stopped") or not before.start:
        return plans.stages_of(apps), None, WatchMemory()
    stages, memory = before.stages or plans.stages_of(apps), before.memory
    if now - memory.at > _STALE * max(every for _, every in stages):
        # Failures of long ago and one of now are no row.
        memory = replace(memory, failures={}, reasons={})
    return stages, before.start, memory


def _record(runs: Path, run: str) -> WatchRecord:
    """Return what the record of a run says of its watches."""
    path = runs / run / "events.jsonl"
    try:
        entries, _ = records(path)
    except FileNotFoundError:
        entries = []
    except OSError as error:
        raise CheckError(f"the record of run {run} cannot be read: {unwritten(error)}: {path}") from error
    return WatchRecord.of(run, entries, watcher(runs, run))


def _entries(runs: Path, run: str, event: str) -> list[Mapping[str, Any]]:
    """Return the events of one name in the record of a run. One whose record cannot be read, or is damaged, may have
    any: it has an empty one then."""
    try:
        entries, damaged = records(runs / run / "events.jsonl")
    except FileNotFoundError:
        return []
    except OSError:
        return [{}]
    known = [entry for entry in entries if isinstance(entry, dict) and entry.get("event") == event]
    return [*known, *([{}] if damaged else [])]


def _note_end(session: Session, run: str) -> None:
    """Write into the record of a run that a watch took it back, where that watch was killed before it could."""
    known = _record(session.runs, run)
    rollback = known.backs[-1] if known.backs else ""
    if known.state != "began" or known.process or not rollback:
        return
    if any(entry.get("exit_code") == ExitCode.DONE for entry in _entries(session.runs, rollback, "outcome")):
        with watching(session.runs, run), Journal(session.runs, run) as journal:
            journal.write("watch", state="back", reason=known.reason, problems=[], rollback=rollback)
        session.note(f"a watch of run {run} took it back by run {rollback}, and was cut off after that: {known.reason}")


def list_watches(session: Session) -> None:
    """Show the watches that were begun on this machine."""
    known = []
    for run in watched_runs(session.runs):
        try:
            known.append(_record(session.runs, run))
        except CheckError as error:
            session.note(error.message)
    session.answer(lambda: watches_json(known), lambda: watches_text(known))


def stop(session: Session, run: str) -> None:
    """End the watch of a run, and wait until it has ended."""
    process = watcher(session.runs, run) if run and "/" not in run else None
    if process is None:
        raise CheckError(f"no process of this machine watches run {run or '(none given)'}", hint="fab watch.list")
    if session.dry:
        session.note(f"process {process}, which watches {run}, would be stopped")
        return
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGTERM)
    wait_for(lambda: watcher(session.runs, run) is None, f"process {process}, which watches {run}, has not ended")
    session.note(f"the watch of {run} is stopped")
