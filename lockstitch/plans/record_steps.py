"""Pure: the steps that end a run on a site: the journal is told what became of a release, and the lock is freed."""

from __future__ import annotations

import json
from dataclasses import replace

from lockstitch.model.command import Command
from lockstitch.model.plan import Step
from lockstitch.model.release import Release
from lockstitch.plans.lock_steps import release_step
from lockstitch.plans.shell_texts import NOTE_BUILT, RECORD, SPARE
from lockstitch.plans.steps import Deployment


def record_good(job: Deployment) -> tuple[Step, ...]:
    """Record the release as good."""
    return (_record(job, "good", job.message),)


def record_bad(job: Deployment) -> tuple[Step, ...]:
    """Record the release that failed as bad. One that had been good before stays what it was."""
    return () if job.reused else (_record(job, "bad", job.message),)


def record_left(job: Deployment) -> tuple[Step, ...]:
    """Record the release one goes back from as left, so that a later rollback does not return to it unasked."""
    now = job.facts.release
    order = [release.id for release in job.facts.releases]
    forward = now is not None and job.reused and now.id in order and job.release in order[order.index(now.id) :]
    if now is None or forward or now.id == job.release or now.revision == job.revision:
        return ()
    return (_record(job, "left", job.message, now),)


def unlock(job: Deployment) -> tuple[Step, ...]:
    """Free the lock of the site."""
    return (release_step(job.site, job.run),)


def record_stopped(job: Deployment) -> tuple[Step, ...]:
    """Record that a run stopped, and left it to a person to say whether the release is good."""
    return (_record(job, "stopped", job.message),)


def _record(job: Deployment, verdict: str, message: str, release: Release | None = None) -> Step:
    """Write what became of a release into the host's journal."""
    subject = release or Release(job.release, job.revision, ref=job.ref)
    entry = {
        "event": "release",
        "kind": "deploy" if job.deploying else "rollback",
        "app": job.app.name,
        "release": subject.id,
        "revision": subject.revision,
        "before": job.before or "",
        "run": job.run,
        "by": job.by,
        "message": message,
        **({"ref": subject.ref} if subject.ref else {}),
    }
    text = json.dumps(entry, separators=(",", ":"), ensure_ascii=False)
    values = {"record": text, "journal": job.layout.journal, "verdict": verdict, "reason": "", "told": job.app.name}
    if verdict == "bad" and not job.layout.in_place:
        space = {"wanted": str(int(job.app.min_free) // 1024), "id": job.release}
        command = Command(SPARE + RECORD, values={**job.values(**space), **values})
    elif job.layout.in_place and (verdict == "good" or not job.facts.place.dirty):
        # After what a person has changed came back, nobody could tell it from what the build changed.
        command = Command(NOTE_BUILT + RECORD, values={**job.values(), **values})
    else:
        command = Command(RECORD, values=values)
    return job.step(f"record {verdict}", f"record {subject.id} as {verdict}", command)


def adopt(job: Deployment) -> tuple[Step, ...]:
    """Record the release that another tool made and that served until now, so that a rollback finds it."""
    current = job.facts.place.current
    if not (current and job.before and job.facts.adopted):
        return ()
    step = _record(job, "good", "it served before Lockstitch", Release(current, job.before))
    return (replace(step, name="record adopted", description=f"record {current}, which served until now, as good"),)
