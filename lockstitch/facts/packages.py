"""VALUES and pure: a host itself, apart from its apps: since which boot it runs, and which of its packages are old."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial

from lockstitch.model.command import Command
from lockstitch.model.gate import Gate, Verdict, failed, passed
from lockstitch.model.layout import layout
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Site
from lockstitch.model.probe import Probe, collect, last, number
from lockstitch.model.shell import shell_text

APP = "machine"

PENDING = shell_text(__package__, "reboot_pending.sh")
_BOOT = shell_text(__package__, "boot.sh")
_PACKAGES = shell_text(__package__, "packages.sh")
_INST = re.compile(r"([a-z0-9][a-z0-9+.-]*(?::[a-z0-9]+)?)(?: \[([^\]]*)\])? \((\S+) (.*)\)")
_SETTLING = ("initializing", "starting", "stopping")


@dataclass(frozen=True)
class Boot:
    """Since which boot a host runs. `settled`: it is neither still coming up nor going down. `refused`: why it may not
    be rebooted by who logs in."""

    identity: str = ""
    settled: bool = True
    pending: bool = False
    because: tuple[str, ...] = ()
    refused: str = ""


@dataclass(frozen=True)
class Update:
    """A package that is to be upgraded; `old` is empty for one that comes in with another."""

    name: str
    old: str
    new: str
    origin: str

    @property
    def security(self) -> bool:
        return "security" in self.origin.lower()

    def __str__(self) -> str:
        return f"{self.name} {self.old or 'new'} -> {self.new}"


@dataclass(frozen=True)
class Packages:
    """What apt would upgrade on a host. `refreshed` is when its lists were, in seconds since the epoch; `kept` are
    packages it keeps back; `problem` says why nothing is known."""

    updates: tuple[Update, ...] = ()
    refreshed: int | None = None
    kept: tuple[str, ...] = ()
    pending: bool = False
    because: tuple[str, ...] = ()
    problem: str = ""

    def chosen(self, *, security: bool, only: Iterable[str]) -> tuple[Update, ...]:
        """Those that are meant: security's alone, or of these names; otherwise all."""
        names = set(only)
        meant = (u for u in self.updates if not names or u.name in names or u.name.partition(":")[0] in names)
        return tuple(update for update in meant if update.security or not security)


def machine(host: str) -> Site:
    """A host itself as a site: its lock and journal are in `~/.lockstitch/machine` of who logs in."""
    return Site(host, APP, layout("in_place", APP), machine=True)


def boot_probe() -> Probe[Boot]:
    return Probe("boot", Command(_BOOT + PENDING), parse_boot)


def packages_probe(*, refresh: bool = False) -> Probe[Packages]:
    values = {"refresh": "yes" if refresh else ""}
    return Probe("packages", Command(_PACKAGES + PENDING, values=values), parse_packages)


def parse_boot(text: str, code: int) -> Boot:
    """The boot from `word rest` lines."""
    said = collect(text)
    settled = last(said, "system") not in _SETTLING
    because = tuple(said["for"])
    return Boot(last(said, "boot").strip(), settled, "pending" in said, because, last(said, "refused"))


def parse_packages(text: str, code: int) -> Packages:
    """The packages from apt's own lines and `word rest` lines."""
    said = collect(text)
    matches = [match for line in said["Inst"] if (match := _INST.match(line))]
    foreign = f"it is not Debian-like: {last(said, 'foreign')}" if said["foreign"] else ""
    return Packages(
        tuple(Update(m[1], m[2] or "", m[3], m[4].rpartition(" [")[0]) for m in matches),
        number(last(said, "refreshed")),
        tuple(said["kept"]),
        "pending" in said,
        tuple(said["for"]),
        last(said, "problem") or foreign or (f"exit code {code}" if code else ""),
    )


def back_gate(before: str, seconds: float) -> Gate:
    """Whether a host has come back from a reboot: asked until it answers from another boot than `before`."""
    return Gate("back", boot_probe(), partial(judge_back, before=before), interval=2, timeout=15, deadline=seconds)


def judge_back(boot: Boot, before: str) -> Verdict:
    if not boot.identity or boot.identity == before:
        return failed("it has not gone down yet")
    return passed("it is back, with a new boot") if boot.settled else failed("it is back, and still coming up")
