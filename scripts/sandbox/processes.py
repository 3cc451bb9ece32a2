"""Find and end the processes of a sandbox, and no others, through /proc."""

import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from .errors import SandboxError

SERVER_MARK = "LOCKSTITCH_SANDBOX_SERVER"
SESSION_MARK = "LOCKSTITCH_SANDBOX"


def marked(mark: str, root: Path) -> set[int]:
    """The live processes of this user whose environment carries the mark of the sandbox at root."""
    wanted = os.fsencode(f"{mark}={root}")
    return {pid for pid in _alive() if wanted in _environment(pid)}


def descendants(ancestors: Iterable[int]) -> set[int]:
    """The live children of the ancestors, their children, and so on."""
    parents = {pid: stat[1] for pid in _all() if (stat := _stat(pid))}
    found: set[int] = set()
    generation = set(ancestors)
    while generation:
        generation = {pid for pid, parent in parents.items() if parent in generation} - found
        found |= generation
    return found


def state(pid: int) -> str:
    """The kernel's letter for what a process does (R, S, T…), or nothing if it has ended."""
    stat = _stat(pid)
    return stat[0] if stat else ""


def end(find: Callable[[], set[int]], patience: float = 5.0) -> None:
    """Ask what find() names to terminate, then kill what is left, until it names nothing."""
    _signal_and_wait(find(), signal.SIGTERM, patience)
    for _ in range(10):
        left = find()
        if not left:
            return
        _signal_and_wait(left, signal.SIGKILL, patience)
    raise SandboxError(f"these processes do not end: {sorted(find())}")


def end_marked(root: Path) -> None:
    """End what the sessions of the sandbox at root started, then its servers, and never the process that calls this."""

    def of_sessions() -> set[int]:
        servers = marked(SERVER_MARK, root)
        return (marked(SESSION_MARK, root) | descendants(servers)) - servers

    # While the servers live they are the parents of every daemon. Afterwards a daemon that
    # has overwritten its environment could no longer be told from a stranger's.
    end(of_sessions)
    end(lambda: marked(SERVER_MARK, root))
    end(lambda: marked(SESSION_MARK, root))


def _signal_and_wait(pids: set[int], number: signal.Signals, patience: float) -> None:
    # A pidfd stands for the process, not for its number: the wrong one is never hit.
    with ExitStack() as stack:
        poll = select.poll()
        waiting = set()
        for pid in pids:
            try:
                fd = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            stack.callback(os.close, fd)
            _send(fd, number)
            _send(fd, signal.SIGCONT)
            poll.register(fd, select.POLLIN)
            waiting.add(fd)
        until = time.monotonic() + patience
        while waiting and (left := until - time.monotonic()) > 0:
            for fd, _event in poll.poll(left * 1000):
                poll.unregister(fd)
                waiting.discard(fd)


def _send(pidfd: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        signal.pidfd_send_signal(pidfd, number)


def _all() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _alive() -> Iterator[int]:
    for pid in _all():
        try:
            mine = os.stat(f"/proc/{pid}").st_uid == os.getuid()
        except OSError:
            continue
        if mine and pid != os.getpid() and state(pid):
            yield pid


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _stat(pid: int) -> tuple[str, int] | None:
    # Every process of the machine is asked, again and again: a file object costs three times the answer.
    try:
        file = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return None
    try:
        text = os.read(file, 4096)
    except OSError:
        return None
    finally:
        os.close(file)
    letter, parent = text.rpartition(b")")[2].split(None, 2)[:2]
    # What nobody has waited for yet is still listed.
    return None if letter in b"ZX" else (letter.decode(), int(parent))
