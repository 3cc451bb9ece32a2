"""Install a Docker engine where there is none: with apt, as root. It needs no package from PyPI.

`scripts/test` does it while .venv is made: `python3 -m tests.containers.install`. What cannot be done is told by
`tests.containers.engine`, which tries again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

from tests.containers.local import exclusive

PACKAGES = ["docker.io", "iptables"]
SOCKET = Path("/var/run/docker.sock")


class EngineError(RuntimeError):
    """No Docker engine answers and none can be started: the message says what is missing."""


def ensure() -> str:
    """Install dockerd unless it is there; its path. EngineError where this machine is not to be changed, or cannot be."""
    with exclusive("engine-packages"):
        _require_a_machine_we_may_change()
        if shutil.which("dockerd") is None:
            _install()
    found = shutil.which("dockerd")
    if found is None:
        raise EngineError("dockerd is not on the PATH, although docker.io was installed")
    return found


def _require_a_machine_we_may_change() -> None:
    if os.environ.get("DOCKER_HOST"):
        raise EngineError("DOCKER_HOST is set but no engine answers there")
    if os.geteuid() != 0:
        raise EngineError("no Docker engine answers, and only root can start one here")
    if shutil.which("dockerd") is None and shutil.which("apt-get") is None:
        raise EngineError("no Docker engine answers, and dockerd can be installed here on Debian or Ubuntu only")


def _install() -> None:
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *PACKAGES]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (install, ["apt-get", "update", "-q"], install):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if command is install and done.returncode == 0:
            return
    raise EngineError(f"apt-get could not install {' '.join(PACKAGES)}: {done.stderr.strip()[-500:]}")


if __name__ == "__main__" and not SOCKET.exists():
    # A dpkg that is cut off leaves the machine's packages half done: whoever interrupts waits for its end.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with contextlib.suppress(EngineError):
        ensure()
