"""Checks of a host's disks, memory, load, clock, pending reboot, and the versions of its programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from lockstitch.checks.check import Check, failed, finding, level, passed, unknown
from lockstitch.facts.clock import READ_CLOCK, Clock, offset_text, parse_clock
from lockstitch.facts.host import CPUS, reboot_probe
from lockstitch.facts.state_files import NEAR
from lockstitch.facts.tools import NOT_FOUND, ToolSearch, parse_search
from lockstitch.inventory.checks import ClockChecks, DiskChecks, LoadChecks, MemoryChecks
from lockstitch.model.command import Command, Value
from lockstitch.model.finding import Finding, Level
from lockstitch.model.format import sized
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.probe import Probe, collect, fields, last, number
from lockstitch.model.shell import shell_text
from lockstitch.model.version import parse_version, shown, within

# The kinds of time that every kernel since 2.6.11 tells first.
_KINDS = 8
_DISK = shell_text(__package__, "disk.sh")
_TOOLS = NOT_FOUND + shell_text(__package__, "tools.sh")
_MEMORY = "awk '/^(MemTotal|MemAvailable):/ { print $1, $2 }' /proc/meminfo"
_LOAD = shell_text(__package__, "load.sh")


@dataclass(frozen=True)
class Used:
    """Usage of a file system: the used part in percent, and what is free, in KiB or inodes."""

    what: str
    percent: int
    free: int
    mount: str


def disk(limits: DiskChecks, paths: Sequence[str]) -> Check:
    """Return the check of space and inodes on the file systems of these paths."""
    values = {"paths": "\n".join(dict.fromkeys(paths))}
    return Check("disk", Probe("disk", Command(NEAR + _DISK, values=values), parse_disk), partial(judge_disk, limits))


def parse_disk(text: str, code: int) -> tuple[Used, ...]:
    """Parse each file system once, its space before its inodes. A file system without inodes of its own (btrfs) prints
    `-`, and is left out."""
    said = collect(text)
    by_mount: dict[str, dict[str, Used]] = {}
    for what in ("space", "inodes"):
        for part, free, mount in (fields(line, 3) for line in said[what]):
            if (percent := number(part.rstrip("%"))) is not None:
                by_mount.setdefault(mount, {})[what] = Used(what, percent, number(free) or 0, mount)
    return tuple(used for kinds in by_mount.values() for used in kinds.values())


def judge_disk(limits: DiskChecks, used: Sequence[Used]) -> Iterator[Finding]:
    for usage in used:
        rest = sized(usage.free << 10) if usage.what == "space" else str(usage.free)
        says = f"{usage.mount}: {usage.percent} % of the {usage.what} used, {rest} left; fails from {limits.fail} % on"
        hint = f"see what is large there: du -xh {usage.mount} | sort -h | tail"
        yield finding("disk", level(usage.percent, limits.warn, limits.fail), says, hint)
    if not used:
        yield unknown("disk", "df tells nothing of it", "look there: df -P")


def memory(limits: MemoryChecks) -> Check:
    return Check("memory", Probe("memory", Command(_MEMORY), parse_memory), partial(judge_memory, limits))


def parse_memory(text: str, code: int) -> tuple[int, int] | None:
    """Parse the total and the available memory, in bytes."""
    said = collect(text)
    total, available = (number(last(said, word)) for word in ("MemTotal:", "MemAvailable:"))
    return (total * 1024, available * 1024) if total and available is not None else None


def judge_memory(limits: MemoryChecks, usage: tuple[int, int] | None) -> Iterator[Finding]:
    if usage is None:
        yield unknown("memory", "the kernel does not tell what is available", "look there: cat /proc/meminfo")
        return
    total, available = usage
    percent = round(100 * (1 - min(available, total) / total))
    says = f"{percent} % of {sized(total)} in use, {sized(available)} available; fails from {limits.fail} % on"
    hint = "see what uses it: ps -eo rss,pid,args | sort -n | tail"
    yield finding("memory", level(percent, limits.warn, limits.fail), says, hint)


def load(limits: LoadChecks) -> Check:
    return Check("load", Probe("load", Command(_LOAD + CPUS), parse_load), partial(judge_load, limits))


@dataclass(frozen=True)
class CpuUse:
    """The load of five minutes and the number of CPUs; and of their time just now the parts in percent that were at
    work, that waited for disks, and that the hypervisor gave to others. None where the kernel does not tell."""

    load: float
    cpus: int
    busy: int | None = None
    waiting: int = 0
    stolen: int = 0


def parse_load(text: str, code: int) -> CpuUse | None:
    """Parse the load and the use of the CPUs."""
    said = collect(text)
    cpus = number(last(said, "cpus"))
    try:
        measured = CpuUse(float(last(said, "load")), cpus) if cpus else None
    except ValueError:
        return None
    # user, nice, system, idle, iowait, irq, softirq, steal; what guests use is in user and nice.
    before, after = ([int(word) for word in last(said, key).split()[1:9] if word.isdigit()] for key in ("from", "to"))
    if measured is None or not len(before) == len(after) == _KINDS:
        return measured
    spent = [max(0, new - old) for old, new in zip(before, after, strict=True)]
    if not sum(spent):
        return measured
    idle, waiting, stolen = (round(100 * spent[kind] / sum(spent)) for kind in (3, 4, 7))
    return replace(measured, busy=max(0, 100 - idle - waiting), waiting=waiting, stolen=stolen)


def judge_load(limits: LoadChecks, measured: CpuUse | None) -> Iterator[Finding]:
    if measured is None:
        yield unknown("load", "the kernel does not tell it", "look there: cat /proc/loadavg")
        return
    each = measured.load / measured.cpus
    parts = [("waiting for disks", measured.waiting), ("taken by the hypervisor", measured.stolen)]
    more = "".join(f", {percent} % {what}" for what, percent in parts if percent)
    now = "" if measured.busy is None else f"; now {measured.busy} % busy{more}"
    says = f"{measured.load:.2f} for {measured.cpus} CPUs, {each:.2f} each{now}; fails from {limits.fail:g} each on"
    yield finding("load", level(each, limits.warn, limits.fail), says, "see what is busy: top -bn1 | head -n 20")


def reboot(pending: Level) -> Check:
    """Return the check for a pending reboot; `pending` is its level."""
    return Check("reboot", reboot_probe(), partial(judge_reboot, pending))


def judge_reboot(pending: Level, packages: str | None) -> Iterator[Finding]:
    if packages is None:
        yield unknown("reboot", "this system does not tell whether a reboot is pending", "compare uname -r with /boot")
    elif packages:
        hint = "when its users can spare it: fab -H ENV reboot --only-pending"
        yield finding("reboot", pending, f"a reboot is pending ({packages.strip()})", hint)
    else:
        yield passed("reboot", "none is pending")


_KEEP_TIME = "let it keep time: timedatectl set-ntp true, or chronyc makestep"


def clock(limits: ClockChecks) -> Check:
    """Return the check of the host's clock against the controller's."""
    return Check("clock", Probe("clock", Command(READ_CLOCK), parse_clock), partial(judge_clock, limits))


def judge_clock(limits: ClockChecks, clock: Clock) -> Iterator[Finding]:
    """Judge the offset by the part of it that is certain: an uncertain one never fails."""
    if clock.offset is None:
        yield unknown("clock", "the host does not tell its time", "look there: date")
        return
    offset, unsure = clock.offset
    says = f"{offset_text(offset, unsure)}; fails beyond {limits.fail:g} s"
    if abs(offset) - unsure > limits.fail:
        yield failed("clock", says, _KEEP_TIME)
    elif abs(offset) - unsure > limits.warn:
        yield unknown("clock", says, _KEEP_TIME)
    elif abs(offset) + unsure > max(limits.fail, 2 * limits.warn):
        yield unknown("clock", f"{says}: the answer took too long to tell", "ask again, when the way to it is quicker")
    else:
        yield passed("clock", says)


def tools(versions: Mapping[str, str], current: str = "", env: Mapping[str, Value] | None = None) -> Check:
    """Return the check that each program exists and is within its range of versions."""
    values = {"tools": " ".join(versions), "current": current}
    return Check(
        "tools",
        Probe("tools", Command(_TOOLS, values=values, env=env or {}), parse_tools),
        partial(judge_tools, versions),
    )


@dataclass(frozen=True)
class ToolVersions:
    """The version that each program prints, None for one that is not found, and where it was looked for."""

    printed: Mapping[str, str | None]
    search: ToolSearch


def parse_tools(text: str, code: int) -> ToolVersions:
    """Parse the versions of programs."""
    said = collect(text)
    versions = {tool: version.strip() for tool, version in (fields(line, 2) for line in said["tool"])}
    return ToolVersions({**dict.fromkeys(said["missing"]), **versions}, parse_search(said))


def judge_tools(ranges: Mapping[str, str], answer: ToolVersions) -> Iterator[Finding]:
    """Yield a finding for each program."""
    for tool, versions in ranges.items():
        if tool not in answer.printed:
            yield unknown("tools", f"{tool}: the host did not tell", f"look there: command -v {tool}")
        elif (said := answer.printed[tool]) is None:
            says = f"{tool} is not found{answer.search.words(tool)}"
            yield failed("tools", says, answer.search.hint(tool, _range(versions)))
        elif versions == "*":
            yield passed("tools", f"{tool} is there")
        elif (version := parse_version(said)) is None:
            yield unknown("tools", f"{tool} does not tell its version: {said[:80]!r}", f"look there: {tool} --version")
        elif within(version, versions):
            yield passed("tools", f"{tool} is {shown(version)}, within {versions}")
        else:
            yield failed("tools", f"{tool} is {shown(version)}, wanted is {versions}", f"install {tool} {versions}")


def _range(versions: str) -> str:
    return "" if versions == "*" else f" {versions}"
