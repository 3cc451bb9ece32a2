"""The base of all services: the questions each answers, with defaults for what most do not need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from lockstitch.model.command import Command
from lockstitch.model.gate import Verdict
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Step
from lockstitch.model.probe import Probe
from lockstitch.services.maintenance import Maintenance, Page
from lockstitch.services.queues import Queues
from lockstitch.services.release_context import ReleaseContext, Unwritable
from lockstitch.services.state import ServiceState, judge_serving


@dataclass(frozen=True)
class LogSource:
    """One of three: `path` is a file of the host, or a pattern such as `laravel-*.log`, relative to the login user's
    home; `unit` is a systemd unit whose journal is read; `ask` is a command that prints such paths, a line each, where
    only the host knows them."""

    path: str = ""
    unit: str = ""
    ask: Command | None = None


class Service(BaseModel):
    """What runs an app. Subclasses set `kind: Literal[...]` and their settings, and say how."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    # Settings of such a service as an inventory has them, without `kind`; tests take each.
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ()

    def tools(self) -> tuple[str, ...]:
        """Commands that must be found on the host."""
        return ()

    def systemd_units(self) -> tuple[str, ...]:
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

    def migrating(self, place: ReleaseContext, line: str) -> Command:
        """The command that carries out the app's `migrate`."""
        return place.inside(line)

    def extra_probe(self, place: ReleaseContext) -> Probe[tuple[str, ...]] | None:
        """What must be known of the host before a plan is made: lines that only this service understands."""
        return None

    def warnings(self, place: ReleaseContext) -> Iterable[str]:
        """What a person should know before a deploy, by what was asked."""
        return ()

    def proof_gap(self) -> str:
        """What its own proof leaves open where no health URL tells the revision; empty: nothing."""
        return ""

    def prepare(self, place: ReleaseContext) -> Iterable[Step]:
        """What makes the code ready before the app's own build lines."""
        return ()

    def check(self, place: ReleaseContext) -> Step | None:
        """Load the new code without serving it, where the service can; runs before anything visible changes."""
        return None

    def before(self, place: ReleaseContext) -> Iterable[Step]:
        """What is done in the new release after the migration, just before it serves."""
        return ()

    def reload_step(self, place: ReleaseContext) -> Step:
        """Make the service take the code at `current` without dropping a request; starts it where it is not running.

        Returns when the new code runs or it is clear that it will not.
        """
        raise NotImplementedError

    def after(self, place: ReleaseContext) -> Iterable[Step]:
        """What else must take the new code once it serves, such as workers."""
        return ()

    def maintenance_mode(self) -> Maintenance | None:
        """How the app is put into maintenance, where the service knows a way."""
        return None

    def unsupported_page_options(self, place: ReleaseContext, page: Page) -> Iterable[str]:
        """What a person asked of the maintenance page, and what is done instead."""
        return ()

    def pause_workers(self, place: ReleaseContext) -> Iterable[Step]:
        """What keeps the app's workers from the database while it is taken back, in maintenance."""
        return ()

    def pause_warnings(self, place: ReleaseContext) -> Iterable[str]:
        """What to tell of that."""
        return ()

    def clear_caches(self, place: ReleaseContext) -> Iterable[Step]:
        """What forgets, once the older code serves, what was kept of a database that was taken back."""
        return ()

    def console(self, place: ReleaseContext, line: str) -> Command | None:
        """A command of the app's own console, where it has one."""
        return None

    def queue(self, place: ReleaseContext) -> Queues | None:
        """What can be asked of the app's queues, where the service knows them."""
        return None

    def rights(self, place: ReleaseContext) -> Probe[tuple[Unwritable, ...] | None] | None:
        """Return the question for paths that who deploys, or who serves, must write to and cannot; its probe answers
        None where that is not known."""
        return None

    def rights_hint(self) -> str:
        """Return the advice for that."""
        return ""

    def logs(self, place: ReleaseContext) -> tuple[LogSource, ...]:
        """Where it writes what happens, beside the files that the app names."""
        return ()

    def stop(self, place: ReleaseContext) -> Command | None:
        """Stop it: how a first deploy that failed is taken back. None where the service does not know how."""
        return None

    def stopping(self, place: ReleaseContext) -> Iterable[Step]:
        """Stop it until somebody starts it; nothing where the service does not know how."""
        command = self.stop(place)
        return (Step("stop", "stop it", command, timeout=120),) if command else ()

    def starting(self, place: ReleaseContext) -> Iterable[Step]:
        """Start it where it does not run; where it runs, nothing is lost."""
        return (replace(self.reload_step(place), name="start", description="start it"),)

    def restarting(self, place: ReleaseContext) -> Iterable[Step]:
        """End it and start it anew; nothing where the service does not know how it is stopped."""
        stopping = tuple(self.stopping(place))
        return (*stopping, *self.starting(place)) if stopping else ()

    def probe(self, place: ReleaseContext) -> Probe[ServiceState]:
        """Observe what runs: read-only, and fast."""
        raise NotImplementedError

    def judge(self, state: ServiceState) -> Verdict:
        """Whether what was observed is the release in `place`, running since the last reload."""
        return judge_serving(state)
