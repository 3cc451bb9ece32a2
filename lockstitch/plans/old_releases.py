"""Pure: the releases of a site to remove, and the step that does so."""

from __future__ import annotations

from dataclasses import replace

from lockstitch.facts.release_folders import recorded
from lockstitch.model.command import Command
from lockstitch.model.plan import Step
from lockstitch.model.release import Release, prunable
from lockstitch.model.removal import REMOVE
from lockstitch.model.shell import shell_text
from lockstitch.plans.steps import Deployment

_PRUNE = REMOVE + shell_text(__package__, "release_prune.sh")


def prune(job: Deployment) -> tuple[Step, ...]:
    """Remove releases that are no longer kept."""
    gone = prunable_ids(job)
    if not gone:
        return ()
    command = Command(_PRUNE, values=job.values(ids=" ".join(gone)))
    return (replace(job.step("prune", f"remove {len(gone)} old releases", command), warns=True),)


def prunable_ids(job: Deployment) -> tuple[str, ...]:
    """Return the release folders that go when this release is good: never this one, nor the one before it, nor one that
    the journal does not list."""
    if job.layout.in_place:
        return ()
    new = Release(job.release, job.revision, "good")
    everything = [*(release for release in recorded(job.facts) if release.id != new.id), new]
    spared = (job.release, job.facts.place.current or "")
    return tuple(release.id for release in prunable(everything, job.app.keep, spared))
