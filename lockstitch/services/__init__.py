"""What a service is, and where services are found: every module in this folder that defines one.

A service is a pydantic model of its own settings (`kind` names it in inventories) and answers, without touching
any host: which tools it needs, how new code is checked before it is let in, how it is reloaded and stopped, and
how to observe what it really runs. What a service does beyond that is in hooks that do nothing unless it says so.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pydantic import BaseModel, ConfigDict

from lockstitch.command import Command, Value
from lockstitch.gate import Verdict
from lockstitch.layout import Layout
from lockstitch.plan import Step
from lockstitch.probe import Probe
from lockstitch.services.logs import LogSource
from lockstitch.services.maintenance import Maintenance, Page
from lockstitch.services.queues import Queues
from lockstitch.services.rights import Unwritable
from lockstitch.services.state import ServiceState, judge_serving, parse_state


@dataclass(frozen=True)
class Place:
    """One release of one app on one host, as a service sees it. `env` is what the app's commands are given, and
    `about` what the host answered to `Service.about`."""

    app: str
    layout: Layout
    release: str
    revision: str
    env: Mapping[str, Value] = field(default_factory=dict)
    about: tuple[str, ...] = ()

    @property
    def directory(self) -> str:
        """Where this release lies; without a release, where the one that serves is found."""
        return self.layout.release(self.release) if self.release else self.layout.current

    def command(self, text: str, **values: Value) -> Command:
        """A Command that starts in the login user's home, with $release, $current and $state beside its own values.

        The three are as the inventory has them, so relative ones are relative to that home.
        """
        known = {"release": self.directory, "current": self.layout.current, "state": self.layout.state}
        return Command(text, values={**known, **values}, env=self.env)

    def inside(self, text: str) -> Command:
        """A Command that runs in the release's folder: for lines a user wrote."""
        return Command(text, env=self.env, cwd=self.directory)


class Service(BaseModel):
    """What runs an app. Subclasses set `kind: Literal[...]` and their settings, and say how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def tools(self) -> tuple[str, ...]:
        """Commands that must be found on the host."""
        return ()

    def units(self) -> tuple[str, ...]:
        """Systemd units that must run for it, and so must start with the host."""
        return ()

    def shared(self) -> tuple[str, ...]:
        """Files and folders that all releases share, beside those the app names."""
        return ()

    def secrets(self) -> Mapping[str, str]:
        """Variables that the service's own texts need, as references to secrets."""
        return {}

    def migrate_line(self) -> str | None:
        """The app's `migrate` where it has none."""
        return None

    def migrating(self, place: Place, line: str) -> Command:
        """The command that carries out the app's `migrate`."""
        return place.inside(line)

    def about(self, place: Place) -> Probe[tuple[str, ...]] | None:
        """What must be known of the host before a plan is made: lines that only this service understands."""
        return None

    def notes(self, place: Place) -> Iterable[str]:
        """What a person should know before a deploy, by what was asked."""
        return ()

    def unproven(self) -> str:
        """What its own proof leaves open where no health URL tells the revision; empty: nothing."""
        return ""

    def prepare(self, place: Place) -> Iterable[Step]:
        """What makes the code ready before the app's own build lines."""
        return ()

    def check(self, place: Place) -> Step | None:
        """Load the new code without serving it, where the service can; runs before anything visible changes."""
        return None

    def before(self, place: Place) -> Iterable[Step]:
        """What is done in the new release after the migration, just before it serves."""
        return ()

    def reload_step(self, place: Place) -> Step:
        """Make the service take the code at `current` without dropping a request; starts it where it is not running.

        Returns when the new code runs or it is clear that it will not.
        """
        raise NotImplementedError

    def after(self, place: Place) -> Iterable[Step]:
        """What else must take the new code once it serves, such as workers."""
        return ()

    def mode(self) -> Maintenance | None:
        """How the app is put into maintenance, where the service knows a way."""
        return None

    def lacks(self, place: Place, page: Page) -> Iterable[str]:
        """What a person asked of the maintenance page, and what is done instead."""
        return ()

    def paused(self, place: Place) -> Iterable[Step]:
        """What keeps the app's workers from the database while it is taken back, in maintenance."""
        return ()

    def pausing(self, place: Place) -> Iterable[str]:
        """What to tell of that."""
        return ()

    def cleared(self, place: Place) -> Iterable[Step]:
        """What forgets, once the older code serves, what was kept of a database that was taken back."""
        return ()

    def console(self, place: Place, line: str) -> Command | None:
        """A command of the app's own console, where it has one."""
        return None

    def queue(self, place: Place) -> Queues | None:
        """What can be asked of the app's queues, where the service knows them."""
        return None

    def rights(self, place: Place) -> Probe[tuple[Unwritable, ...] | None] | None:
        """Return the question for paths that who deploys, or who serves, must write to and cannot; its probe answers
        None where that is not known."""
        return None

    def rights_hint(self) -> str:
        """Return the advice for that."""
        return ""

    def logs(self, place: Place) -> tuple[LogSource, ...]:
        """Where it writes what happens, beside the files that the app names."""
        return ()

    def stop(self, place: Place) -> Command | None:
        """Stop it: how a first deploy that failed is taken back. None where the service does not know how."""
        return None

    def stopping(self, place: Place) -> Iterable[Step]:
        """Stop it until somebody starts it; nothing where the service does not know how."""
        command = self.stop(place)
        return (Step("stop", "stop it", command, timeout=120),) if command else ()

    def starting(self, place: Place) -> Iterable[Step]:
        """Start it where it does not run; where it runs, nothing is lost."""
        return (replace(self.reload_step(place), name="start", says="start it"),)

    def restarting(self, place: Place) -> Iterable[Step]:
        """End it and start it anew; nothing where the service does not know how it is stopped."""
        stopping = tuple(self.stopping(place))
        return (*stopping, *self.starting(place)) if stopping else ()

    def probe(self, place: Place) -> Probe[ServiceState]:
        """Observe what runs: read-only, and fast."""
        raise NotImplementedError

    def judge(self, state: ServiceState) -> Verdict:
        """Whether what was observed is the release in `place`, running since the last reload."""
        return judge_serving(state)


def found() -> dict[str, type[Service]]:
    """Every service by its kind, in alphabetical order."""
    services: dict[str, type[Service]] = {}
    for module in pkgutil.iter_modules(__path__):
        for value in vars(importlib.import_module(f"{__name__}.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, Service) and "kind" in value.model_fields:
                services[_kind(value)] = value
    return dict(sorted(services.items()))


def _kind(service: type[Service]) -> str:
    (kind,) = service.model_fields["kind"].annotation.__args__  # type: ignore[union-attr]
    return str(kind)


__all__ = ["LogSource", "Place", "Queues", "Service", "ServiceState", "found", "judge_serving", "parse_state"]
