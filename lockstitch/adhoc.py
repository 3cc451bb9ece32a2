"""EFFECT: one command on many hosts at once; every host finishes, successes and failures are both kept."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from lockstitch.command import Command
from lockstitch.errors import ExitCode, LockstitchError
from lockstitch.host import Host
from lockstitch.plan import Script, Step
from lockstitch.remote import Observer, Remote

_DAY = 86400.0


def everywhere(
    remote: Remote, hosts: Sequence[Host], command: str, observe: Observer
) -> dict[str, tuple[ExitCode, str]]:
    """Run a shell line on each host; for each by name, the code it counts as and how it ended in words."""
    errors = remote.connect(hosts)
    script = Script((Step("run", "", Command(command), timeout=_DAY),))

    def one(host: Host) -> tuple[ExitCode, str]:
        if host.name in errors:
            return ExitCode.UNREACHABLE, errors[host.name].message
        try:
            (result,) = remote.run(host, script, observe)
        except LockstitchError as error:
            return error.exit_code, error.message
        return (ExitCode.DONE, "ok") if result.ok else (ExitCode.CHECK_SAID_NO, f"exit code {result.code}")

    pool = ThreadPoolExecutor(max_workers=max(1, min(32, len(hosts))))
    try:
        return dict(zip([host.name for host in hosts], pool.map(one, hosts), strict=True))
    except KeyboardInterrupt:
        remote.interrupt()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
