"""Pure: the plans of `env.rotate` for a key that a provider issues, one for each phase: the new one in, proven by a smoke
step that needs it; then the former one, proven refused by a smoke step that uses it.

Where a rotation stands is read from the files and from the journals of the hosts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lockstitch.errors import CheckError
from lockstitch.facts.settings import SettingFacts
from lockstitch.facts.settings_since import FormerKey
from lockstitch.facts.site import Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App
from lockstitch.model.plan import Plan, Site, SitePlan, Wave
from lockstitch.model.smoke_check import SmokeCheck
from lockstitch.plans.preflight import raise_unreachable
from lockstitch.plans.service import jobs_of
from lockstitch.plans.settings import refuse_settings_of, settings_plan
from lockstitch.plans.settings_rotate import FORGET_ALL, last_phase
from lockstitch.plans.settings_sites import SettingsOptions, SettingsSite, judge_settings
from lockstitch.smoke.order import in_order
from lockstitch.text import listed


def rotate_provider_key(
    fleet: Fleet,
    survey: Survey,
    facts: Mapping[Site, SettingFacts],
    former: Mapping[Site, FormerKey],
    asked: SettingsOptions,
) -> Plan:
    """Make the plan of the next phase of a rotation, on a fleet of `rotation_fleet`; an empty one where none has begun, or
    it is over. `former` says where the hosts have what the inventory calls the former key.

    Raises CheckError where the files have neither the new key nor that one.
    """
    raise_unreachable(survey)
    (name,) = asked.names
    every = jobs_of(fleet, survey, (asked.run, asked.by, "settings"), asked.env)
    if bare := [str(job.site) for job in every if job.old is None]:
        raise CheckError(f"{', '.join(bare)}: nothing is deployed here yet; nothing was changed")
    sites = [SettingsSite(job, facts[job.site], {name: asked.known[job.site][name]}) for job in every]
    refuse_settings_of(sites)
    app = sites[0].app
    todo, phase = [site for site in sites if not _runs(site, name)], 1
    if todo:
        _refuse_others(todo, former, name)
    else:
        phase = _phase(sites, former, name)
        todo = sites if phase in (1, 2) else []
    if phase == 2:
        _refuse_unknown(former, app, name)
    asked = replace(asked, phase=phase)
    again = f"fab -H {fleet.inventory.name} env.rotate {name}"
    plan = settings_plan(
        fleet,
        every,
        todo,
        asked,
        (f"phase {phase} of 2 of {name}: {_says(app, name)[phase]}",) if todo else (),
        f"{name} is what its source says on every host, and no rotation of it goes on",
        **({"forget": FORGET_ALL} if phase == 2 else {}),
        summary=(f"now revoke the former {name} where it was issued, then: {again}",) if phase == 1 else (),
    )
    if phase == 2:
        units = tuple(SitePlan(site.site, (site.record_step(asked),)) for site in todo)
        plan = replace(plan, waves=(Wave(f"prove that the former {name} is refused", units),))
    if todo:
        last = replace(plan.waves[-1], smoke=(_check(app, name, phase),))
        plan = replace(plan, waves=(*plan.waves[:-1], last))
    return replace(plan, message=asked.message or f"env.rotate {name}, phase {phase} of 2")


def _says(app: App, name: str) -> dict[int, str]:
    rotation = app.settings[name].rotate
    assert rotation is not None
    return {
        1: f"all hosts take the new one, proven by smoke {rotation.proof}",
        2: f"the former one is refused, proven by smoke {rotation.refused}, and goes from the kept files",
    }


def _runs(site: SettingsSite, name: str) -> bool:
    return site.facts.states.get(name) == "same" and judge_settings(site.app, (name,), (), site.facts).passed


def _phase(sites: list[SettingsSite], former: Mapping[Site, FormerKey], name: str) -> int:
    """Return the phase to carry out where all hosts run the new key; 0 where there is none."""
    if hidden := [f"{site.site}: {site.facts.unrecorded}" for site in sites if site.facts.unrecorded]:
        raise CheckError(f"{listed(hidden)}; nothing was changed")
    phases = [(phase, end is not None) for phase, end in (last_phase(site.facts, name) for site in sites) if phase]
    # A host that was lost at the end of the last phase has kept files with the former key, which an undo would put back.
    kept = any(former[site.site].is_kept for site in sites)
    if not phases or (all(each == (2, True) for each in phases) and not kept):
        return 0
    # One host that knows that its run had ended is enough: the smoke step had passed before.
    return 2 if any(phase == 2 or has_ended for phase, has_ended in phases) else 1


def _refuse_others(todo: list[SettingsSite], former: Mapping[Site, FormerKey], name: str) -> None:
    """Raise CheckError for a file that has neither key: the refusal of some other key would prove nothing."""
    problems = []
    for site in todo:
        if (state := site.facts.states.get(name)) not in ("same", "differs"):
            problems.append(f"{site.site}: {name} is {state} in its file")
        elif state == "differs" and not former[site.site].in_file:
            why = former[site.site].problem or f"its {name} is another one than `former` of its rotation refers to"
            problems.append(f"{site.site}: {why}")
    if problems:
        hint = "have the key that the hosts use now where `former` says, and the new one where `from` says"
        raise CheckError(listed([*problems, "nothing was changed"]), hint=hint)


def _refuse_unknown(former: Mapping[Site, FormerKey], app: App, name: str) -> None:
    """Raise CheckError unless a kept file proves that what is to be refused was the key."""
    if any(each.is_kept for each in former.values()):
        return
    rotation = app.settings[name].rotate
    assert rotation is not None
    raise CheckError(
        f"no kept file has what {rotation.former} refers to as {name}: that it is refused would prove nothing; nothing was "
        "changed",
        hint="have the key that was replaced there",
    )


def _check(app: App, name: str, phase: int) -> SmokeCheck:
    rotation, smoke = app.settings[name].rotate, app.smoke
    assert rotation is not None and smoke is not None
    return SmokeCheck(app.name, in_order(smoke, [str(rotation.proof if phase == 1 else rotation.refused)]), smoke.url)
