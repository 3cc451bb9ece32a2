"""`smoke` and `smoke.clean`: journeys through an environment's apps, and what former ones have left."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lockstitch.cli.fanout import record
from lockstitch.cli.output import aside
from lockstitch.cli.session import Session, file_named, words
from lockstitch.engine.journal import now
from lockstitch.engine.smoke.run import JourneyFolder
from lockstitch.errors import CheckError, ExitCode, UsageError
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App
from lockstitch.inventory.smoke_rules import rotation_steps
from lockstitch.inventory.validation import did_you_mean
from lockstitch.model.host import Host
from lockstitch.model.results import HostResult
from lockstitch.model.smoke_check import SmokeResult
from lockstitch.report.smoke import (
    ending_words,
    journey_plan_text,
    journeys_json,
    journeys_text,
    junit,
    leftover_lines,
    result_line,
)
from lockstitch.smoke.journey import Journey, left_out, with_release
from lockstitch.smoke.order import in_order, refuse_unknown, selected
from lockstitch.smoke.results import JourneyResult, leftover

_PAGE = "docs/smoke.md: ten minutes to a first journey"


def ledgers_folder(session: Session) -> Path:
    """Return the folder of the ledgers: beside the records of runs."""
    return session.runs.parent / "smoke"


def smoking_apps(fleet: Fleet) -> dict[str, App]:
    """Return the apps that have smoke, each as it is on its first host."""
    apps: dict[str, App] = {}
    for _, app in fleet.sites():
        if app.smoke is not None:
            apps.setdefault(app.name, app)
    return apps


def show_smoke(
    session: Session, names: str, tags: str, on: str, junit_file: str, app: str, *, release: str, really: bool
) -> None:
    """Run the steps that are meant, show how they ended, and end with 7 where one has not passed."""
    fleet, results_file = session.fleet(app), file_named("--junit", junit_file) if junit_file else None
    hosts = _hosts(fleet, words(on))
    journeys = planned_journeys(session, fleet, words(names), words(tags), hosts, really=really)
    journeys = [_with_release(each, smoking_apps(fleet)[each.app], _commit(release)) for each in journeys]
    if session.dry:
        plan = journey_plan_text(journeys)
        session.answer(lambda: {"run": session.run_id, "plan": plan.splitlines()}, lambda: plan)
        return
    if errors := session.remote.connect(hosts):
        raise next(iter(errors.values()))
    began, start = now(), time.monotonic()
    known = {host.name: host for host in hosts}
    with session.journal() as journal:
        journal.write("run", run=session.run_id, kind="smoke", environment=fleet.inventory.name, by=session.by)

        def observe(result: SmokeResult) -> None:
            session.note(result_line(result))
            journal.write("smoke", **result.as_fields())

        folder = JourneyFolder(session.c.root, ledgers_folder(session), session.remote, known, observe)
        results = folder.run(session.run_id, journeys)
        code = exit_code(results)
        ended = {**journeys_json(results, session.run_id), "result": ending_words(results)}
        journal.write("outcome", **ended, exit_code=int(code), seconds=round(time.monotonic() - start, 3))
    meant = {(journey.app, journey.host) for journey in journeys}
    labels = [
        f"{app.name}@{host.name}" for host, app in fleet.sites() if {(app.name, ""), (app.name, host.name)} & meant
    ]
    what = " ".join(filter(None, ("smoke", names, f"--only {tags}" if tags else "", f"--on {on}" if on else "")))
    result = HostResult(code, ending_words(results))
    record(session, what, dict.fromkeys(labels, result), began, time.monotonic() - start)
    if results_file:
        try:
            results_file.write_text(junit(results, fleet.inventory.name), "utf-8")
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            hint = "the steps were run: `history` has them"
            raise CheckError(f"--junit {junit_file} cannot be written: {why}", hint=hint) from error
    session.answer(
        lambda: journeys_json(results, session.run_id),
        lambda: journeys_text(results, fleet.inventory.name, session.run_id),
    )
    _end(code, ending_words(results), session)


def planned_journeys(
    session: Session, fleet: Fleet, names: Sequence[str], tags: Sequence[str], hosts: Sequence[Host], *, really: bool
) -> list[Journey]:
    """Return the journeys that names and tags mean, one for each app, or for each app and host. Raises UsageError where
    no step is meant, or one that was named may not run."""
    apps = smoking_apps(fleet)
    settings = {name: app.smoke for name, app in apps.items() if app.smoke is not None}
    if not settings:
        raise UsageError(f"no app of {fleet.inventory.name} has smoke", hint=_PAGE)
    refuse_unknown(names, (step for each in settings.values() for step in each.steps), "step")
    refuse_unknown(
        tags, (tag for each in settings.values() for step in each.steps.values() for tag in step.tags), "tag"
    )
    journeys = []
    for name, smoke in settings.items():
        meant = selected(smoke, names, tags, rotation_steps(apps[name]))
        order = in_order(smoke, meant)
        here = [host for host in hosts if (name, host.name) in fleet.inventory.placed]
        for host in (host.name for host in here) if hosts else [""]:
            out = left_out(smoke, order, protected=fleet.inventory.protect, really=really, host=host)
            if named := next((step for step in order if step in out and step in names), ""):
                raise UsageError(f"{named}: {out[named]}; nothing was sent")
            if order:
                journeys.append(Journey(fleet.inventory.name, name, session.run_id, smoke, order, out, host))
    if not journeys:
        raise UsageError("no step is meant by these names, tags and hosts; nothing was sent", hint=_PAGE)
    run = {step for each in journeys for step in each.names}
    if name := next((name for name in names if name not in run), ""):
        raise UsageError(f"{name}: these tags or hosts leave it out; nothing was sent")
    if other := next((host.name for host in hosts if host.name not in {each.host for each in journeys}), ""):
        raise UsageError(f"--on {other}: no step is meant for that host; nothing was sent")
    return journeys


def _with_release(journey: Journey, app: App, commit: str) -> Journey:
    """Return a journey that knows which release answers. Raises UsageError where one is asked for that nobody tells."""
    journey = with_release(journey, app.health, commit)
    if commit and not journey.source:
        hint = f"write where answers tell it: `revision` in `health` or `smoke` of {app.name}"
        raise UsageError(f"--release: no answer of {app.name} tells its release; nothing was sent", hint=hint)
    return replace(journey, assumed=journey.assumed and not commit)


def _commit(release: str) -> str:
    """Return the commit that --release names. Raises UsageError where it is none."""
    if release and not re.fullmatch(r"[0-9a-f]{7,40}", release):
        raise UsageError(f"--release {release}: it is no commit: write its id, of 7 to 40 digits")
    return release


def _hosts(fleet: Fleet, names: Sequence[str]) -> list[Host]:
    known = {host.name: host for host in fleet.hosts}
    for name in names:
        if name not in known:
            raise UsageError(f"--on {name}: there is no such host in the selection{did_you_mean(name, known)}")
    return [known[name] for name in names]


def exit_code(results: Sequence[JourneyResult]) -> ExitCode:
    """Return the exit code of journeys: 7 unless each has passed."""
    if any(each.interrupted for each in results):
        return ExitCode.INTERRUPTED
    return ExitCode.DONE if results and all(each.passed for each in results) else ExitCode.CHECK_SAID_NO


def _end(code: ExitCode, said: str, session: Session) -> None:
    if code is not ExitCode.DONE:
        session.document.end(int(code), said)
        sys.exit(int(code))


def clean(session: Session, forget: str) -> None:
    """Take away what former runs have left, or forget what a person has seen to."""
    fleet = session.fleet("")
    environment = fleet.inventory.name
    hosts = {host.name: host for host in fleet.hosts}
    folder = JourneyFolder(
        session.c.root, ledgers_folder(session), session.remote, hosts, lambda each: session.note(result_line(each))
    )
    results: list[JourneyResult] = []
    notes: list[str] = []
    forgotten, known = set[str](), list[str]()
    for each, entries in folder.leftovers(environment):
        known += [entry.entry for entry in entries]
        if each.busy:
            notes += [f"{each.ledger.path.name}: its run goes on, and takes away what it makes"] if entries else []
            continue
        if each.unusable:
            notes.append(f"{each.unusable}; what it is about may still be there")
        if damaged := each.facts.damaged:
            lines = ", ".join(map(str, damaged))
            notes.append(f"{each.ledger.path}: cannot be read: line {lines}; what they are about may still be there")
        if forget:
            for entry in (entry for entry in entries if entry.entry in words(forget)):
                each.ledger.closed(entry.entry, f"forgotten by {session.by}")
                forgotten.add(entry.entry)
        elif session.dry:
            results += [JourneyResult(e.app, e.host, (), (leftover(e, f"made at {e.at}"),)) for e in entries]
        else:
            results += folder.clean(each, entries, smoking_apps(fleet))
        if any(result.interrupted for result in results):
            raise KeyboardInterrupt
    if forget:
        for word in words(forget):
            if word not in forgotten:
                raise UsageError(f"--forget {word}: there is no such entry{did_you_mean(word, known)}")
        session.answer(lambda: {"forgotten": sorted(forgotten)}, lambda: f"forgotten: {', '.join(sorted(forgotten))}")
        return
    _show_cleaned(session, results, notes, environment)


def _show_cleaned(session: Session, results: Sequence[JourneyResult], notes: Sequence[str], environment: str) -> None:
    cleaned = sum(each.cleaned for each in results)
    remaining = [leftover for each in results for leftover in each.leftovers]
    for note in notes:
        aside(note)
    lines = [*leftover_lines(results, environment), f"{cleaned} taken away, {len(remaining)} may still be there"]
    session.answer(lambda: {**journeys_json(results, session.run_id), "notes": list(notes)}, lambda: "\n".join(lines))
    if (remaining or notes) and not session.dry:
        _end(ExitCode.CHECK_SAID_NO, lines[-1], session)
