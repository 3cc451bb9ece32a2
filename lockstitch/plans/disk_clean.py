"""Pure: the plan of `disk.clean`: removes what is not needed from every host, under the lock of each site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lockstitch.facts.disks import CLEAN_ARCHIVES, CLEAN_CACHES, Leftover, leftovers
from lockstitch.facts.site import Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.command import Command
from lockstitch.model.format import sized
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Plan, Site, SitePlan, Step, Wave
from lockstitch.model.probe import Probe
from lockstitch.plans.ending import unlock_ending, with_endings
from lockstitch.plans.notes import remarks
from lockstitch.plans.old_releases import prunable_ids, prune
from lockstitch.plans.preflight import raise_unreachable
from lockstitch.plans.service import jobs_of
from lockstitch.plans.steps import Deployment

_LONGEST = 900.0


@dataclass(frozen=True)
class DiskCleanup:
    """The sites to clean, with their facts, in the order of the inventory."""

    fleet: Fleet
    survey: Survey
    run: str
    by: str
    message: str = ""

    @property
    def jobs(self) -> list[Deployment]:
        raise_unreachable(self.survey)
        return jobs_of(self.fleet, self.survey, (self.run, self.by, "clean"), {})

    def asks(self) -> dict[Site, Probe[tuple[Leftover, ...]]]:
        """Return the question for each site that must be answered before the plan."""
        return {job.site: leftovers(job.layout.releases, prunable_ids(job)) for job in self.jobs}


def clean(cleaning: DiskCleanup, by_site: Mapping[Site, Sequence[Leftover]]) -> Plan:
    """Make the plan that removes the leftovers of each site; it is empty if there are none. A leftover that two apps of
    a user or host share is removed once."""
    units, notes = [], []
    seen: set[tuple[str, str]] = set()
    for job in cleaning.jobs:
        gone = [leftover for leftover in by_site.get(job.site, ()) if leftover.size and _first(seen, job, leftover)]
        if steps := _steps(job, gone):
            units.append(SitePlan(job.site, steps))
            notes += [f"{job.site}: {_said(leftover)}, {sized(leftover.size << 10)}" for leftover in gone]
    written = {site: facts.host.written for site, facts in cleaning.survey.facts.items()}
    total = sum(leftover.size for some in by_site.values() for leftover in some)
    plan = Plan(
        "clean",
        cleaning.fleet.inventory.name,
        cleaning.run,
        cleaning.by,
        cleaning.message,
        (Wave("clean", tuple(units), keep_on_failure=True),) if units else (),
        notes=(
            *notes,
            *remarks(cleaning.survey),
            *([f"in all {sized(total << 10)}, as far as it could be seen"] if units else []),
        ),
        empty_reason="there is nothing to remove",
        next_command=f"fab -H {cleaning.fleet.inventory.name} disk.usage",
    )
    return with_endings(plan, [unlock_ending(u.site, cleaning.run, written[u.site]) for u in units])


def _first(seen: set[tuple[str, str]], job: Deployment, leftover: Leftover) -> bool:
    """Tell whether a leftover is new on its host, and remember it."""
    key = (job.site.host, f"{job.site} {leftover.name}" if leftover.kind == "release" else leftover.name)
    if key in seen:
        return False
    seen.add(key)
    return True


def _steps(job: Deployment, gone: Sequence[Leftover]) -> tuple[Step, ...]:
    kinds = {leftover.kind for leftover in gone}
    steps = list(prune(job)) if "release" in kinds else []
    if "cache" in kinds:
        steps.append(_step("caches", "remove what builds have fetched", CLEAN_CACHES))
    if "archives" in kinds:
        steps.append(_step("archives", "remove the archives of packages that are installed", CLEAN_ARCHIVES))
    return tuple(steps)


def _step(name: str, says: str, text: str) -> Step:
    return Step(name, says, Command(text), timeout=_LONGEST, warns=True)


def _said(leftover: Leftover) -> str:
    name = leftover.name
    return {"release": f"old release {name}", "cache": name, "archives": "package archives"}[leftover.kind]
