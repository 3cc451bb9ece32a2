"""Things that are late: follow-ups, duties, and what a fleet shows by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from lockstitch.databases.backup import BackupDirectoryFacts
from lockstitch.facts.follow_ups import FollowUp, moment
from lockstitch.facts.history import HistoryFacts
from lockstitch.flags.base import Flag, number_in
from lockstitch.inventory.types import Period
from lockstitch.model.finding import Finding
from lockstitch.model.format import span
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.lock import LockInfo
from lockstitch.model.plan import Site

_DAYS: Mapping[Period, int] = {"daily": 1, "weekly": 7, "monthly": 31, "quarterly": 92, "yearly": 366}
PERIODS: Mapping[str, timedelta] = {name: timedelta(days=days) for name, days in _DAYS.items()}
# Tasks of which hosts keep a record, and what it calls them.
_TASKS = {
    "backup": "backup",
    "backup.prove": "prove",
    "backup.prune": "prune",
    "backup.verify": "verify",
    "database.analyze": "analyze",
    "deploy": "deploy",
    "disk.clean": "clean",
    "measure": "measure",
    "packages.upgrade": "upgrade",
    "reboot": "reboot",
    "rollback": "rollback",
    "service.restart": "restart",
}
_PROOF = timedelta(days=7)
# A lock is held by a run that goes on, and a flag on its way, for less than this.
_LEFT = timedelta(days=1)


@dataclass(frozen=True)
class DueItem:
    """A thing that is late: of which kind, about what, why, who does it where that is known, and the command for it."""

    kind: str
    about: str
    says: str
    owner: str = ""
    command: str = ""


def late_follow_ups(known: Iterable[FollowUp], now: datetime, on: str) -> Iterator[DueItem]:
    """Return the follow-ups that should be done by now; `on` is the beginning of a command, `fab -H ENV`."""
    for each in sorted(known, key=lambda each: each.due):
        if each.late(now):
            says = f"{each.text}: due {_ago(each.due, now)}"
            yield DueItem("follow-up", f"run {each.run}", says, each.owner, f"{on} follow.done {each.id}")


def late_duties(
    duties: Mapping[str, str], ended: Mapping[str, str], journals: Iterable[HistoryFacts], now: datetime, on: str
) -> Iterator[DueItem]:
    """Return the duties whose period is over. One that is a task of which hosts keep a record was done when that says
    so, any other when `ended` has its name: by `follow.done`, or as a task that was typed."""
    kinds: dict[str, str] = {}
    for entry in (entry for facts in journals for entry in facts.entries):
        if entry.result == "done":
            kinds[entry.kind] = max(entry.at, kinds.get(entry.kind, ""))
    for name, period in duties.items():
        last = max(ended.get(name, ""), kinds.get(_TASKS.get(name, ""), ""))
        at = moment(last)
        if at is None or now - at > PERIODS[period]:
            says = f"{period}, last done {_ago(last, now)}" if last else f"{period}, never done as far as is recorded"
            task = name if name in (*_TASKS, "check") else f"follow.done {name}"
            yield DueItem("duty", name, says, "", f"{on} {task}")


def unproven_backups(vaults: Mapping[str, BackupDirectoryFacts], now: datetime, on: str) -> Iterator[DueItem]:
    """Return the databases of which no good backup was proven for a week."""
    for name, vault in vaults.items():
        good = [backup for backup in vault.backups if backup.good]
        last = max((backup.proven for backup in good), default="")
        at = moment(last)
        if at is None or now - at > _PROOF:
            says = f"proven {_ago(last, now)}" if last else "never proven" if good else "there is no good one"
            yield DueItem("backup", name, says, "", f"{on} backup{'.prove' if good else ''} {name}")


def left_locks(locks: Mapping[Site, LockInfo | None], now: datetime, on: str) -> Iterator[DueItem]:
    """Return the locks that are held for longer than any run takes."""
    for site, info in locks.items():
        at = moment(info.at) if info else None
        if info is not None and (at is None or now - at > _LEFT):
            yield DueItem("lock", str(site), f"held by {info}", info.by, f"{on} lock.show")


def left_flag(
    site: Site, name: str, flag: Flag, value: str | None, changed: str, now: datetime, on: str
) -> DueItem | None:
    """Return a flag that stands between its first and its last step, and was `changed` more than a day ago, or at no
    time that is recorded; None for any other."""
    steps = [step.to for step in flag.steps]
    if len(steps) < 2 or value is None:
        return None
    now_at, top = number_in(value), number_in(steps[-1])
    between = 0 < now_at < top if now_at is not None and top is not None else value in steps[1:-1]
    at = moment(changed)
    if not between or (at is not None and now - at <= _LEFT):
        return None
    since = f"since {_ago(changed, now)}" if changed else "since nobody knows when"
    return DueItem("flag", f"{name} of {site}", f"it stands at {value} of {steps[-1]} {since}", "", f"{on} flag.status")


def skipped_checks(journals: Mapping[Site, HistoryFacts], on: str) -> Iterator[DueItem]:
    """Return the checks that the release of each app that serves was made without, by the record of its deploy."""
    seen: set[tuple[str, str]] = set()
    for site, facts in journals.items():
        good = [entry for entry in facts.entries if entry.verdict == "good"]
        made = [entry for entry in good if entry.kind == "deploy" and entry.release == good[-1].release]
        waived = facts.heads.get(made[-1].run, {}).get("waived", "") if made else ""
        if waived and (made[-1].run, site.app) not in seen:
            seen.add((made[-1].run, site.app))
            yield DueItem("skipped check", f"run {made[-1].run}", f"{site.app}: {waived}", made[-1].by, f"{on} check")


def ending_certificates(read: Sequence[tuple[str, str, Finding]], on: str) -> Iterator[DueItem]:
    """Return what the checks of certificates say, as (host, app, finding), where they do not pass."""
    for host, app, finding in read:
        if finding.check == "tls" and finding.level in ("warn", "fail"):
            yield DueItem("certificate", f"{app}@{host}" if app else host, finding.says, "", f"{on} check")


def _ago(at: str, now: datetime) -> str:
    known = moment(at)
    if known is None or known == datetime.min.replace(tzinfo=UTC):
        return f"at a time that cannot be read ({at[:40]})"
    return f"{span((now - known).total_seconds())} ago"
