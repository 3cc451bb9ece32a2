"""Pure: the plans of `env.push` and `env.undo`.

The file of each host is written anew beside itself and renamed; then the app takes it, in waves that never stop all of
them, and every process must have what was written. Whatever fails, every host has its former file again, and its app has
taken that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from lockstitch.errors import CheckError, UsageError
from lockstitch.facts.settings import SettingFacts, env_path, kept_folder, recorded_at
from lockstitch.facts.site import Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.inventory.model import App
from lockstitch.inventory.validation import did_you_mean
from lockstitch.model.command import LARGEST_ENVIRONMENT, Command, Value, plain
from lockstitch.model.env_file import render
from lockstitch.model.plan import Plan, Site, SitePlan, Step, Wave
from lockstitch.model.release import short
from lockstitch.plans.ending import unlock_ending, with_endings
from lockstitch.plans.notes import job_logs
from lockstitch.plans.preflight import raise_unreachable
from lockstitch.plans.rollout import never_all, waves
from lockstitch.plans.service import jobs_of
from lockstitch.plans.settings_release import record_settings
from lockstitch.plans.settings_sites import SettingsOptions, SettingsSite
from lockstitch.plans.steps import Deployment
from lockstitch.text import listed

# What an undo takes away may be the only copy of what somebody wrote.
_FORGET = """rm -f -- "$kept/$run.none" "$kept/$former" "$kept/$former.none" "$kept/undone" || exit 1
[ ! -e "$kept/$run" ] || mv -f -- "$kept/$run" "$kept/undone"
"""


def push_settings(fleet: Fleet, survey: Survey, facts: Mapping[Site, SettingFacts], asked: SettingsOptions) -> Plan:
    """Make the plan that writes the settings of each site into its environment file.

    Raises UsageError for a value that the file cannot hold, CheckError where one breaks its own rules, or a file cannot
    be read.
    """
    raise_unreachable(survey)
    every = jobs_of(fleet, survey, (asked.run, asked.by, "settings"), asked.env)
    sites = [
        _without_rotated(SettingsSite(job, facts[job.site], to_write(job.app, job.site, asked)), asked)
        for job in every
        if job.app.env_file
    ]
    refuse_settings_of(sites)
    todo = [site for site in sites if not site.settled()]
    notes = [
        f"{site.site}: not declared, and kept: {', '.join(site.facts.others)}" for site in sites if site.facts.others
    ]
    notes += [
        f"{site.site} has them already, and they run: it is left out" for site in sites if site not in todo and todo
    ]
    return settings_plan(fleet, every, todo, asked, tuple(notes), "every file has its settings, and they run")


def settings_to_build(
    fleet: Fleet, survey: Survey, facts: Mapping[Site, SettingFacts], asked: SettingsOptions
) -> tuple[SettingsSite, ...]:
    """Return the sites where settings change that are built into the code: a new release of what serves must be built
    with them. None where there are none.

    Raises UsageError where others change at the same time: a build does not restart what has those.
    """
    every = jobs_of(fleet, survey, (asked.run, asked.by, "settings"), asked.env)
    sites = [
        _without_rotated(SettingsSite(job, facts[job.site], to_write(job.app, job.site, asked)), asked)
        for job in every
        if job.facts.deployed
    ]
    built: dict[str, None] = {}
    others: dict[str, None] = {}
    for site in sites:
        for name in site.changed():
            (built if site.app.settings[name].when == "build" else others)[name] = None
    if not built:
        return ()
    if others:
        raise UsageError(
            f"{', '.join(built)} is built into the code, and {', '.join(others)} is not: a build does not restart what has "
            "the others; nothing was changed",
            hint=f"first env.push --only {','.join(others)}, then env.push --only {','.join(built)}",
        )
    apps = dict.fromkeys(site.app.name for site in sites if site.changed())
    revisions = {site.job.revision for site in sites if site.app.name in apps}
    if len(apps) > 1 or len(revisions) > 1 or not all(revisions):
        says = "more than one app" if len(apps) > 1 else "hosts on different revisions"
        raise UsageError(
            f"{', '.join(built)} would be built for {says}; nothing was changed", hint="env.push --only APP"
        )
    refuse_settings_of(sites)
    return tuple(site for site in sites if site.app.name in apps)


def with_written(plan: Plan, sites: Sequence[SettingsSite], asked: SettingsOptions) -> Plan:
    """Return the plan of a deploy with the wave that writes the settings of its sites first."""
    names = ", ".join(dict.fromkeys(name for site in sites for name in site.changed()))
    units = tuple(SitePlan(site.site, (site.record_step(asked), site.write_step(asked.run))) for site in sites)
    note = f"{names}: built into the code, so this builds a new release of {short(sites[0].job.revision)} on each host"
    return replace(plan, waves=(Wave(f"write the settings: {names}", units), *plan.waves), notes=(note, *plan.notes))


def undo_settings(fleet: Fleet, survey: Survey, facts: Mapping[Site, SettingFacts], asked: SettingsOptions) -> Plan:
    """Make the plan that puts back the files that were there before the last `env.push`. Raises CheckError where none is
    kept."""
    raise_unreachable(survey)
    every = jobs_of(fleet, survey, (asked.run, asked.by, "settings"), asked.env)
    if hidden := [f"{job.site}: {facts[job.site].unrecorded}" for job in every if facts[job.site].unrecorded]:
        raise CheckError(f"{'; '.join(hidden)}; nothing was changed")
    kept = {job.site: facts[job.site].kept[-1] for job in every if facts[job.site].kept}
    if not kept:
        raise CheckError("no former file of env.push is kept on its hosts; nothing was changed")
    last = max(kept.values())
    # A push that was killed and then completed by the last one is undone with it: else hosts would have different files.
    todo = [
        SettingsSite(job, facts[job.site], {}, kept[job.site])
        for job in every
        if job.site in kept and (kept[job.site] == last or _was_cut_off(facts[job.site], kept[job.site]))
    ]
    undone = {site.site for site in todo}
    notes = tuple(
        f"{job.site} was not changed by run {last}: it is left out" for job in every if job.site not in undone
    )
    notes += tuple(_edited(todo))
    return settings_plan(fleet, every, todo, asked, notes, "")


def _was_cut_off(facts: SettingFacts, run: str) -> bool:
    """Tell whether the host's journal has what a run was about to change, and no end of it."""
    events = {entry.get("event") for entry in facts.records if entry.get("run") == run}
    return bool(events) and "run" not in events


def _edited(sites: Sequence[SettingsSite]) -> Iterator[str]:
    """Yield a line for each site whose file was written after its last run of settings had ended."""
    for site in sites:
        ended = max((recorded_at(entry) or 0 for entry in site.facts.records), default=0)
        if site.facts.written is not None and site.facts.written > ended + 1:
            at, folder = env_path(site.app), kept_folder(site.app)
            yield f"{site.site}: {at} was edited after the last push: what it has now will be {folder}/undone"


def to_write(app: App, site: Site, asked: SettingsOptions) -> dict[str, Value | None]:
    """Return the values to write on a site, by name."""
    known = asked.known.get(site, {})
    return {name: known[name] for name in app.settings if name in known and (not asked.names or name in asked.names)}


def _without_rotated(site: SettingsSite, asked: SettingsOptions) -> SettingsSite:
    """Return a site without the keys that only `env.rotate` may change. Raises UsageError where one was asked for."""
    rotated = [n for n in site.changed() if site.app.settings[n].rotate and site.facts.states.get(n) == "differs"]
    if asked.names and rotated:
        raise UsageError(
            f"{site.site}: {rotated[0]} is rotated, in phases that are proven: a push proves nothing, and may have hosts "
            "refuse each other's; nothing was changed",
            hint=f"env.rotate {rotated[0]}",
        )
    return replace(site, writes={name: value for name, value in site.writes.items() if name not in rotated})


def refuse_settings_of(sites: Sequence[SettingsSite]) -> None:
    """Raise an error for what must be known before anything is written: values that break their own rules or cannot be
    held, and files that cannot be read."""
    problems = [f"{each.site}: {each.facts.problem}" for each in sites if each.facts.problem]
    for each in sites:
        file = each.app.env_file
        assert file is not None
        size = 0
        for name, value in each.writes.items():
            if value is None:
                continue
            if name in each.app.settings and (says := each.app.settings[name].refusal(plain(value))):
                problems.append(f"{each.site}: {name}: {says}")
            try:
                size += len(render(file.format, name, plain(value)).encode())
            except ValueError as error:
                problems.append(f"{each.site}: {name}: {error}")
        if size > LARGEST_ENVIRONMENT:
            problems.append(
                f"{each.site}: its settings together have {size} bytes as {file.format} files have them, and no program of a "
                f"host is given more than {LARGEST_ENVIRONMENT}: put long values into files, and their paths here"
            )
    if problems:
        raise CheckError(listed([*dict.fromkeys(problems), "nothing was changed"]))


def refuse_names(fleet: Fleet, names: Sequence[str]) -> None:
    """Raise UsageError for a name that no app has as a setting with a value."""
    known = [name for _, app in fleet.sites() for name, each in app.settings.items() if not each.by_hand]
    for name in names:
        if name not in known:
            raise UsageError(f"there is no setting {name} with a value{did_you_mean(name, dict.fromkeys(known))}")
    for _, app in fleet.sites():
        shared = [name for name, each in app.settings.items() if each.same and (not names or name in names)]
        here = {host.name for host, each in fleet.sites() if each.name == app.name}
        others = [host for placed, host in fleet.inventory.placed if placed == app.name and host not in here]
        if shared and others:
            raise UsageError(
                f"{', '.join(others)} would be left out, and {shared[0]} must be the same on all hosts of {app.name}",
                hint=f"fab -H {fleet.inventory.name} …",
            )


def settings_plan(
    fleet: Fleet,
    every: Sequence[Deployment],
    todo: Sequence[SettingsSite],
    asked: SettingsOptions,
    notes: tuple[str, ...],
    empty: str,
    forget: str = _FORGET,
    summary: tuple[str, ...] = (),
) -> Plan:
    """Return the plan that changes the settings of the sites `todo`, and frees the locks of all. `forget` is what is done
    with kept files at the end of one that puts them back, or takes a key away."""
    plan = Plan(
        "settings",
        fleet.inventory.name,
        asked.run,
        asked.by,
        asked.message or f"env.{asked.verb}",
        tuple(_waves(fleet, todo, asked)),
        notes=notes,
        logs={site.site: job_logs(site.job) for site in todo},
        empty_reason=empty,
        summary=summary,
        next_command=f"fab -H {fleet.inventory.name} env.check",
    )
    says = "remove the kept files that are of no use any more"
    forgetting = {
        each.site: (Step("forget settings", says, Command(forget, values=each.values(asked.run))),)
        for each in todo
        if each.former or forget != _FORGET
    }
    # What serves was good with other settings before: it is with these now.
    return with_endings(
        plan,
        [
            unlock_ending(
                job.site, asked.run, job.facts.host.written, (*forgetting.get(job.site, ()), *record_settings(job))
            )
            for job in every
        ],
    )


def _waves(fleet: Fleet, todo: Sequence[SettingsSite], asked: SettingsOptions) -> Iterator[Wave]:
    by_site = {(each.site.host, each.app.name): each for each in todo}
    for group in fleet.groups:
        for name in group.apps:
            hosts = [host.name for host in group.hosts if (host.name, name) in by_site]
            parts = waves(hosts, canary=group.rollout.canary, batch=group.rollout.batch)
            parts = never_all(parts, [[host.name for host in fleet.inventory.group(group.name).hosts]])
            for number, part in enumerate(parts, 1):
                at = f" {number}/{len(parts)}" if len(parts) > 1 else ""
                units = tuple(by_site.pop((host, name)).unit(asked) for host in part)
                verb = "put back" if asked.verb == "undo" else "write"
                yield Wave(f"{verb} the settings of {name}{at}: {', '.join(part)}", units, visible=True)
