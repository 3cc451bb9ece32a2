"""Pure: the waves of a deploy or a rollback, made from the order of deploy_order.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from lockstitch.inventory.model import Group
from lockstitch.model.layout import LayoutKind
from lockstitch.model.plan import Condition, Site, SitePlan, Wave
from lockstitch.plans import rollout
from lockstitch.plans.deploy_backup import pending
from lockstitch.plans.deploy_order import Hosts, Order, Phase
from lockstitch.plans.ending import Ending
from lockstitch.plans.maintenance_window import current_gates, goes_down, proofs, waits_for_migrations
from lockstitch.plans.steps import Deployment
from lockstitch.plans.wave_watches import watching

Orders = Mapping[LayoutKind, Order]


def waves(
    orders: Orders, jobs: Iterable[Deployment], groups: Iterable[Group], database: Sequence[Wave] = ()
) -> list[Wave]:
    """Return the waves of an order: what the fleet does at once, then group by group and app by app.

    `database` are the waves that take databases back.
    """
    return list(_Waves(orders, jobs, database).all(groups))


class _Waves:
    """The sites of a run, each with what the waves so far have done to it."""

    def __init__(self, orders: Orders, jobs: Iterable[Deployment], database: Sequence[Wave]) -> None:
        self._orders, self._database = orders, database
        self._jobs = {job.site: job for job in jobs}

    def all(self, groups: Iterable[Group]) -> Iterator[Wave]:
        orders = [self._orders[kind] for kind in self._orders]
        for phases in zip(*(order.fleet for order in orders), strict=True):
            yield from self._fleet(dict(zip(self._orders, phases, strict=True)), phases[0].hosts)
        begun: set[str] = set()
        switched: set[Site] = set()
        for group in groups:
            hosts = {host.name for host in group.hosts}
            for app in group.apps:
                sites = [s for s in self._jobs if s.app == app and s.host in hosts and s not in switched]
                if sites:
                    yield from self._app(group, sites, opening=app not in begun)
                    begun.add(app)
                    switched.update(sites)

    def _fleet(self, phases: Mapping[LayoutKind, Phase], hosts: Hosts) -> Iterator[Wave]:
        if hosts is Hosts.DATABASE:
            yield from self._database
        elif hosts is Hosts.APP:
            for app in sorted({job.app.name for job in self._jobs.values() if job.database_goes_back}):
                yield from self._maintenance(app, phases, None)
        else:
            yield from self._at_once(phases)

    def _at_once(self, phases: Mapping[LayoutKind, Phase]) -> Iterator[Wave]:
        jobs = self._jobs.values()
        units = tuple(SitePlan(j.site, did) for j in jobs if (did := phases[j.layout.kind].of(j)))
        name = next(iter(phases.values())).name
        if units and name == "tag":
            yield Wave(f"tag {self._jobs[units[0].site].tag}", units, preflight=True)
        elif units:
            yield Wave(name, units)

    def _app(self, group: Group, sites: Sequence[Site], *, opening: bool) -> Iterator[Wave]:
        """Make the waves of one app in one group; what an app does once comes with the first of its groups."""
        first = sites[0]
        app = first.app
        question = None
        if opening:
            self._jobs[first] = replace(self._jobs[first], migrates=True)
            question = self._question(first)
        for phase in self._orders[self._jobs[first].layout.kind].app:
            if phase.name == "switch":
                yield from self._switch(group, sites, phase.hosts)
            elif not opening:
                continue
            elif phase.hosts is Hosts.DATABASE:
                yield from self._on_database(phase, first, question)
            elif phase.name == "code":
                yield from self._code(phase, first, question)
            elif phase.hosts is Hosts.FIRST:
                yield from self._once(phase, first)
            elif not self._jobs[first].database_goes_back:
                orders = self._orders.items()
                yield from self._maintenance(app, {kind: _phase(order, phase.name) for kind, order in orders}, question)

    def _question(self, first: Site) -> Condition | None:
        """Return the question whether migrations are pending, where a dump or the maintenance depends on it."""
        job = self._jobs[first]
        if not job.deploying or not job.app.migrate:
            return None
        sites = (other for other in self._jobs.values() if other.app.name == first.app)
        waits = waits_for_migrations(job) and any(map(goes_down, sites))
        return pending(job) if waits or _dumps_for_migrations(job) else None

    def _code(self, phase: Phase, first: Site, question: Condition | None) -> Iterator[Wave]:
        if question is None:
            return
        job = self._jobs[first]
        unit = SitePlan(first, phase.of(job), rollback_gates=current_gates(job))
        self._jobs[first] = replace(job, code_unit=unit)
        yield Wave(f"code of {first.app} on {first.host}", (unit,), visible=True)

    def _once(self, phase: Phase, first: Site) -> Iterator[Wave]:
        if did := phase.of(self._jobs[first]):
            yield Wave(f"{phase.name} {first.app}", (SitePlan(first, did),))

    def _on_database(self, phase: Phase, first: Site, question: Condition | None) -> Iterator[Wave]:
        job = self._jobs[first]
        did = phase.of(job)
        if job.shelf is None or not did:
            return
        only_if = question if _dumps_for_migrations(job) else None
        name = job.shelf.database.name
        if phase.name == "dump":
            title = f"back up {name}" + (f", if {first.app} has migrations pending" if only_if else "")
        else:
            title = f"look at {name}" + (", if it was migrated" if only_if else "")
        yield Wave(title, (SitePlan(job.shelf.site, did),), only_if=only_if)

    def _maintenance(self, app: str, phases: Mapping[LayoutKind, Phase], question: Condition | None) -> Iterator[Wave]:
        """Put one app down on all its hosts at once. Where it goes down for migrations only, the question decides."""
        jobs = [job for job in self._jobs.values() if job.app.name == app]
        steps = {job.site: phases[job.layout.kind].of(job) for job in jobs}
        going = [job for job in jobs if goes_down(job)]
        for job in going:
            unit = SitePlan(job.site, steps[job.site], rollback_gates=current_gates(job), continues=job.code_unit)
            self._jobs[job.site] = replace(job, maintenance_unit=unit)
        waiting = [j.site for j in going if question and not j.facts.maintenance.temporary and waits_for_migrations(j)]
        at_once = [job.site for job in going if job.site not in waiting]
        name = f"put {app} into maintenance"
        if at_once:
            yield Wave(name, self._down(at_once), visible=True)
        if waiting:
            yield Wave(f"{name}, if migrations are pending", self._down(waiting), visible=True, only_if=question)
        # What somebody has put down already may still have a worker at a job.
        still = [job for job in jobs if job not in going and steps[job.site]]
        if still:
            yield Wave(f"pause the workers of {app}", tuple(SitePlan(job.site, steps[job.site]) for job in still))

    def _down(self, sites: Iterable[Site]) -> tuple[SitePlan, ...]:
        return tuple(unit for site in sites if (unit := self._jobs[site].maintenance_unit))

    def _switch(self, group: Group, sites: Sequence[Site], hosts: Hosts) -> Iterator[Wave]:
        """Make the visible change, in the waves that the rollout of the group says."""
        jobs = [self._jobs[site] for site in sites]
        how, deploying = group.rollout, jobs[0].deploying
        parts = rollout.waves(jobs, canary=how.canary if deploying else 0, batch=how.batch)
        for number, part in enumerate(parts, 1):
            if hosts is not Hosts.WAVES and (number == 1) is not (hosts is Hosts.FIRST_WAVE):
                continue
            units = tuple(self._switching(job, number) for job in part)
            title = f"{jobs[0].app.name} {number}/{len(parts)}: {', '.join(job.site.host for job in part)}"
            pause = how.pause if deploying else 0
            yield Wave(title, units, visible=True, pause=pause, watch=watching(jobs[0].app, how) if pause else None)

    def _switching(self, job: Deployment, number: int) -> SitePlan:
        mine = [phase for phase in self._orders[job.layout.kind].app if phase.name == "switch"]
        did = mine[0 if number == 1 else -1].of(job)
        return SitePlan(job.site, did, proofs(job), current_gates(job), job.maintenance_unit or job.code_unit)


def _phase(order: Order, name: str) -> Phase:
    return next(phase for phase in order.app if phase.name == name)


def _dumps_for_migrations(job: Deployment) -> bool:
    return job.shelf is not None and job.app.backup == "before_migrate"


def endings(orders: Orders, jobs: Iterable[Deployment]) -> Iterator[Ending]:
    """Yield how a run ends on each site."""
    for job in jobs:
        order = orders[job.layout.kind]
        host = job.facts.host
        ends = order.end.of(job), order.failure.of(job)
        yield Ending(job.site, *ends, host.written, not host.damaged, order.stop.of(job))
