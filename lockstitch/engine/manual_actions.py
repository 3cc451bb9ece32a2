"""Pure: the work that a failed run leaves to a person, as a sentence and a command to type."""

from __future__ import annotations

from lockstitch.model.outcome import Failure, ManualAction
from lockstitch.model.plan import Plan, Site
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
