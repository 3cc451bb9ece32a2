"""The server: makes missing keys, then becomes one process a host and serves until it is ended.

A process of its own makes a frozen host true (SIGSTOP); forking after the imports makes it cheap. Where the
sandbox has an owner, one more process waits for the owner's end of a pipe to close, and ends them all then.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import asyncssh

from . import control, processes
from .host import Host
from .place import Place
from .reaper import Reaper


def main() -> None:
    """Serve the named hosts; the launcher reads one line of JSON a host from the ready pipe."""
    place, ready, owner = Place(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
    wanted = dict(word.rsplit(":", 1) for word in sys.argv[4:])
    if owner >= 0:
        if os.fork() == 0:
            os.setsid()
            os.close(ready)
            _outlive(place, owner)
            return
        os.close(owner)
    make_key(place.key)
    for name in wanted:
        make_key(place.host_key(name))
    for name, port in wanted.items():
        if os.fork() == 0:
            os.setsid()
            _become(place, name, int(port), ready)
            return


def make_key(path: Path) -> None:
    """Make an ed25519 key pair unless there is one."""
    if not path.exists():
        key = asyncssh.generate_private_key("ssh-ed25519", comment="lockstitch sandbox")
        path.touch(mode=0o600)
        path.write_bytes(key.export_private_key())
        key.write_public_key(path.with_suffix(".pub"))


def _outlive(place: Place, owner: int) -> None:
    os.read(owner, 1)  # nobody writes: this returns when the last one who could is gone
    processes.end_marked(place.root)
    os._exit(0)


def _become(place: Place, name: str, port: int, ready: int) -> None:
    # A shell that started us in the background made us deaf to INT, and so our sessions.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    asyncssh.set_log_level("WARNING")
    asyncio.run(_serve(place, name, port, ready))
    os._exit(0)  # taking the interpreter down in order would copy the memory shared by the fork


async def _serve(place: Place, name: str, port: int, ready: int) -> None:
    report: dict[str, object] = {"name": name, "pid": os.getpid()}
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    host = Host(place, name, port, Reaper())
    try:
        await host.up()
        await control.listen(place, name, host.do)
        report["port"] = host.port
    except OSError as error:
        report["error"] = error.strerror
        ended.set()
    os.write(ready, json.dumps(report).encode() + b"\n")
    os.close(ready)
    await ended.wait()
    host.down()
    host.drop()


if __name__ == "__main__":
    main()
