"""Pure: the plans of `reboot` and `packages.upgrade`: hosts in turn, with the gates of their apps after each wave."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace

from lockstitch.errors import CheckError
from lockstitch.facts.packages import Boot, Packages, Update, machine, reboot_gate
from lockstitch.facts.site import Survey
from lockstitch.inventory.fleet import Fleet
from lockstitch.model.command import Command, Value
from lockstitch.model.host import Host
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Plan, RunKind, Site, SitePlan, Step, Wave
from lockstitch.model.shell import shell_text
from lockstitch.plans.ending import unlock_ending, with_endings
from lockstitch.plans.maintenance_window import current_gates
from lockstitch.plans.notes import job_logs
from lockstitch.plans.rollout import at_most, never_all, waves
from lockstitch.plans.service import jobs_of
from lockstitch.plans.steps import Deployment
from lockstitch.text import listed

# The answer must be here before the line goes, and what waits must outlive the script that began it.
_REBOOT = r"""
if [ "$(id -u)" = 0 ]; then set -- systemctl reboot; else set -- sudo -n systemctl reboot; fi
setsid sh -c 'sleep 2; exec "$@"' sh "$@" </dev/null >/dev/null 2>&1 &
"""
_UPGRADE = shell_text(__package__, "apt_upgrade.sh")
_WHOLE = shell_text(__package__, "apt_whole.sh")
_SHOWN = 20


@dataclass(frozen=True)
class RollingHosts:
    """Hosts to change in turn, and the facts of their apps.

    `fleet` is None for plain hosts. `survey` may hold more hosts of the same groups, which serve meanwhile. `most` is
    the largest number of hosts at once.
    """

    run: str
    by: str
    environment: str
    hosts: tuple[Host, ...]
    fleet: Fleet | None = None
    survey: Survey = field(default_factory=lambda: Survey({}))
    env: Mapping[Site, Mapping[str, Value]] = field(default_factory=dict)
    message: str = ""
    most: int = 64


def reboot(turns: RollingHosts, boots: Mapping[str, Boot], *, only_pending: bool = False, seconds: float = 600) -> Plan:
    """Make the plan that reboots hosts in turn. Raises CheckError if one may not be rebooted."""
    names = [host.name for host in turns.hosts if boots[host.name].pending or not only_pending]
    refused = [f"{name}: {boots[name].refused}" for name in names if boots[name].refused]
    if refused:
        raise CheckError(
            "\n".join([*refused, "nothing was changed"]), hint="docs/host-care.md has the line for sudoers"
        )

    def unit(name: str) -> SitePlan:
        gate = reboot_gate(boots[name].identity, seconds)
        # Nothing takes a reboot back; what is asked on the way back is whether the host is there.
        step = Step("reboot", "reboot, and wait until it is back", Command(_REBOOT), Command(":"), timeout=60)
        return SitePlan(machine(name), (step,), (gate,), (replace(gate, deadline=0.0, tries=1),))

    notes = [f"{name} waits for a reboot: {', '.join(boots[name].because)}" for name in names if boots[name].because]
    return _plan("reboot", turns, names, unit, notes, "no host waits for a reboot")


def upgrade(turns: RollingHosts, packages: Mapping[str, Packages], chosen: Mapping[str, tuple[Update, ...]]) -> Plan:
    """Make the plan that upgrades packages, host after host. Raises CheckError for hosts where that is not possible."""
    problems = [f"{host.name}: {packages[host.name].problem}" for host in turns.hosts if packages[host.name].problem]
    if problems:
        raise CheckError(listed([*problems, "nothing was changed"]), hint="leave these out: -H 'ENV,!HOST'")
    names = [host.name for host in turns.hosts if chosen[host.name]]

    def unit(name: str) -> SitePlan:
        site, these = machine(name), chosen[name]
        values = {
            "log": f"{site.layout.state}/upgrade.{turns.run}",
            "names": " ".join(update.name for update in these),
            "wanted": "\n".join(f"{update.name} {update.new}" for update in these),
            "whole": "yes" if len(these) == len(packages[name].updates) else "",
        }
        whole = Command(_WHOLE, values=values)
        says = f"upgrade {_listed(these)}"
        return SitePlan(site, (Step("upgrade", says, Command(_UPGRADE, values=values), whole, timeout=7200),))

    notes = [
        f"{name}: {sum(u.security for u in chosen[name])} of {len(chosen[name])} are for security" for name in names
    ]
    plan = _plan("upgrade", turns, names, unit, notes, "nothing is to be upgraded")
    upgrades = tuple(f"{name}: {_listed(chosen[name])}" for name in names)
    return replace(plan, summary=upgrades, next_command=f"fab -H {turns.environment} packages.updates")


def _listed(updates: Sequence[Update]) -> str:
    more = len(updates) - _SHOWN
    return ", ".join(map(str, updates[:_SHOWN])) + (f" and {more} more" if more > 0 else "")


def _plan(
    kind: RunKind,
    turns: RollingHosts,
    names: Sequence[str],
    unit: Callable[[str], SitePlan],
    notes: Sequence[str],
    nothing: str,
) -> Plan:
    jobs = _jobs(turns, kind)
    mine = [job for job in jobs if job.site.host in names and job.facts.deployed]
    made: list[Wave] = []
    parts = list(_parts(turns, jobs, names))
    for number, (part, pause) in enumerate(parts, 1):
        title = f"{kind} {number}/{len(parts)}: {', '.join(part)}"
        made.append(Wave(title, tuple(unit(name) for name in part), visible=True, keep_on_failure=True))
        apps = tuple(_after(job) for job in mine if job.site.host in part and _serves(job))
        if apps:
            made.append(Wave(f"the apps of {', '.join(part)}", apps, visible=True, keep_on_failure=True, pause=pause))
    endings = [unlock_ending(machine(name), turns.run) for name in names]
    endings += [unlock_ending(job.site, turns.run, job.facts.host.written) for job in mine]
    plan = Plan(
        kind,
        turns.environment,
        turns.run,
        turns.by,
        turns.message,
        tuple(made),
        notes=(*notes, *_alone(turns, jobs, [part for part, _ in parts])),
        logs={job.site: job_logs(job) for job in mine},
        empty_reason=nothing,
        next_command=f"fab -H {turns.environment} {'service.status' if mine else 'run -- uptime'}",
    )
    return with_endings(plan, endings)


def _jobs(turns: RollingHosts, kind: RunKind) -> list[Deployment]:
    if turns.fleet is None:
        return []
    return jobs_of(turns.fleet, turns.survey, (turns.run, turns.by, kind), turns.env)


def _serves(job: Deployment) -> bool:
    return job.app.service.judge(job.facts.service).passed


def _after(job: Deployment) -> SitePlan:
    """Return the unit that changes nothing and asks the gates of an app; a gate that fails is asked once more."""
    gates = current_gates(job)
    look = Step("look", "see that its service runs", Command(":"), Command(":"), timeout=30)
    return SitePlan(job.site, (look,), gates, tuple(replace(gate, tries=1) for gate in gates))


def _parts(
    turns: RollingHosts, jobs: Sequence[Deployment], names: Sequence[str]
) -> Iterator[tuple[tuple[str, ...], float]]:
    """Yield the hosts in waves, each host once, with the seconds that each wave is watched.

    The hosts of a group follow its rollout, but never all hosts of a group or of an app at once. Plain hosts come one
    after the other.
    """
    if turns.fleet is None:
        yield from (((name,), 0.0) for name in names)
        return
    everybody = [[host.name for host in group.hosts] for group in turns.fleet.inventory.groups]
    serving: dict[str, list[str]] = {}
    for job in jobs:
        if job.facts.deployed and _serves(job):
            serving.setdefault(job.app.name, []).append(job.site.host)
    everybody += serving.values()
    waiting = list(names)
    for group in turns.fleet.groups:
        mine = [host.name for host in group.hosts if host.name in waiting]
        waiting = [name for name in waiting if name not in mine]
        parts = waves(mine, canary=group.rollout.canary, batch=group.rollout.batch)
        yield from ((part, group.rollout.pause) for part in at_most(never_all(parts, everybody), turns.most))


def _alone(turns: RollingHosts, jobs: Sequence[Deployment], parts: Sequence[Collection[str]]) -> Iterator[str]:
    """Yield notes on apps that no host serves during a wave, and on those that do not serve now and are not asked."""
    serving = {job.site for job in jobs if job.facts.deployed and _serves(job)}
    for part in parts:
        for app in dict.fromkeys(job.app.name for job in jobs if job.site.host in part and job.facts.deployed):
            other = [site for site in serving if site.app == app and site.host not in part]
            if not other:
                yield f"no other host serves {app} while {', '.join(part)} is away"
    for job in jobs:
        if job.facts.deployed and job.site not in serving and any(job.site.host in part for part in parts):
            yield f"{job.site} does not serve now: it is not asked afterwards"
