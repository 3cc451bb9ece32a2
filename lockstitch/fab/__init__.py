"""The seam with Fabric's command line: tasks on a fleet, -H from the inventory, errors as words and exit codes.

`fabric.yaml` names the Executor. What is heavy (inventories, SSH) is loaded when a task runs, not for `fab --list`.
"""

from lockstitch.fab.context import FleetContext, Settings, remote_for
from lockstitch.fab.descriptors import open_closed
from lockstitch.fab.executor import Executor
from lockstitch.fab.signals import too_late
from lockstitch.fab.ssh_files import read_ssh_files_leniently
from lockstitch.fab.task import FleetTask, fleet_task
from lockstitch.fab.typos import tell_typos

open_closed()
tell_typos()
read_ssh_files_leniently()

__all__ = ["Executor", "FleetContext", "FleetTask", "Settings", "fleet_task", "remote_for", "too_late"]
