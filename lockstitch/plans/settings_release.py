"""Pure: settings beside releases: recorded by hash with a release that is good, and put back with a rollback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lockstitch.errors import CheckError
from lockstitch.facts.settings import SettingFacts
from lockstitch.facts.settings_since import HASHES, ChangedSettings, snapshot_values
from lockstitch.model.command import Command
from lockstitch.model.plan import Site, Step
from lockstitch.model.shell import shell_text
from lockstitch.plans.settings_sites import EXPORT, SettingsSite, settings_gate
from lockstitch.plans.steps import Deployment
from lockstitch.plans.taking import app_alone_reads, carrying, needs_restart
from lockstitch.text import listed

_SNAPSHOT = HASHES + shell_text(__package__, "settings_snapshot.sh")


def record_settings(job: Deployment) -> tuple[Step, ...]:
    """Record by hash the settings with which the release is good; none where the app has no environment file."""
    if job.app.env_file is None or not job.release:
        return ()
    site = SettingsSite(job, SettingFacts())
    values = {**site.values(job.run), **snapshot_values(job.app, job.release)}
    says = f"record the settings with which {job.release} is good"
    return (Step("record settings of release", says, Command(_SNAPSHOT, values=values), timeout=60),)


def settings_back(job: Deployment) -> tuple[Step, ...]:
    """Put back the environment file with which the release was good, where that was asked for."""
    return (job.settings_step,) if job.settings_step else ()


def with_settings_back(job: Deployment, former: str) -> Deployment:
    """Return the job of a rollback that puts back the kept file `former`, and whose service takes it."""
    site = SettingsSite(job, SettingFacts(), former=former)
    service = job.app.service
    takes: tuple[Step, ...] = (service.reload_step(job.place),)
    if not app_alone_reads(job.app) and needs_restart(service):
        takes = tuple(service.restarting(job.place))
    carried = carrying(takes, EXPORT, site.values(job.run))
    return replace(
        job,
        settings_step=site.write_step(job.run),
        take_steps=tuple(replace(step, redo_on_rollback=True) for step in carried),
        settings_gate=settings_gate(job.app, {}, tuple(job.app.settings)),
    )


def changed_words(since: Mapping[Site, ChangedSettings]) -> tuple[str, ...]:
    """Return what has changed since the releases that a rollback goes back to."""
    lines = []
    for site, each in since.items():
        if each.problem:
            lines.append(f"{site}: which settings have changed since that release is not known: {each.problem}")
        elif each.changed:
            lines.append(f"{site}: settings that have changed since that release: {', '.join(each.changed)}")
    return tuple(lines)


def former_files(since: Mapping[Site, ChangedSettings]) -> dict[Site, str]:
    """Return the kept file that each site gets back. Raises CheckError where one is not kept any more."""
    lost = [
        f"{site}: {each.problem or 'the file with ' + ', '.join(each.changed) + ' as they were is not kept any more'}"
        for site, each in since.items()
        if each.problem or (each.changed and not each.former)
    ]
    if lost:
        hint = "--settings keep, or put the former values where `from` says, and env.push"
        raise CheckError(listed([*lost, "nothing was changed"]), hint=hint)
    return {site: each.former for site, each in since.items() if each.former}
