"""The processes of a machine as its /proc tells them, which no tool of the machine has to be trusted for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.containers.commands import MARK


@dataclass(frozen=True)
class Process:
    """One process; `start_ticks` is when it began, in clock ticks since boot."""

    pid: int
    ppid: int
    start_ticks: int
    cwd: str
    cmdline: str

    @property
    def is_ssh_session(self) -> bool:
        """Whether this is a daemon of one SSH connection, not the one that listens for them."""
        return self.cmdline.startswith("sshd: ") and "[listener]" not in self.cmdline


# Written without single quotes: it travels inside them. A process can end while it is looked at.
SCRIPT = """
import json, os
found = []
for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
    try:
        stat = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
        words = open(f"/proc/{pid}/cmdline", "rb").read().decode(errors="replace").replace("\\0", " ").strip()
        cwd = os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        continue
    if words and pid != os.getpid() and int(stat[1]) != os.getpid():
        found.append({"pid": pid, "ppid": int(stat[1]), "start_ticks": int(stat[19]), "cwd": cwd, "cmdline": words})
print(json.dumps(found))
"""

COMMAND = f"python3 -c '{SCRIPT}'"


def parse(listed: str) -> list[Process]:
    """The answer to COMMAND, without what tests themselves have running there."""
    answers: list[dict[str, Any]] = json.loads(listed)
    return [Process(**answer) for answer in answers if not answer["cmdline"].endswith(MARK)]
