"""Shared environment files of both sample apps: on each host, and read by the unit of gunicorn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.containers import truth
from tests.containers.fleet import Fleet
from tests.containers.machine import Machine
from tests.containers.project import PATHS, Project

_DROP_IN = "/etc/systemd/system/gunicorn.service.d/shared-env.conf"


@contextmanager
def shared_env(project: Project, fleet: Fleet, text: str) -> Iterator[None]:
    """Write the file of each host, share it between releases, and let gunicorn's unit read it until the end."""
    for name, app in truth.APP_OF.items():
        project.app(app)["shared"] = [".env"]
        shared = f"{PATHS[app]}/shared"
        fleet[name].check(f"mkdir -p {shared}; chown deploy:deploy {PATHS[app]} {shared}")
        fleet[name].put(f"{shared}/.env", text.encode(), mode=0o640)
        fleet[name].check(f"chown deploy:deploy {shared}/.env")
    for machine in fleet.backends:
        machine.check(f"mkdir -p {_DROP_IN.rpartition('/')[0]}")
        machine.put(_DROP_IN, f"[Service]\nEnvironmentFile=-{PATHS['api']}/shared/.env\n".encode())
        machine.check("systemctl daemon-reload")
    yield
    for machine in fleet.backends:
        machine.check(f"rm -f {_DROP_IN}; systemctl daemon-reload")


def file_of(machine: Machine, app: str) -> str:
    """Return the environment file of an app, whose owner and mode are as they were."""
    path = f"{PATHS[app]}/shared/.env"
    assert machine.check(f"stat -c '%U:%G %a' {path}").strip() == "deploy:deploy 640"
    return machine.read(path).decode()
