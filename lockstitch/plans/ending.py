"""Pure: the end of a run on each site, whether it succeeded or failed: its records, and the lock freed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from lockstitch.model.command import Command
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Plan, Site, SitePlan, Step
from lockstitch.plans.lock_steps import release_step
from lockstitch.plans.shell_texts import RECORD


@dataclass(frozen=True)
class Ending:
    """The last steps on one site: `success` if every wave has passed, `failure` if one has not, `stop` if a person has to
    say whether what stays there is good.

    `journal_size` is the size of the journal at the survey; None if it does not matter. `journal_whole` means that it
    was undamaged then.
    """

    site: Site
    success: tuple[Step, ...]
    failure: tuple[Step, ...]
    journal_size: int | None = None
    journal_whole: bool = False
    stop: tuple[Step, ...] = ()


def unlock_ending(site: Site, run: str, journal_size: int | None = None, success: Iterable[Step] = ()) -> Ending:
    """Return the ending that frees the lock of a site, after the steps of `success` if the run succeeded."""
    free = release_step(site, run)
    return Ending(site, (*success, free), (free,), journal_size, stop=(free,))


# The kinds of runs that leave records of their own: of releases, and of what was done with a database.
_RELEASES = ("deploy", "rollback")
_DATABASES = ("backup", "prove", "prune", "analyze", "restore")


def with_endings(plan: Plan, endings: Iterable[Ending]) -> Plan:
    """Return the plan with the last steps of each site, which record what kind of run it was and how it ended, and the
    sizes of journals that must not have changed by then."""
    each = tuple(endings)
    return replace(
        plan,
        finish=tuple(SitePlan(end.site, (*_recorded(plan, end.site, "done"), *end.success)) for end in each),
        failed=tuple(SitePlan(end.site, (*_recorded(plan, end.site, "failed"), *end.failure)) for end in each),
        stopped=tuple(SitePlan(end.site, end.stop) for end in each if end.stop),
        journal_sizes={end.site: end.journal_size for end in each if end.journal_size is not None},
        whole_journals=frozenset(end.site for end in each if end.journal_whole),
    )


def _recorded(plan: Plan, site: Site, result: str) -> tuple[Step, ...]:
    """Return the step that records a run in the journal of a site; none where it is recorded otherwise."""
    if plan.kind in _RELEASES or (plan.kind in _DATABASES and result == "done"):
        return ()
    about = {"run": plan.run, "by": plan.by, "app": site.app, "message": plan.message, "result": result}
    text = json.dumps({"event": "run", "kind": plan.kind, **about}, separators=(",", ":"), ensure_ascii=False)
    values = {"record": text, "journal": site.layout.journal, "reason": "", "told": ""}
    return (Step("record", f"record the {plan.kind}", Command(RECORD, values=values), timeout=30),)
