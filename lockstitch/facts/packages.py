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
from lockstitch.model.probe import Probe, number

APP = "machine"

# Debian's file, or Red Hat's program.
PENDING = r"""
if [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]; then
    echo pending
    sort -u /run/reboot-required.pkgs 2>/dev/null | sed 's/^/for /'
elif command -v needs-restarting >/dev/null 2>&1; then
    timeout 10 needs-restarting -r >/dev/null 2>&1; case $? in 0) echo settled ;; 1) echo pending ;; esac
elif [ -e /etc/debian_version ]; then echo settled; fi
exit 0
"""
# The boot id is the kernel's. What has no kernel of its own, such as a container, begins anew with its first process.
_BOOT = r"""
first=$(sed 's/.*) //' /proc/1/stat 2>/dev/null | cut -d ' ' -f 20)
echo "boot $(cat /proc/sys/kernel/random/boot_id 2>/dev/null) $first"
echo "system $(systemctl is-system-running 2>/dev/null)"
if ! command -v systemctl >/dev/null; then echo "refused there is no systemctl on this host"
elif [ "$(id -u)" != 0 ] && ! sudo -n -l systemctl reboot >/dev/null 2>&1; then
    echo "refused $(id -un) may not run \`systemctl reboot\` with sudo without a password"
fi
"""
# Simulated, so nothing is locked and nothing changes. An update of the lists leaves its time on the folder.
_PACKAGES = r"""
LC_ALL=C; export LC_ALL
ls_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || { echo "foreign no apt-get"; exit 0; }
if [ -n "$refresh" ]; then
    ls_root env LC_ALL=C apt-get -q -o DPkg::Lock::Timeout=120 update >&2 \
        || { echo "problem apt-get update failed"; exit 0; }
fi
echo "refreshed $(stat -c %Y /var/lib/apt/lists /var/lib/apt/lists/partial /var/lib/apt/periodic/update-success-stamp \
    2>/dev/null | sort -n | tail -n 1)"
said=$(apt-get -s -q -o APT::Get::Show-User-Simulation-Note=false upgrade --with-new-pkgs 2>&1) \
    || { printf 'problem %s\n' "$(printf '%s\n' "$said" | tail -n 1)"; exit 0; }
printf '%s\n' "$said" | grep '^Inst ' || :
printf '%s\n' "$said" | sed -n '/kept back:$/,/^[^ ]/{s/^  *//p;}' | tr ' ' '\n' | sed -n 's/^\(..*\)$/kept \1/p'
"""
_INST = re.compile(r"Inst ([a-z0-9][a-z0-9+.-]*(?::[a-z0-9]+)?)(?: \[([^\]]*)\])? \((\S+) (.*)\)")
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
    identity, system, refused, pending, because = "", "", "", False, []
    for line in text.split("\n"):
        word, _, rest = line.partition(" ")
        match word:
            case "boot":
                identity = rest.strip()
            case "system":
                system = rest
            case "pending":
                pending = True
            case "for":
                because.append(rest)
            case "refused":
                refused = rest
    return Boot(identity, system not in _SETTLING, pending, tuple(because), refused)


def parse_packages(text: str, code: int) -> Packages:
    """The packages from apt's own lines and `word rest` lines."""
    updates, kept, because = [], [], []
    refreshed, pending, problem = None, False, "" if code == 0 else f"exit code {code}"
    for line in text.split("\n"):
        word, _, rest = line.partition(" ")
        match word:
            case "Inst" if found := _INST.match(line):
                updates.append(Update(found[1], found[2] or "", found[3], found[4].rpartition(" [")[0]))
            case "kept":
                kept.append(rest)
            case "refreshed":
                refreshed = number(rest)
            case "pending":
                pending = True
            case "for":
                because.append(rest)
            case "foreign":
                problem = f"it is not Debian-like: {rest}"
            case "problem":
                problem = rest
    return Packages(tuple(updates), refreshed, tuple(kept), pending, tuple(because), problem)


def back_gate(before: str, seconds: float) -> Gate:
    """Whether a host has come back from a reboot: asked until it answers from another boot than `before`."""
    return Gate("back", boot_probe(), partial(judge_back, before=before), interval=2, timeout=15, deadline=seconds)


def judge_back(boot: Boot, before: str) -> Verdict:
    if not boot.identity or boot.identity == before:
        return failed("it has not gone down yet")
    return passed("it is back, with a new boot") if boot.settled else failed("it is back, and still coming up")
