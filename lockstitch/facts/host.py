"""Facts about a host for `fab facts`, and whether it waits for a reboot. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from lockstitch.facts.clock import READ_CLOCK, Clock, parse_clock
from lockstitch.facts.packages import PENDING
from lockstitch.facts.state_files import NEAR
from lockstitch.model.command import Command
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, collect, fields, last, number
from lockstitch.model.shell import shell_text
from lockstitch.model.version import parse_version, shown
from lockstitch.services.systemd_unit import VIRTUAL

_SHOWN = 5
CPUS = r"""
echo "cpus $(nproc 2>/dev/null || grep -c '^processor' /proc/cpuinfo)"
"""


def reboot_probe() -> Probe[str | None]:
    return Probe("reboot", Command(PENDING), parse_reboot)


def parse_reboot(text: str, code: int) -> str | None:
    """Return the packages that wait for a reboot, or a text that they are unknown; empty where no reboot is pending;
    None where the system does not say."""
    said = collect(text)
    if "pending" in said:
        return " ".join(said["for"][:_SHOWN]) or "no word for what"
    return "" if "settled" in said else None


PROGRAMS = ("git", "python3", "node", "php")
_FACTS = shell_text(__package__, "host.sh")


@dataclass(frozen=True)
class FileSystem:
    """A file system, with sizes in bytes."""

    mount: str
    size: int
    free: int


@dataclass(frozen=True)
class HostReport:
    """Facts about a host. Sizes are in bytes, times in seconds; None or empty where the host did not report one."""

    os: str = ""
    kernel: str = ""
    machine: str = ""
    hostname: str = ""
    user: str = ""
    zone: str = ""
    virtual: str = ""
    uptime: int | None = None
    booted: int | None = None
    cpus: int | None = None
    load: tuple[float, ...] = ()
    memory: int | None = None
    available: int | None = None
    swap: int | None = None
    swap_free: int | None = None
    disks: tuple[FileSystem, ...] = ()
    programs: dict[str, str] = field(default_factory=dict)


def fact_probes(paths: Sequence[str]) -> tuple[Probe[Clock], Probe[HostReport], Probe[str | None]]:
    """Return the probe of the clock, which comes first, and the others; `paths` are those whose file systems are
    reported."""
    values = {"paths": "\n".join(dict.fromkeys(["/", *paths])), "programs": " ".join(PROGRAMS)}
    return (
        Probe("clock", Command(READ_CLOCK), parse_clock),
        Probe("facts", Command(VIRTUAL + NEAR + CPUS + _FACTS, values=values), parse_facts),
        reboot_probe(),
    )


def parse_facts(text: str, code: int) -> HostReport:
    """Parse the report from `WORD REST` lines. A value that cannot be read counts as not reported."""
    said = collect(text)
    disks, programs = {}, {}
    for size, free, mount in (fields(line, 3) for line in said["disk"]):
        if (s := _kilobytes(size)) is not None and (f := _kilobytes(free)) is not None:
            disks[mount] = FileSystem(mount, s, f)
    for name, printed in (fields(line, 2) for line in said["program"]):
        version = parse_version(printed)
        programs[name] = shown(version) if version else printed[:40] or "?"

    def words(word: str) -> str:
        return last(said, word).strip()

    uptime, now = number(words("uptime")), number(words("now"))
    return HostReport(
        **{word: words(word) for word in ("os", "kernel", "machine", "hostname", "user", "zone")},
        virtual="" if words("virtual") == "none" else words("virtual"),
        uptime=uptime,
        booted=now - uptime if now is not None and uptime is not None else None,
        cpus=number(words("cpus")),
        load=_load(words("load")),
        memory=_kilobytes(words("MemTotal:")),
        available=_kilobytes(words("MemAvailable:")),
        swap=_kilobytes(words("SwapTotal:")),
        swap_free=_kilobytes(words("SwapFree:")),
        disks=tuple(disks.values()),
        programs=programs,
    )


def _load(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in text.split())
    except ValueError:
        return ()


def _kilobytes(text: str) -> int | None:
    known = number(text)
    return None if known is None else known * 1024
