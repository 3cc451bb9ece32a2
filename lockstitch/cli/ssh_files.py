"""`~/.ssh/config` that Paramiko cannot read does not keep `fab` from starting.

Fabric has it read before any task is known. Lockstitch asks OpenSSH's client instead, for hosts it connects to.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from paramiko import SSHException


def read_ssh_files_leniently() -> None:
    """Have the `fab` that is loading this project, if one is, go on without what Paramiko cannot read."""
    program = getattr(sys.modules.get("fabric.main"), "program", None)
    config = getattr(program, "config", None)
    if config is not None and hasattr(config, "_load_ssh_files"):
        config._set(_load_ssh_files=_lenient(config._load_ssh_files))


def _lenient(load: Callable[[], None]) -> Callable[[], None]:
    def loaded() -> None:
        try:
            load()
        except FileNotFoundError:
            raise
        except (SSHException, ValueError, OSError):
            # Whoever connects is told, in OpenSSH's own words where it finds anything wrong.
            return

    return loaded
