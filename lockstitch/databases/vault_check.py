"""Pure: judge a database's vault, the tools that fill it, and the databases that Lockstitch keeps beside it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from lockstitch.databases.backup import VaultFacts
from lockstitch.databases.health import Beside
from lockstitch.model.finding import Finding
from lockstitch.model.format import sized, span


def beside(one: Beside) -> Finding:
    """What a database beside this one is for, and when it goes."""
    takes = "" if one.bytes is None else f" takes {sized(one.bytes)} and"
    why, then = _KEPT.get(one.kind, ("was made by Lockstitch", ""))
    drop = one.drop or 'DROP DATABASE "{}";'.format(one.name.replace('"', '""'))
    return Finding("beside", "note", f"the database {one.name}{takes} {why}", then.replace("DROP", drop))


_DROP = "when it is not needed any more: DROP"
_KEPT = {
    "before": ("is what a restore has replaced", _DROP),
    "undone": ("is a restored one that was taken back", _DROP),
    "restoring": ("is what a restore is making, or one that was cut off has left", "the next restore removes it"),
    "proving": ("is what a proof is making, or one that was cut off has left", "the next proof removes it"),
}


def backups(vault: VaultFacts, longest: float, now: datetime, on: str) -> Iterator[Finding]:
    """How old the newest backup is, and whether one is proven; `longest` 0: how old is not judged."""
    newest, looked = vault.newest, longest > 0
    for why in vault.unreadable:
        yield Finding("backup", "fail", f"its backups are unreadable: {why}", "see to that path on its host")
    if vault.unreadable:
        return
    for backup in vault.future:
        says = f"{backup.name} is dated {backup.at}, and on its host it is {vault.now}: is that clock wrong, or was it?"
        yield Finding("backup", "warn", says, "once it is right: move that backup away, or wait until then")
    if newest is None:
        yield Finding("backup", "fail" if looked else "warn", "it has no backup", f"{on} backup")
        return
    age = max(0.0, (now - newest.when).total_seconds())
    old = looked and (age > longest or newest in vault.future)
    says = f"the newest is {span(age)} old: {newest.name}" + (f"; no from {span(longest)} on" if looked else "")
    yield Finding("backup", "fail" if old else "pass", says, f"{on} backup" if old else "")
    proven = [b for b in vault.backups if b.good and b.proven]
    if not proven:
        yield Finding("proof", "warn", "none of its backups has been proven", f"{on} backup.prove")
    else:
        last = max(proven, key=lambda b: (b.proven, b.name))
        yield Finding("proof", "pass", f"{last.name} was proven on {last.proven}")


def tools(vault: VaultFacts, differ: str, *, answers: bool) -> Iterator[Finding]:
    """What stands against backing it up. Where the server does not answer, that has been said."""
    problems = [f"`{tool}` is not found" for tool in vault.missing]
    if vault.server.problem and answers and not vault.missing:
        problems.append(vault.server.problem)
    if vault.unwritable:
        problems.append(f"{vault.unwritable} cannot be written by the user who logs in")
    for problem in problems:
        yield Finding("tools", "warn", f"it could not be backed up: {problem}")
    if differ and not problems:
        yield Finding("tools", "note", differ)


def lock(vault: VaultFacts, on: str) -> Iterator[Finding]:
    """Whose run has locked it: a dead one keeps the next one out."""
    if vault.lock:
        says = f"locked by {vault.lock}: a run is under way, or was cut off"
        yield Finding("lock", "warn", says, f"{on} lock.show")
