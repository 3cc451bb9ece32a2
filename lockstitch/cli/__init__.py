"""The seam with Fabric's command line: tasks on a fleet, -H from the inventory, errors as words and exit codes.

`fabric.yaml` names the Executor. What is heavy (inventories, SSH) is loaded when a task runs, not for `fab --list`.
"""

from lockstitch.cli.context import FleetContext, ProjectSettings, remote_for
from lockstitch.cli.executor import Executor, open_closed
from lockstitch.cli.signals import too_late
from lockstitch.cli.ssh_files import read_ssh_files_leniently
from lockstitch.cli.suggestions import tell_typos
from lockstitch.cli.task import FleetTask, fleet_task

open_closed()
tell_typos()
read_ssh_files_leniently()

__all__ = ["Executor", "FleetContext", "FleetTask", "ProjectSettings", "fleet_task", "remote_for", "too_late"]
