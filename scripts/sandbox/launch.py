"""Start the servers of a sandbox, and end them with everything their sessions left behind."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import IO, Any

from . import control, processes
from .errors import SandboxError
from .place import HostInfo, Place
from .processes import SERVER_MARK, marked

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE = 60.0

Report = dict[str, Any]


def launch(place: Place, names: Iterable[str], owner: int = -1) -> dict[str, HostInfo]:
    """Start the named hosts that do not run; return all known hosts once they accept.

    All of the sandbox ends when nobody holds the other end of the pipe `owner` any more, where one is given.
    """
    _check_machine()
    hosts = place.hosts()
    running = marked(SERVER_MARK, place.root)
    missing = [name for name in names if name not in hosts or hosts[name].pid not in running]
    if missing:
        ports = {name: hosts[name].port if name in hosts else 0 for name in missing}
        reports = {report["name"]: report for report in _reports(place, ports, owner)}
        for name in missing:
            if "port" in (report := reports.get(name, {})):
                hosts[name] = HostInfo(name, report["port"], place.home(name), report["pid"])
        place.remember(hosts)
        _check_reports(place, missing, reports)
    return hosts


def _check_machine() -> None:
    if not Path("/proc/self/environ").exists():
        raise SandboxError("the sandbox needs Linux and /proc", "run it in a container or a VM")
    if not find_spec("asyncssh"):
        raise SandboxError("the sandbox needs asyncssh", "pip install -e '.[sandbox]'")


def _check_reports(place: Place, names: list[str], reports: Mapping[str, Report]) -> None:
    for name in names:
        if name not in reports:
            raise SandboxError(f"{name} did not start", f"read {place.log}")
        if "error" in reports[name]:
            hint = f"to choose new ports, stop the sandbox and delete {place.state}"
            raise SandboxError(f"{name} cannot start: {reports[name]['error']}", hint)


def _reports(place: Place, ports: Mapping[str, int], owner: int) -> list[Report]:
    reader, writer = os.pipe()
    with place.log.open("ab") as log, os.fdopen(reader, "rb", buffering=0) as pipe:
        server = _spawn(place, ports, writer, owner, log)
        os.close(writer)
        said, until = b"", monotonic() + PATIENCE
        while select.select([pipe], [], [], max(0.0, until - monotonic()))[0]:
            if not (data := pipe.read(65536)):
                break
            said += data
        server.wait()
    return [json.loads(line) for line in said.splitlines()]


def _spawn(place: Place, ports: Mapping[str, int], ready: int, owner: int, log: IO[bytes]) -> "subprocess.Popen[bytes]":
    words = [f"{name}:{port}" for name, port in ports.items()]
    return subprocess.Popen(
        [sys.executable, "-m", f"{__package__}.server", str(place.root), str(ready), str(owner), *words],
        cwd=REPOSITORY,
        env=os.environ | {SERVER_MARK: str(place.root)},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=[ready, owner] if owner >= 0 else [ready],
        start_new_session=True,
    )


def end_all(place: Place) -> None:
    """End the sandbox: first what its sessions started, then its servers."""
    servers = marked(SERVER_MARK, place.root)
    for host in place.hosts().values():
        if host.pid in servers:
            _close(place, host)
    processes.end_marked(place.root)


def _close(place: Place, host: HostInfo) -> None:
    os.kill(host.pid, signal.SIGCONT)
    with suppress(SandboxError):
        for action in ("down", "drop"):
            control.ask(place, host.name, action, timeout=2)
