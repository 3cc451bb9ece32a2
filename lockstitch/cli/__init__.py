"""The seam with Fabric's command line: tasks on a fleet, -H from the inventory, errors as words and exit codes.

`fabric.yaml` names the Executor. Tasks import this package alone, and call its modules: `cli.logs.show_logs(session)`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection

from lockstitch.cli.collection import with_own_tasks
from lockstitch.cli.context import FleetContext, ProjectSettings, remote_for
from lockstitch.cli.executor import Executor, open_closed
from lockstitch.cli.scaffold import FLAGS as INIT_FLAGS
from lockstitch.cli.ssh_files import read_ssh_files_leniently
from lockstitch.cli.suggestions import tell_typos
from lockstitch.cli.task import CHANGE, FANOUT, ROLLOUT_HELP, FleetTask, SessionTask, fleet_task, session_task

if TYPE_CHECKING:
    # What `__getattr__` finds, for type checkers. None of these imports this package.
    from lockstitch.cli import (
        app_run,
        apps,
        authorized_keys,
        backups,
        checks,
        databases,
        deploy,
        doctor,
        due,
        export,
        facts,
        flags,
        follow,
        history,
        hosts,
        init,
        locks,
        login_shell,
        logs,
        measures,
        metrics,
        notifications,
        past_runs,
        report,
        run,
        runbook_import,
        runbooks,
        selection,
        settings,
        smoke,
        status,
        transfers,
        trust,
        watch,
    )
    from lockstitch.cli.session import Session

open_closed()
tell_typos()
read_ssh_files_leniently()

__all__ = [
    "CHANGE",
    "FANOUT",
    "INIT_FLAGS",
    "ROLLOUT_HELP",
    "Collection",
    "Executor",
    "FleetContext",
    "FleetTask",
    "ProjectSettings",
    "Session",
    "SessionTask",
    "app_run",
    "apps",
    "authorized_keys",
    "backups",
    "checks",
    "databases",
    "deploy",
    "doctor",
    "due",
    "export",
    "facts",
    "flags",
    "fleet_task",
    "follow",
    "history",
    "hosts",
    "init",
    "locks",
    "login_shell",
    "logs",
    "measures",
    "metrics",
    "notifications",
    "past_runs",
    "remote_for",
    "report",
    "run",
    "runbook_import",
    "runbooks",
    "selection",
    "session_task",
    "settings",
    "smoke",
    "status",
    "transfers",
    "trust",
    "watch",
    "with_own_tasks",
]


def __getattr__(name: str) -> Any:
    """A module of this package, or the Session. Start-up: each is loaded when a task first uses it."""
    if name == "Session":
        return import_module("lockstitch.cli.session").Session
    if name in __all__:
        return import_module(f"lockstitch.cli.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
