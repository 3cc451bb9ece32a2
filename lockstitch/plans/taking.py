"""Pure: how the service of an app takes another environment: a reload where that is enough, else a restart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lockstitch.errors import UsageError
from lockstitch.inventory.model import App
from lockstitch.model.command import Value
from lockstitch.model.plan import Step
from lockstitch.plans.steps import Deployment
from lockstitch.services.base import Service
from lockstitch.services.state import NOTE_RELOAD


def taking(job: Deployment, text: str, values: Mapping[str, Value], *, read_by_app: bool) -> tuple[Step, ...]:
    """Return the steps by which an app takes what its environment file says: none where nothing is deployed. `text` gives
    each of them the values of the file, and uses `values`; so each may be repeated on the way back.

    Raises UsageError where the service does not know how.
    """
    service, old = job.app.service, job.old
    if old is None:
        return ()
    if read_by_app or not needs_restart(service):
        did: Sequence[Step] = (*service.before(old), service.reload_step(old), *service.after(old))
    elif restarting := tuple(service.restarting(old)):
        did = (*restarting, *service.after(old))
    else:
        raise UsageError(
            f"{job.site}: its service cannot be restarted, so its processes keep the value they have; "
            "nothing was changed",
            hint="where the app's code reads the file as it is reloaded, write read_by: app",
        )
    return carrying(did, text, values)


def app_alone_reads(app: App) -> bool:
    """Tell whether an app's code reads the environment file, and no process has its values from the service: dotenv
    libraries keep what a process was started with, which a reload does not change."""
    return app.env_file is not None and app.env_file.is_read_by_app and not app.service.has_environment()


def needs_restart(service: Service) -> bool:
    """Tell whether only a restart gives the processes of a service another environment."""
    return not service.reload_ends_drift()


def carrying(steps: Sequence[Step], text: str, values: Mapping[str, Value]) -> tuple[Step, ...]:
    """Return the steps of a service with `text` before each, which gives it the values of a file; the moment before the
    first is noted, so that older workers can be told from new ones."""
    known = {"names": "", **values}

    def carried(number: int, step: Step) -> Step:
        noted = f"{NOTE_RELOAD}\n" if number == 0 else ""
        command = replace(
            step.command, text=f"{noted}{text}\n{step.command.text}", values={**known, **step.command.values}
        )
        return replace(step, command=command, undo=None, undo_last=False)

    return tuple(carried(number, step) for number, step in enumerate(steps))
