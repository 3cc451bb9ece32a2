"""Write the inventory of a sandbox whose hosts serve the demo's API with gunicorn."""

import json
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .apps import Repository
from .fleet import Sandbox
from .place import ADDRESS, HostInfo

HEAD = """\
# The loopback hosts of scripts/demo. Written by it, and not kept in git. JSON is YAML too.
"""


def write_inventory(sandbox: Sandbox, repository: Repository, file: Path) -> None:
    """Write `file`; what an earlier call chose for these hosts stays as it is."""
    ports = _remembered(sandbox.place.root / "http_ports.json", list(sandbox.hosts))
    file.write_text(HEAD + json.dumps(inventory(sandbox, repository, ports), indent=2) + "\n")


def inventory(sandbox: Sandbox, repository: Repository, ports: dict[str, int]) -> dict[str, Any]:
    """The inventory as data: one group of hosts, the API with layout `releases`, one host at a time."""
    place = sandbox.place
    return {
        "ssh": {"known_hosts": [str(place.known_hosts)], "identity_files": [str(place.key)], "user": "deploy"},
        "metrics": {"access": {"kind": "access_log", "path": "access.log"}},
        "groups": {"backend": {"hosts": [_host(h, ports[h.name]) for h in sandbox.hosts.values()], "apps": ["api"]}},
        "apps": {
            "api": {
                "repository": str(repository.path),
                "layout": "releases",
                "path": "api",
                "test": ["python -m pytest -q tests"],
                "service": {
                    "kind": "gunicorn",
                    "pidfile": "api/gunicorn.pid",
                    "python": "python",
                    "start": 'gunicorn --daemon --chdir "$PWD" --pid "$PIDFILE" --error-logfile "$HOME/gunicorn.log"',
                },
                "health": {
                    "url": "http://127.0.0.1/healthz",
                    "expect": {"status": "healthy"},
                    "revision": "revision",
                    "interval": "500ms",
                    "tries": 5,
                },
                "gates": {"errors": {"source": "access", "status": "5xx", "max": "5%"}},
                "min_free": "50M",
                "keep": 3,
            }
        },
        "rollout": {"canary": 1, "batch": "100%"},
    }


def _host(host: HostInfo, port: int) -> dict[str, Any]:
    return {
        "name": host.name,
        "address": host.address,
        "port": host.port,
        "env": {"PORT": str(port)},
        "override": {
            "api": {
                "health": {"url": f"http://{ADDRESS}:{port}/healthz"},
                "logs": [str(host.home / "gunicorn.log")],
            }
        },
    }


def _remembered(file: Path, names: Sequence[str]) -> dict[str, int]:
    """A free port for each name, chosen once: what runs already must be found again."""
    known: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    sockets = []
    for name in names:
        if name not in known:
            probe = socket.create_server((ADDRESS, 0))
            known[name] = probe.getsockname()[1]
            sockets.append(probe)
    for probe in sockets:
        probe.close()
    file.write_text(json.dumps(known))
    return known
