"""Facts about a host itself, apart from its apps: its current boot, and its packages that have updates. Pure."""

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
    """The current boot of a host. `settled`: it is neither starting nor stopping. `refused`: why the login user may not
    reboot it."""

    identity: str = ""
    settled: bool = True
    pending: bool = False
    because: tuple[str, ...] = ()
    refused: str = ""


@dataclass(frozen=True)
class Update:
    """A package to be upgraded; `old` is empty for a new package that another one needs."""

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
    """The updates that apt would install on a host. `refreshed` is the time of its package lists, in seconds since the
    epoch; `kept` are the packages it keeps back; `problem` says why nothing is known."""

    updates: tuple[Update, ...] = ()
    refreshed: int | None = None
    kept: tuple[str, ...] = ()
    pending: bool = False
    because: tuple[str, ...] = ()
    problem: str = ""

    def chosen(self, *, security: bool, only: Iterable[str]) -> tuple[Update, ...]:
        """Return the updates of these names, or all; with `security`, only those from a security archive."""
        names = set(only)
        meant = (u for u in self.updates if not names or u.name in names or u.name.partition(":")[0] in names)
        return tuple(update for update in meant if update.security or not security)


def machine(host: str) -> Site:
    """Return the site of a host itself: its lock and journal are in `~/.lockstitch/machine` of the login user."""
    return Site(host, APP, layout("in_place", APP), machine=True)


def boot_probe() -> Probe[Boot]:
    return Probe("boot", Command(_BOOT + PENDING), parse_boot)


def packages_probe(*, refresh: bool = False) -> Probe[Packages]:
    values = {"refresh": "yes" if refresh else ""}
    return Probe("packages", Command(_PACKAGES + PENDING, values=values), parse_packages)


def parse_boot(text: str, code: int) -> Boot:
    """Parse the boot from `WORD REST` lines."""
    said = collect(text)
    settled = last(said, "system") not in _SETTLING
    because = tuple(said["for"])
    return Boot(last(said, "boot").strip(), settled, "pending" in said, because, last(said, "refused"))


def parse_packages(text: str, code: int) -> Packages:
    """Parse the packages from apt's own lines and `WORD REST` lines."""
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


def reboot_gate(before: str, seconds: float) -> Gate:
    """Return the gate that passes when the host answers from another boot than `before`, within so many seconds."""
    return Gate("back", boot_probe(), partial(judge_new_boot, before=before), interval=2, timeout=15, deadline=seconds)


def judge_new_boot(boot: Boot, before: str) -> Verdict:
    if not boot.identity or boot.identity == before:
        return failed("it has not gone down yet")
    return passed("it is back, with a new boot") if boot.settled else failed("it is back, and still coming up")
