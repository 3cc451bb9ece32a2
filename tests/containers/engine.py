"""Make a Docker engine available to the tests: use the one that answers, else install and start one."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict

import docker
from docker.errors import DockerException

from tests.containers import dockerd, watches
from tests.containers.dockerd import LOG, Daemon, EngineError
from tests.containers.local import STATE, exclusive

RECORD = STATE / "engine.json"
PACKAGES = ["docker.io", "iptables"]


def answers() -> bool:
    """Whether an engine answers at the address the environment gives."""
    try:
        client = docker.from_env(timeout=10)
    except DockerException:
        return False
    with contextlib.closing(client):
        try:
            return bool(client.ping())
        except (DockerException, OSError):
            return False


def start() -> Daemon | None:
    """Make an engine answer; the daemon that had to be started for it, or None when one answered already."""
    with exclusive("engine"):
        if answers():
            return None
        _require_a_machine_we_may_change()
        if shutil.which("dockerd") is None:
            _install()
            if answers():
                return None
        daemon = dockerd.spawn(_path())
        RECORD.write_text(json.dumps(asdict(daemon)))
        if not answers():
            raise EngineError(f"dockerd was started but does not answer; its log is {LOG}")
        watches.raise_limit()
        return daemon


def stop() -> bool:
    """Stop the daemon that an earlier `start` recorded; False when there is none of ours."""
    with exclusive("engine"):
        if not RECORD.exists():
            return False
        recorded = Daemon(**json.loads(RECORD.read_text()))
        RECORD.unlink()
        watches.restore_limit()
        return dockerd.end(recorded)


def _require_a_machine_we_may_change() -> None:
    if os.environ.get("DOCKER_HOST"):
        raise EngineError("DOCKER_HOST is set but no engine answers there")
    if os.geteuid() != 0:
        raise EngineError("no Docker engine answers, and only root can start one here")
    if shutil.which("dockerd") is None and shutil.which("apt-get") is None:
        raise EngineError("no Docker engine answers, and dockerd can be installed here on Debian or Ubuntu only")


def _path() -> str:
    found = shutil.which("dockerd")
    if found is None:
        raise EngineError("dockerd is not on the PATH, although docker.io was installed")
    return found


def _install() -> None:
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *PACKAGES]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (install, ["apt-get", "update", "-q"], install):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if command is install and done.returncode == 0:
            return
    raise EngineError(f"apt-get could not install {' '.join(PACKAGES)}: {done.stderr.strip()[-500:]}")


def main(arguments: list[str]) -> int:
    """`start` or `stop`, for a person at a shell."""
    if arguments == ["start"]:
        daemon = start()
        print(f"started dockerd {daemon.pid}, log {LOG}" if daemon else "an engine answers already")
    elif arguments == ["stop"]:
        print("stopped" if stop() else "no engine of ours is running")
    else:
        print("usage: python -m tests.containers.engine start|stop", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
