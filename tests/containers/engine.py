"""Make a Docker engine available to the tests: use the one that answers, else install and start one."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import asdict

import docker
from docker.errors import DockerException

from tests.containers import dockerd, install, watches
from tests.containers.dockerd import LOG, Daemon
from tests.containers.install import EngineError
from tests.containers.local import STATE, exclusive

RECORD = STATE / "engine.json"


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
        program = install.ensure()
        if answers():
            return None
        daemon = dockerd.spawn(program)
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
