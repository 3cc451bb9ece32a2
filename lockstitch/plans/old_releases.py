"""Pure: which releases of a site are removed, and the step that removes them."""

from __future__ import annotations

from dataclasses import replace

from lockstitch.facts.release_folders import recorded
from lockstitch.model.command import Command
from lockstitch.model.plan import Step
from lockstitch.model.release import Release, prunable
from lockstitch.model.removal import REMOVE
from lockstitch.plans.steps import Deployment

# A process loses its footing when its folder goes, even one that only means to start others elsewhere.
# What cannot be removed is no release any more: the name of a folder says whether it is whole.
_PRUNE = (
    REMOVE
    + r"""
shared=$(readlink -f -- "$shared") && cd "$releases" || exit 1
live=$(basename "$(readlink ../current 2>/dev/null || echo none)")
used=$(ls -l /proc/[0-9]*/cwd 2>/dev/null) || :
code=0
for id in $ids; do
    case "$live $used" in *"$id"*) echo "$id is still used by a process: kept"; continue ;; esac
    why=$(ls_removable "./$id") || { echo "warning $why"; continue; }
    why=$(LC_ALL=C mv -T -- "$id" "$id.gone" 2>&1) || stays "$id" "$why" || code=1
done
for id in [0-9]*-*.gone; do
    [ ! -e "$id" ] || { why=$(ls_removable "./$id") || { echo "warning $why"; continue; }; discard "$id" || code=1; }
done
exit $code
"""
)


def prune(job: Deployment) -> tuple[Step, ...]:
    """Remove releases that are no longer kept."""
    gone = prunable_ids(job)
    if not gone:
        return ()
    command = Command(_PRUNE, values=job.values(ids=" ".join(gone)))
    return (replace(job.step("prune", f"remove {len(gone)} old releases", command), warns=True),)


def prunable_ids(job: Deployment) -> tuple[str, ...]:
    """The release folders on the host that go when this one is good: never this one, nor the one before it, nor one
    that no line of the journal tells of."""
    if job.layout.in_place:
        return ()
    new = Release(job.release, job.revision, "good")
    everything = [*(release for release in recorded(job.facts) if release.id != new.id), new]
    spared = (job.release, job.facts.place.current or "")
    return tuple(release.id for release in prunable(everything, job.app.keep, spared))
