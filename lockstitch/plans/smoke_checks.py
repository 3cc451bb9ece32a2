"""Pure: the critical smoke steps of the apps of a deploy or a rollback, and the waves after which they are run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App
from lockstitch.model.plan import Change, Plan, Wave
from lockstitch.model.smoke_check import SmokeCheck
from lockstitch.smoke.journey import left_out
from lockstitch.smoke.order import in_order


def with_smoke(plan: Plan, fleet: Fleet) -> Plan:
    """Return the plan with the smoke steps that judge it: of a canary after its wave, of each app after the last."""
    changes: dict[str, list[Change]] = {}
    for change in plan.changes:
        changes.setdefault(change.site.app, []).append(change)
    apps: dict[str, App] = {}
    for _, app in fleet.sites():
        if app.name in changes and app.smoke is not None and app.smoke.critical:
            apps.setdefault(app.name, app)
    waves = list(plan.waves)
    switching = [place for place, wave in enumerate(waves) if _switches(wave)]
    if not apps or not switching:
        return plan
    for app in apps.values():
        mine = [place for place in switching if any(unit.site.app == app.name for unit in waves[place].site_plans)]
        if plan.kind == "deploy" and app.smoke is not None and app.smoke.canary and len(mine) > 1:
            hosts = [unit.site.host for unit in waves[mine[0]].site_plans]
            checks = [check for host in hosts for check in _checks(app, changes[app.name], host)]
            waves[mine[0]] = _with(waves[mine[0]], checks)
    last = switching[-1]
    waves[last] = _with(waves[last], [check for app in apps.values() for check in _checks(app, changes[app.name])])
    return replace(plan, waves=tuple(waves))


def _switches(wave: Wave) -> bool:
    """Tell whether sites take their release in a wave: its gates prove it."""
    return wave.visible and any(unit.gates for unit in wave.site_plans)


def _with(wave: Wave, checks: list[SmokeCheck]) -> Wave:
    return replace(wave, smoke=(*wave.smoke, *checks))


def _checks(app: App, changes: list[Change], host: str = "") -> Iterator[SmokeCheck]:
    """Yield the check of an app; hosts that differ before or after leave open which of their releases answers."""
    mine = [change for change in changes if host in ("", change.site.host)]
    after, before = {change.after for change in mine}, {change.before or "" for change in mine}
    smoke = app.smoke
    assert smoke is not None
    order = in_order(smoke, smoke.critical)
    out = left_out(smoke, order, protected=False, really=False, host=host)
    steps = tuple(name for name in order if name not in out)
    if not steps:
        return
    yield SmokeCheck(
        app.name,
        steps,
        smoke.url,
        host,
        after.pop() if len(after) == 1 else "",
        before.pop() if len(before) == 1 else "",
        tuple(smoke.steps[name] for name in steps),
    )
