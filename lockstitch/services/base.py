"""The base of all services: the hooks of each, with defaults for those that most do not need."""

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
from lockstitch.model.shell import shell_text
from lockstitch.services.maintenance import Maintenance, Page
from lockstitch.services.queues import Queues
from lockstitch.services.release_context import ReleaseContext, Unwritable
from lockstitch.services.state import ServiceState, judge_serving

_IN_RELEASE = shell_text(__package__, "in_release.sh")


@dataclass(frozen=True)
class LogSource:
    """A place of logs, one of three: `path` is a file of the host, or a pattern such as `laravel-*.log`, relative to the
    login user's home; `unit` is a systemd unit whose journal is read; `ask` is a command that prints such paths, a line
    each, where only the host knows them."""

    path: str = ""
    unit: str = ""
    ask: Command | None = None


class Service(BaseModel):
    """The base of what runs an app. Subclasses set `kind: Literal[...]` and their settings, and override hooks."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    # Settings of such a service as an inventory has them, without `kind`; tests take each.
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ()

    def tools(self) -> tuple[str, ...]:
        """Return the commands that must be found on the host."""
        return ()

    def systemd_units(self) -> tuple[str, ...]:
        """Return the systemd units that must run for it, and so must start with the host."""
        return ()

    def shared(self) -> tuple[str, ...]:
        """Return the files and folders that all releases share, beside those the app names."""
        return ()

    def secrets(self) -> Mapping[str, str]:
        """Return the variables that the service's own texts need, as references to secrets."""
        return {}

    def migrate_line(self) -> str | None:
        """Return the `migrate` line of an app that has none of its own."""
        return None

    def migrating(self, place: ReleaseContext, line: str) -> Command:
        """Return the command that carries out the app's `migrate` line."""
        return place.inside(line)

    def extra_probe(self, place: ReleaseContext) -> Probe[tuple[str, ...]] | None:
        """Return the question to the host before a plan is made; its lines become `ReleaseContext.about`."""
        return None

    def warnings(self, place: ReleaseContext) -> Iterable[str]:
        """Return what a person should know before a deploy, by the answer to `extra_probe`."""
        return ()

    def tells_drift(self) -> bool:
        """Tell whether `probe` compares what runs with what its settings now say (`ServiceState.drift`)."""
        return False

    def reload_ends_drift(self) -> bool:
        """Tell whether a reload makes what runs as its settings say (`ServiceState.drift`); else only a restart does."""
        return False

    def has_environment(self) -> bool:
        """Tell whether its processes are started with the app's `env` and `secrets`, and `probe` compares them."""
        return False

    def proves_workers(self) -> bool:
        """Tell whether `judge` passes only when every process that answers has begun after the reload."""
        return False

    def proof_gap(self) -> str:
        """Return what the gates do not prove where no health URL tells the revision; empty: nothing."""
        return ""

    def prepare(self, place: ReleaseContext) -> Iterable[Step]:
        """Return the steps that prepare the code before the app's own build lines."""
        return ()

    def check(self, place: ReleaseContext) -> Step | None:
        """Return the step that loads the new code without serving it, before users see a change; None: there is none."""
        return None

    def configuration_test(self, place: ReleaseContext) -> Step | None:
        """Return the step that tests the configuration it would read on a reload or a start; None: there is none."""
        return None

    def may_deploy(self, place: ReleaseContext) -> Command | None:
        """Return the read-only command that fails where who deploys may not make the service take new code, and prints
        what is not allowed, then the line that allows it; None where it needs no right."""
        return None

    def before(self, place: ReleaseContext) -> Iterable[Step]:
        """Return the steps in the new release after the migration, just before it serves."""
        return ()

    def reload_step(self, place: ReleaseContext) -> Step:
        """Return the step that makes the service take the code at `current` without dropping a request, and starts it
        where it does not run.

        The step ends when the new code runs, or fails when it is clear that it will not.
        """
        raise NotImplementedError

    def after(self, place: ReleaseContext) -> Iterable[Step]:
        """Return the steps that give the new code to what else runs it, such as workers, once it serves."""
        return ()

    def maintenance_mode(self) -> Maintenance | None:
        """Return how the app is put into maintenance; None where the service has no way."""
        return None

    def unsupported_page_options(self, place: ReleaseContext, page: Page) -> Iterable[str]:
        """Return a note for each option of a maintenance page that the service does not have."""
        return ()

    def pause_workers(self, place: ReleaseContext) -> Iterable[Step]:
        """Return the steps that keep the app's workers from the database while it is taken back, in maintenance or not.
        Their way back lets them work again."""
        return ()

    def resume_workers(self, place: ReleaseContext) -> Iterable[Step]:
        """Return the steps that let the app's workers work again, in the code that serves now."""
        return ()

    def pause_warnings(self, place: ReleaseContext) -> Iterable[str]:
        """Return what a person should know of `pause_workers` and `clear_caches`."""
        return ()

    def clear_caches(self, place: ReleaseContext) -> Iterable[Step]:
        """Return the steps that empty caches of a database that was restored, once the older code serves."""
        return ()

    def program_folders(self) -> tuple[str, ...]:
        """Return the folders of the app's own programs, relative to the release; those that are there come first in
        PATH for `app.run`."""
        return (".venv/bin", "venv/bin", "node_modules/.bin", "vendor/bin")

    def file_mask(self) -> str:
        """Return the umask of what `app.run` runs, for `umask`; empty where it need not be another than usual."""
        return ""

    def in_release(self, place: ReleaseContext, line: str) -> Command:
        """Return the command that runs a person's line in the code that serves."""
        folders = ":".join(self.program_folders())
        return place.command(_IN_RELEASE, line=line, folders=folders, mask=self.file_mask())

    def console(self, place: ReleaseContext, line: str) -> Command | None:
        """Return a command of the app's own console; None where it has none."""
        return None

    def queue(self, place: ReleaseContext) -> Queues | None:
        """Return the commands for the app's queues; None where the service knows none."""
        return None

    def rights(self, place: ReleaseContext) -> Probe[tuple[Unwritable, ...] | None] | None:
        """Return the question for paths that who deploys, or who serves, must write to and cannot; its probe answers
        None where that is not known."""
        return None

    def rights_hint(self, path: Unwritable) -> str:
        """Return the command to type for a path that `rights` lists."""
        return ""

    def logs(self, place: ReleaseContext) -> tuple[LogSource, ...]:
        """Return its logs, beside the files that the app names."""
        return ()

    def stop(self, place: ReleaseContext) -> Command | None:
        """Return the command that stops it, which reverts a first deploy; None where the service has none."""
        return None

    def stopping(self, place: ReleaseContext) -> Iterable[Step]:
        """Return the steps that stop it until somebody starts it; none where it cannot be stopped."""
        command = self.stop(place)
        return (Step("stop", "stop it", command, timeout=120),) if command else ()

    def starting(self, place: ReleaseContext) -> Iterable[Step]:
        """Return the steps that start it where it does not run; where it runs, nothing is lost."""
        return (replace(self.reload_step(place), name="start", description="start it"),)

    def start_gap(self) -> str:
        """Return which of its settings lacks, so that a first deploy could not start it; empty: none does."""
        return ""

    def restarting(self, place: ReleaseContext) -> Iterable[Step]:
        """Return the steps that stop it and start it; none where it cannot be stopped."""
        stopping = tuple(self.stopping(place))
        return (*stopping, *self.starting(place)) if stopping else ()

    def probe(self, place: ReleaseContext) -> Probe[ServiceState]:
        """Return the question for what runs: read-only, and fast."""
        raise NotImplementedError

    def judge(self, state: ServiceState) -> Verdict:
        """Judge whether the release runs since the last reload."""
        return judge_serving(state)
