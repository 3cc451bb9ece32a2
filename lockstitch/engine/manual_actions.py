"""Pure: what a failed run tells, the code it ends with, and the work it leaves to a person."""

from __future__ import annotations

from collections.abc import Sequence

from lockstitch.errors import ExitCode
from lockstitch.model.outcome import Failure, ManualAction
from lockstitch.model.plan import Plan, Site, Wave
from lockstitch.text import oneline, quoted


def manual_action(plan: Plan, failure: Failure, what: str, *, again: bool = False) -> ManualAction:
    """Return the action for a site that needs a person; with `again`, it names the command that takes the site back
    afterwards."""
    assert failure.site is not None
    on = _selected(plan, failure.site)
    said = [f"{what}: {quoted(failure.reason)}", *(f"| {oneline(line)}" for line in failure.output[-1:])]
    before = next((change.before for change in plan.changes if change.site == failure.site), None)
    if again and before:
        said.append(f"when that is seen to: {on} rollback --only {failure.site.app} --to {before[:12]}")
    return ManualAction(failure.site, "\n    ".join(said), _look(plan, failure.site, failure.what, again))


def undecided(plan: Plan, site: Site, failure: Failure) -> ManualAction:
    """Return the action for a site that keeps a release of which a person has to say whether it is good."""
    on = f"fab -H {plan.environment}"
    if plan.flags:
        name = plan.flags[0].flag
        what = f"it keeps {name} at this step; to take it back: {on} flag.undo {name}"
        return ManualAction(site, f"{what}\n    {quoted(failure.reason)}", f"{on} gates --only {site.app}")
    what = f"it keeps the new release, which is not recorded as good; to take it back: {on} rollback --only {site.app}"
    return ManualAction(site, f"{what}\n    {quoted(failure.reason)}", f"{on} gates --only {site.app}")


def _look(plan: Plan, site: Site, what: str, again: bool) -> str:
    """Return the command that shows the state of a site."""
    on = f"fab -H {plan.environment}"
    if site.machine:
        return f"{_selected(plan, site)} run -- uptime"
    if not site.database:
        return f"{on}:{site.host} status"
    if what in ("unlock", "ending"):
        return f"{on} lock.show"
    changed = again or what == "going back" or plan.kind in ("restore", "analyze")
    return f"{on} {'database.check' if changed else 'backup.list'} --database {site.app}"


def _selected(plan: Plan, site: Site) -> str:
    """Return `fab -H` with the selection of one host, which may be in no environment."""
    plain = site.host in plan.environment.split(",")
    return f"fab -H {site.host}" if plain else f"fab -H {plan.environment}:{site.host}"


def failure_in_words(failure: Failure) -> str:
    """Return a failure as it is told while other hosts are still at work: with the last line that says why."""
    why = next((line.strip() for line in reversed(failure.output) if line.strip()), "")
    return f"{failure.site}: {failure.reason}{f': {why}' if why else ''}"


def failed_code(failures: Sequence[Failure], begun: Sequence[Wave]) -> ExitCode:
    """Return the exit code of a run that fails, before anything is put back; `begun` are the waves that had begun."""
    if any(failure.what == "interrupt" for failure in failures):
        return ExitCode.INTERRUPTED
    if any(failure.what == "observer" for failure in failures):
        return ExitCode.REVERTED
    if not begun or begun[-1].preflight:
        return ExitCode.CHECK_SAID_NO
    return ExitCode.REVERTED
