"""Pure: the plans of `env.rotate`, one for each phase: all accept the new key, all sign with it, the former one goes.

Where a rotation stands is read from the files: whether the key, and the variable with the other key that is accepted, are
what the source says now. When all began to sign with the new one is in the journals of the hosts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lockstitch.errors import CheckError, UsageError
from lockstitch.facts.settings import SettingFacts, recorded_at
from lockstitch.facts.site import Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.validation import did_you_mean
from lockstitch.inventory.variables import Rotation, Setting
from lockstitch.model.format import span as in_words
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Plan, Site
from lockstitch.model.probe import number
from lockstitch.plans.preflight import raise_unreachable
from lockstitch.plans.service import jobs_of
from lockstitch.plans.settings import refuse_names, refuse_settings_of, settings_plan
from lockstitch.plans.settings_sites import SettingsOptions, SettingsSite, judge_settings
from lockstitch.text import listed

_SAYS = {
    1: "all hosts accept the new one beside the one they sign with",
    2: "all hosts sign with the new one, and accept the former one",
    3: "the former one goes: what was signed with it is refused",
}
# A key that is taken away must not lie in kept files.
FORGET_ALL = 'rm -rf -- "$kept"\n'


@dataclass(frozen=True)
class _Stand:
    """Phase of the rotation of one key on one site: 0 to 3, the last phase whose file is written."""

    site: SettingsSite
    phase: int
    is_proven: bool


def rotation_fleet(fleet: Fleet, name: str) -> Fleet:
    """Return the part of a fleet that runs the app with a key that is rotated, with the variable of the other key as one of
    its settings. Raises UsageError where there is none, or a host would be left out."""
    having = {app.name for _, app in fleet.sites() if name in app.settings and app.settings[name].rotate}
    if not having:
        known = dict.fromkeys(n for _, app in fleet.sites() for n, each in app.settings.items() if each.rotate)
        raise UsageError(
            f"there is no key {name} that is rotated{did_you_mean(name, known)}",
            hint="write `rotate` beside its `from`: see docs/settings.md",
        )
    if len(having) > 1:
        raise UsageError(f"{name} is a key of {', '.join(sorted(having))}", hint="say which: --only APP")
    placed = dict(fleet.inventory.placed)
    for at, app in placed.items():
        setting = app.settings.get(name)
        if app.name in having and setting and setting.rotate:
            keys = {name: setting.model_copy(update={"same": "fleet"})}
            if setting.rotate.accept:
                keys[setting.rotate.accept] = Setting.model_validate({"from": setting.source, "refuse": ()})
            placed[at] = replace(app, settings={**app.settings, **keys})
    fleet = replace(fleet, inventory=replace(fleet.inventory, placed=placed)).only(tuple(having))
    refuse_names(fleet, (name,))
    return fleet


def rotate_settings(
    fleet: Fleet, survey: Survey, facts: Mapping[Site, SettingFacts], asked: SettingsOptions, *, at_once: bool = False
) -> Plan:
    """Make the plan of the next phase of a rotation, on a fleet of `rotation_fleet`; an empty one while both keys are to be
    accepted, unless `at_once`.

    Raises CheckError where the files of the hosts are in no state that a rotation leaves.
    """
    raise_unreachable(survey)
    (name,) = asked.names
    every = jobs_of(fleet, survey, (asked.run, asked.by, "settings"), asked.env)
    if bare := [str(job.site) for job in every if job.old is None]:
        raise CheckError(f"{', '.join(bare)}: nothing is deployed here yet; nothing was changed")
    sites = [SettingsSite(job, facts[job.site]) for job in every]
    refuse_settings_of(sites)
    rotation = sites[0].app.settings[name].rotate
    assert rotation is not None and rotation.accept is not None
    stands = [_stand(site, name, rotation.accept) for site in sites]
    phase = _next(stands, name)
    empty = f"{name} is what its source says on every host, and no other key is accepted"
    notes: tuple[str, ...] = ()
    if phase == 3 and all(stand.phase == 2 for stand in stands):
        signing = _signing_since(sites, name)
        if signing is None:
            phase = 2
        elif not at_once and signing < rotation.overlap:
            empty = (
                f"{name}: both keys are accepted for {in_words(rotation.overlap - signing)} more; then the same command"
            )
            phase = 4
    asked = replace(asked, phase=phase)
    todo = [site for stand in stands if (site := _site_of(stand, phase, name, rotation, asked)) is not None]
    if phase == 2 and not todo:
        # The run that switched them was cut off: it is not recorded since when all sign with it.
        todo = [replace(site, writes={name: asked.known[site.site][name]}) for site in sites]
    refuse_settings_of(todo)
    if todo:
        notes = (f"phase {phase} of 3 of {name}: {_SAYS[phase]}",)
    plan = settings_plan(
        fleet,
        every,
        todo,
        asked,
        notes,
        empty,
        **({"forget": FORGET_ALL} if phase == 3 else {}),
        summary=_summary(fleet, name, phase, rotation) if todo else (),
    )
    return replace(plan, message=asked.message or f"env.rotate {name}, phase {phase} of 3")


def _stand(site: SettingsSite, name: str, accept: str) -> _Stand:
    """Return where a site stands. Raises CheckError where that is no state of a rotation."""
    key, other = site.facts.states.get(name), site.facts.states.get(accept)
    none = other in ("absent", "empty")
    phase = {("differs", "same"): 1, ("same", "differs"): 2}.get((str(key), str(other)))
    if none and key in ("differs", "same"):
        phase = 0 if key == "differs" else 3
    if phase is None:
        raise CheckError(
            f"{site.site}: {name} is {key} and {accept} is {other}, beside what the source of {name} says: that is no state "
            "of a rotation; nothing was changed",
            hint=f"put the new key back into its source, or env.undo; {accept} must be empty before a rotation begins",
        )
    proofs = {1: ((accept,), ()), 2: ((name,), (accept,)), 3: ((name,), ())}
    written, followed = proofs.get(phase, ((), ()))
    dropped = (accept,) if phase == 3 else ()
    if other == "empty":
        dropped = ()
    return _Stand(site, phase, judge_settings(site.app, written, followed, site.facts, dropped).passed)


def _next(stands: Sequence[_Stand], name: str) -> int:
    """Return the phase to carry out: the next where all have the one before, and run it; 4 where nothing is left."""
    phases = sorted({stand.phase for stand in stands})
    if phases[-1] - phases[0] > 1:
        lines = [f"{stand.site.site} has {'the new' if stand.phase > 1 else 'the former'} {name}" for stand in stands]
        raise CheckError(
            listed([*lines, "they do not accept each other's: that is no state of a rotation; nothing was changed"]),
            hint="put the file of those with the new one back: env.undo, or by hand",
        )
    if len(phases) > 1 or not all(stand.is_proven for stand in stands):
        return phases[-1]
    if phases == [3] and any(_keeps_former(stand.site.facts, name) for stand in stands):
        return 3
    return phases[0] + 1


def _site_of(stand: _Stand, phase: int, name: str, rotation: Rotation, asked: SettingsOptions) -> SettingsSite | None:
    """Return what is written on a site in a phase; None where it has that, and it runs."""
    has_former = phase == 3 and _keeps_former(stand.site.facts, name)
    if phase > 3 or (stand.phase == phase and stand.is_proven and not has_former):
        return None
    new, accept = asked.known[stand.site.site][name], str(rotation.accept)
    if phase == 1:
        return replace(stand.site, writes={accept: new})
    if phase == 2:
        copy = (accept, name) if stand.phase == 1 else ()
        return replace(stand.site, writes={name: new}, copy=copy)
    return replace(stand.site, writes={name: new, accept: None})


def _signing_since(sites: Sequence[SettingsSite], name: str) -> float | None:
    """Return for how many seconds all hosts have signed with the new key; None where no host has recorded that."""
    least: float | None = None
    for site in sites:
        facts = site.facts
        if facts.unrecorded:
            raise CheckError(f"{site.site}: {facts.unrecorded}; nothing was changed")
        phase, end = last_phase(facts, name)
        if phase != 2 or end is None:
            continue
        since = facts.now - end
        least = since if least is None else min(least, since)
    return least


def last_phase(facts: SettingFacts, name: str) -> tuple[int, float | None]:
    """Return the phase that a site's journal has last of a rotation, 0 where it has none, and when its run had ended, in
    seconds since the epoch; None where that was cut off."""
    last, end = _last_change(facts, name)
    return number(last.get("phase", "")) or 0, recorded_at(end)


def _keeps_former(facts: SettingFacts, name: str) -> bool:
    """Tell whether kept files of a site have the former key still, though the last phase was carried out: its run could
    not remove them. Raises CheckError where that is not known."""
    if facts.unrecorded:
        raise CheckError(f"{facts.unrecorded}; nothing was changed")
    change, _ = _last_change(facts, name)
    return number(change.get("phase", "")) == 3 and bool(facts.kept) and facts.kept[0] <= change.get("run", "")


def _last_change(facts: SettingFacts, name: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the last record of a change of a key by a rotation or an undo, and that of its run's end; empty without one."""
    ended = {e.get("run"): e for e in facts.records if e.get("event") == "run"}
    # A run that failed has put back what it changed; of one that was cut off it is not known how far it came.
    changes = [
        e
        for e in facts.records
        if (e.get("verb") == "rotate" and e.get("names") == name) or e.get("verb") == "undo"
        if ended.get(e.get("run"), {}).get("result") != "failed"
    ]
    last = changes[-1] if changes else {}
    return last, ended.get(last.get("run"), {})


def _summary(fleet: Fleet, name: str, phase: int, rotation: Rotation) -> tuple[str, ...]:
    again = f"fab -H {fleet.inventory.name} env.rotate {name}"
    if phase == 1:
        return (f"next, all hosts sign with the new one: {again}",)
    if phase == 2:
        return (f"after {in_words(rotation.overlap)} the former one goes: {again}",)
    return (f"{name} is rotated; where somebody issued the former one, revoke it there",)
