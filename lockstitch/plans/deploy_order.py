"""Pure: the order of a deploy and of a rollback, for each layout, from top to bottom.

`waves.py` makes the waves of a plan from these lists, and docs/architecture.md shows them. A step that has nothing to
do on a site is left out there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum

from lockstitch.model.layout import LayoutKind
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Step
from lockstitch.plans.deploy_backup import dump, newest_migration
from lockstitch.plans.maintenance_window import maintenance_off, maintenance_on, pause_workers, resume_workers
from lockstitch.plans.migrations import migrate
from lockstitch.plans.old_releases import prune
from lockstitch.plans.record_steps import adopt, record_bad, record_good, record_left, record_stopped, unlock
from lockstitch.plans.settings_release import record_settings, settings_back
from lockstitch.plans.steps import (
    Deployment,
    activate,
    build,
    check,
    checkout,
    clear_caches,
    export,
    fetch,
    keep,
    prepare_service,
    push_tag,
    reload,
    reload_others,
    tag,
    test,
)


class Hosts(Enum):
    """The hosts that a phase works on at the same time."""

    EVERY = "every host at once"
    APP = "every host of the app at once"
    FIRST = "the first host of the app"
    DATABASE = "the host of the database"
    WAVES = "wave by wave, each behind its gates"
    FIRST_WAVE = "the first wave, behind its gates"
    LATER_WAVES = "the other waves, each behind its gates"


@dataclass(frozen=True)
class Phase:
    """A part of the order: the hosts it works on, and the steps on each of them, one after another.

    `only_if` says in words where it is left out. A `database` phase of a rollback has no steps here: they depend on
    the strategy, and rollback_database.py makes them.
    """

    name: str
    hosts: Hosts
    steps: tuple[Callable[[Deployment], tuple[Step, ...]], ...] = ()
    only_if: str = ""

    def of(self, job: Deployment) -> tuple[Step, ...]:
        """Return the steps of one site."""
        return tuple(step for make in self.steps for step in make(job))


@dataclass(frozen=True)
class Order:
    """The phases of a run: those of the whole fleet, those of each app in the order of the groups, and the end.
    `failure` is the end after a phase failed and everything was put back, `stop` that after a metric gate failed on hosts
    without the release as well."""

    fleet: tuple[Phase, ...]
    app: tuple[Phase, ...]
    end: Phase
    failure: Phase
    stop: Phase = Phase("stop", Hosts.EVERY, (record_stopped, unlock))

    def lines(self) -> Iterator[str]:
        """Yield the order as the lines of a numbered list in Markdown, as docs/architecture.md shows it."""
        for number, phase in enumerate((*self.fleet, *self.app, self.end), 1):
            steps = ", ".join(f"`{step.__name__}`" for step in phase.steps) or "see `rollback_database.py`"
            only_if = f" (only if {phase.only_if})" if phase.only_if else ""
            yield f"{number}. **{phase.name}**, {phase.hosts.value}{only_if}: {steps}"
        yield f"\nIf one of them fails, and all is put back: {', '.join(f'`{s.__name__}`' for s in self.failure.steps)}"


# Only the new code can tell whether a migration is pending: a checkout moves first where that decides something.
_MOVE = "a dump or the maintenance depends on pending migrations"
_TAKE_BACK = "the database is taken back"
_FAILURE = Phase("failure", Hosts.EVERY, (record_bad, unlock))

DEPLOY: Mapping[LayoutKind, Order] = {
    "in_place": Order(
        fleet=(
            Phase("tag", Hosts.EVERY, (tag, push_tag)),
            Phase("prepare", Hosts.EVERY, (keep, fetch)),
        ),
        app=(
            Phase("code", Hosts.FIRST, (checkout, build, test, check), only_if=_MOVE),
            Phase("maintenance", Hosts.APP, (maintenance_on,)),
            Phase("dump", Hosts.DATABASE, (dump,)),
            Phase(
                "switch",
                Hosts.FIRST_WAVE,
                (checkout, build, test, check, migrate, prepare_service, reload, reload_others, maintenance_off),
            ),
            Phase("note", Hosts.DATABASE, (newest_migration,)),
            Phase(
                "switch",
                Hosts.LATER_WAVES,
                (checkout, build, test, check, prepare_service, reload, reload_others, maintenance_off),
            ),
        ),
        end=Phase("end", Hosts.EVERY, (adopt, record_good, record_settings, prune, unlock)),
        failure=_FAILURE,
    ),
    "releases": Order(
        fleet=(
            Phase("tag", Hosts.EVERY, (tag, push_tag)),
            Phase("prepare", Hosts.EVERY, (keep, fetch, export, build, test, check)),
        ),
        app=(
            Phase("maintenance", Hosts.APP, (maintenance_on,)),
            Phase("dump", Hosts.DATABASE, (dump,)),
            Phase("migrate", Hosts.FIRST, (migrate,)),
            Phase("note", Hosts.DATABASE, (newest_migration,)),
            Phase("switch", Hosts.WAVES, (prepare_service, activate, reload, reload_others, maintenance_off)),
        ),
        end=Phase("end", Hosts.EVERY, (adopt, record_good, record_settings, prune, unlock)),
        failure=_FAILURE,
    ),
}

ROLLBACK: Mapping[LayoutKind, Order] = {
    "in_place": Order(
        fleet=(
            Phase("prepare", Hosts.EVERY, (keep,)),
            Phase("maintenance", Hosts.APP, (maintenance_on, pause_workers), only_if=_TAKE_BACK),
            Phase("database", Hosts.DATABASE, only_if=_TAKE_BACK),
        ),
        app=(
            Phase("maintenance", Hosts.APP, (maintenance_on,)),
            Phase(
                "switch",
                Hosts.WAVES,
                (
                    checkout,
                    build,
                    check,
                    prepare_service,
                    clear_caches,
                    settings_back,
                    reload,
                    reload_others,
                    resume_workers,
                    maintenance_off,
                ),
            ),
        ),
        end=Phase("end", Hosts.EVERY, (adopt, record_good, record_settings, record_left, prune, unlock)),
        failure=_FAILURE,
    ),
    "releases": Order(
        fleet=(
            Phase("prepare", Hosts.EVERY, (keep, export, build, check)),
            Phase("maintenance", Hosts.APP, (maintenance_on, pause_workers), only_if=_TAKE_BACK),
            Phase("database", Hosts.DATABASE, only_if=_TAKE_BACK),
        ),
        app=(
            Phase("maintenance", Hosts.APP, (maintenance_on,)),
            Phase(
                "switch",
                Hosts.WAVES,
                (
                    prepare_service,
                    activate,
                    clear_caches,
                    settings_back,
                    reload,
                    reload_others,
                    resume_workers,
                    maintenance_off,
                ),
            ),
        ),
        end=Phase("end", Hosts.EVERY, (adopt, record_good, record_settings, record_left, prune, unlock)),
        failure=_FAILURE,
    ),
}
