"""`measure`: the measures of the apps, taken on the hosts and from here, judged, and recorded with the release."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from lockstitch import plans
from lockstitch.cli.session import Session, words
from lockstitch.engine.journal import Journal, records
from lockstitch.engine.kept_runs import keep_run
from lockstitch.engine.take_measures import MeasureJob, take_measures
from lockstitch.errors import CheckError, ExitCode, UsageError
from lockstitch.facts.site import Facts, Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App
from lockstitch.inventory.secrets import resolve_secret
from lockstitch.inventory.validation import did_you_mean
from lockstitch.measures.base import MeasuredSite
from lockstitch.measures.record import HERE, MeasureRecord, numbers_in
from lockstitch.metrics.judgement import Answer
from lockstitch.model.command import Secret, Value
from lockstitch.model.host import Host
from lockstitch.model.release import Release, previous_good
from lockstitch.report.measures import measures_json, measures_text


def show_measures(session: Session, names: str, only: str, compare: str, *, really: bool) -> None:
    """Take the measures that are named, or all, one after the other; end with 7 unless each of them passes."""
    fleet = session.fleet(only)
    chosen = _chosen(fleet, words(names))
    looks = _looks(fleet, chosen, few=fleet.inventory.protect and not really)
    fleet = fleet.only(dict.fromkeys(app for app, _ in chosen))
    survey = session.survey(fleet, plans.usual_asks(fleet))
    if survey.unreachable:
        raise next(iter(survey.unreachable.values()))
    start = time.monotonic()
    measuring = _Measuring(session, fleet, survey, compare)
    jobs = {key: measuring.jobs(*key) for key in chosen}
    for job in (job for some in jobs.values() for job in some):
        if says := job.measure.refusal(job.site):
            raise UsageError(f"{job.site.name} of {job.site.app}: {says}; nothing was measured")
    if session.dry:
        places = [job.site for some in jobs.values() for job in some]
        lines = [f"{place.name} of {place.app} would be measured, from {place.host}" for place in places]
        session.answer(lambda: measures_json([], session.run_id, 0), lambda: "\n".join(lines))
        return
    with session.journal() as journal:
        about = {"kind": "measure", "environment": fleet.inventory.name, "by": session.by, "message": session.message}
        about |= {"names": ", ".join(dict.fromkeys(name for _, name in chosen))}
        journal.write("run", run=session.run_id, **about)
        taken: list[MeasureRecord] = []
        code, ended = ExitCode.INTERRUPTED, "interrupted"
        # What was measured until an interrupt is told, and recorded.
        with suppress(KeyboardInterrupt):
            for key, some in jobs.items():
                taken += _taken(session, measuring, key, some, looks[key], journal)
            passed = all(record.verdict == Answer.PASS.value for record in taken)
            code, ended = (ExitCode.DONE, "done") if passed else (ExitCode.CHECK_SAID_NO, "failed")
        journal.write("outcome", result=ended, exit_code=int(code), seconds=round(time.monotonic() - start, 3))
    # No journal of a host has it.
    sites = {plans.site(job.host.name, measuring.app(job)): job.host for some in jobs.values() for job in some}
    for said in keep_run(session.remote, journal.path, session.run_id, sites, measuring.secrets, only=True):
        session.note(said)
    session.answer(
        lambda: measures_json(taken, session.run_id, int(code)),
        lambda: measures_text(taken, session.run_id, str(session.environment)),
    )
    if code is ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    sys.exit(int(code))


def _taken(
    session: Session,
    measuring: _Measuring,
    key: tuple[str, str],
    jobs: Sequence[MeasureJob],
    looks: Sequence[int],
    journal: Journal,
) -> list[MeasureRecord]:
    """Take one measure of an app at all its places, and return the results, which are recorded."""
    app, name = key
    session.note(f"measuring {name} of {app}")
    records = []
    for job, result in zip(jobs, take_measures(session.remote, jobs, looks, session.limits, session.note), strict=True):
        about = {**measuring.about(job), "report": _keep(journal.path.parent, f"{app}.{name}", result.report)}
        record = measuring.record(job, MeasureRecord.of(result, **about))
        journal.write("measured", **record.event)
        records.append(record)
    return records


def _chosen(fleet: Fleet, names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the measures that are meant, as (app, name), in the order of the inventory."""
    every = list(dict.fromkeys((app.name, name) for _, app in fleet.sites() for name in app.measure))
    if not every:
        raise UsageError(f"no app of {fleet.inventory.name} has measures", hint="docs/measure.md shows the first one")
    known = list(dict.fromkeys(name for _, name in every))
    for name in names:
        if name not in known:
            raise UsageError(f"there is no measure {name}{did_you_mean(name, known)}")
    return [(app, name) for app, name in every if not names or name in names]


def _looks(fleet: Fleet, chosen: Sequence[tuple[str, str]], *, few: bool) -> dict[tuple[str, str], tuple[int, ...]]:
    """Return after how many samples each is judged. Raises UsageError for more than a protected environment gets, and
    where an override has one host measured in another way than the rest."""
    known: dict[tuple[str, str], tuple[tuple[int, ...], str]] = {}
    for host, app in fleet.sites():
        for name, measure in app.measure.items():
            if (key := (app.name, name)) not in chosen:
                continue
            try:
                way = (measure.looks(few=few), measure.measured_on())
            except ValueError as error:
                raise UsageError(
                    f"{name} of {app.name}: {error}, and {fleet.inventory.name} is protected; nothing was sent",
                    hint="--really sends them",
                ) from None
            if known.setdefault(key, way) != way:
                raise UsageError(
                    f"{name} of {app.name} has other `requests`, or another `from`, on {host.name} than on the hosts "
                    "before it; nothing was sent",
                    hint="give it a name of its own there, or take these keys out of the override",
                )
    return {key: looks for key, (looks, _) in known.items()}


def _keep(folder: Path, name: str, report: str) -> str:
    """Keep a whole report beside the record of the run, and return its path; empty where there is none."""
    if not report:
        return ""
    file = folder / f"{name}.json"
    file.touch(0o640)
    file.write_text(report, encoding="utf-8")
    return str(file)


class _Measuring:
    """The places where the measures of a fleet are taken, and what is known of the releases there."""

    def __init__(self, session: Session, fleet: Fleet, survey: Survey, compare: str) -> None:
        self._session, self._fleet, self._compare = session, fleet, compare
        self._facts: Mapping[tuple[str, str], Facts] = {
            (site.app, site.host): facts for site, facts in survey.facts.items()
        }
        self._secrets: dict[str, Secret] = {}
        self._events: dict[str, list[Mapping[str, Any]]] = {}
        if compare and not any(event.get("event") == "measured" for event in self._of_run(compare)):
            hint = (
                f"fab -H {fleet.inventory.name} history lists the runs; this machine knows those that it has recorded"
            )
            raise CheckError(f"this machine has no results of a run {compare}; nothing was measured", hint=hint)

    def jobs(self, app_name: str, name: str) -> list[MeasureJob]:
        """Return a job for each place of a measure: the hosts of its app, the first of them, or this machine."""
        sites = [(host, app) for host, app in self._fleet.sites() if app.name == app_name and name in app.measure]
        where = sites[0][1].measure[name].measured_on()
        return [
            self._job(host, app, name, here=where == HERE) for host, app in (sites if where == "hosts" else sites[:1])
        ]

    def _job(self, host: Host, app: App, name: str, *, here: bool) -> MeasureJob:
        measure, place = app.measure[name], HERE if here else host.name
        facts = self._facts.get((app.name, host.name))
        previous = previous_good(facts.releases, facts.release) if facts else None
        run, before = self._before(app.name, name, place, previous)
        site = MeasuredSite(
            app.name,
            name,
            place,
            app.layout_paths.current,
            "" if self._compare or not previous or app.layout_paths.in_place else app.layout_paths.release(previous.id),
            app.health.url if app.health else "",
            {
                **app.env,
                **{key: self._secret(app.secrets[key]) for key in app.secrets if measure.measured_on() == "first"},
            },
            {
                **{reference: self._secret(reference) for reference in measure.references()},
                **{key: self._secret(app.secrets[key]) for key in measure.secret_names()},
            },
            **({"earlier": f"run {self._compare}"} if self._compare else {}),
            unknown="; ".join(facts.unreadable) if facts and not previous else "",
        )
        return MeasureJob(measure, site, host, app.user, before, run)

    def app(self, job: MeasureJob) -> App:
        """Return the app of a job, as its host has it."""
        return next(app for host, app in self._fleet.sites() if (host, app.name) == (job.host, job.site.app))

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets that were read for these measures."""
        return tuple(self._secrets.values())

    def about(self, job: MeasureJob) -> dict[str, str]:
        """Return what the record of a result says of its place."""
        release = self._release(job)
        return {
            "app": job.site.app,
            "name": job.site.name,
            "kind": str(getattr(job.measure, "kind", "")),
            "host": job.site.host,
            "release": release.id if release else "",
            "revision": release.revision if release else "",
            "before_run": job.before_run,
        }

    def record(self, job: MeasureJob, record: MeasureRecord) -> MeasureRecord:
        """Write a result down with the run that made the release that serves, and return it."""
        release = self._release(job)
        if release and release.run and "/" not in release.run:
            with Journal(self._session.runs, release.run) as journal:
                journal.write("measured", **replace(record, before_run=job.before_run).event)
        return record

    def _release(self, job: MeasureJob) -> Release | None:
        facts = self._facts.get((job.site.app, job.host.name))
        return facts.release if facts else None

    def _before(self, app: str, name: str, host: str, previous: Release | None) -> tuple[str, dict[str, float] | None]:
        """Return the run that a result is compared with, and its numbers: of --compare, or of the last good release.
        Raises CheckError where the run of --compare has none."""
        run = self._compare or (previous.run if previous else "")
        before = numbers_in(self._of_run(run), app, name, host) if run else None
        if self._compare and before is None:
            says = f"run {run} has no result of {name} of {app} on {host} that one could be compared with"
            raise CheckError(
                f"{says}; nothing was measured",
                hint=f"name the measures that it has: fab -H ENV measure NAME --compare {run}",
            )
        return (run, before) if before is not None else ("", None)

    def _of_run(self, run: str) -> list[Mapping[str, Any]]:
        if run not in self._events:
            self._events[run] = [] if "/" in run else list(self._read(run))
        return self._events[run]

    def _read(self, run: str) -> Iterator[Mapping[str, Any]]:
        file = self._session.runs / run / "events.jsonl"
        try:
            events, damaged = records(file)
            if damaged:
                self._session.note(f"{file} has {damaged} damaged lines: what they held is not compared")
            yield from (event for event in events if isinstance(event, dict))
        except FileNotFoundError:
            return
        except OSError as error:
            raise CheckError(
                f"{file} is unreadable: {error.strerror}", hint="see to that file of this machine"
            ) from error

    def _secret(self, reference: str) -> Value:
        if reference not in self._secrets:
            self._secrets[reference] = resolve_secret(reference)
        return self._secrets[reference]
