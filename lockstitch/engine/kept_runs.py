"""EFFECT: the record of a run, sent to the hosts that it was about, so that a colleague finds it there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from lockstitch.engine.fanout import HostScript, run_on_hosts
from lockstitch.engine.journal import records
from lockstitch.engine.redact import redacted
from lockstitch.errors import ExitCode
from lockstitch.facts.run_events import kept_record
from lockstitch.model.command import Secret
from lockstitch.model.host import Host
from lockstitch.model.plan import Script, Site, Step
from lockstitch.model.results import HostResult, Result
from lockstitch.plans.kept_runs import follow_step, keep_step
from lockstitch.remote import Remote


def keep_run(
    remote: Remote,
    file: Path,
    run: str,
    sites: Mapping[Site, Host],
    secrets: Iterable[Secret] = (),
    *,
    only: bool = False,
) -> list[str]:
    """Keep the record of a run, from the file of its events, at each site. `only` says that no journal has it.

    Returns a sentence for each host that does not keep it: that fails no run. A file that cannot be read, or that has
    no first event of the run, is kept nowhere.
    """
    try:
        events, _ = records(file)
    except OSError as error:
        return [f"the hosts keep no record of this run: {file} is unreadable: {error.strerror}"]
    known = [event for event in events if isinstance(event, dict)]
    text = kept_record(known, partial(redacted, secrets=tuple(secrets)), only=only)
    if not text:
        return []
    return _sent(remote, {site: keep_step(site, run, text) for site in sites}, sites, "keeps no record of this run")[1]


def keep_follow_up(remote: Remote, line: str, sites: Mapping[Site, Host]) -> tuple[int, list[str]]:
    """Keep a line about a follow-up at each site. Returns how many have it, and a sentence for each that could not."""
    steps = {site: follow_step(site, line) for site in sites}
    results, said = _sent(remote, steps, sites, "does not keep the follow-up")
    return sum("kept" in result.output.split() for result in results if result.ok), said


def _sent(
    remote: Remote, steps: Mapping[Site, Step], sites: Mapping[Site, Host], what: str
) -> tuple[list[Result], list[str]]:
    work = [
        HostScript(str(n), sites[site], Script((step,), app=site.app, user=site.user))
        for n, (site, step) in enumerate(steps.items())
    ]
    errors = remote.connect({script.host for script in work})
    results = run_on_hosts(remote, [script for script in work if script.host.name not in errors])
    said = [
        f"{site} {what}: {errors[site.host].message if site.host in errors else _why(results[str(n)])}"
        for n, site in enumerate(steps)
        if site.host in errors or results[str(n)].code is not ExitCode.DONE
    ]
    return [result for ended in results.values() for result in ended.results], said


def _why(result: HostResult) -> str:
    lines = [line for each in result.results for line in each.output.splitlines() if line.strip()]
    return lines[-1] if lines else result.words
