"""Pure: judge a running database, its backups and what Lockstitch keeps beside it, by the inventory's thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from lockstitch.databases.backup import MODE, BackupDirectoryFacts
from lockstitch.databases.health import SERVER, ActiveQuery, DatabaseState, Replica, SpareDatabase, Waiting
from lockstitch.model.finding import Finding
from lockstitch.model.folder import folder_hint
from lockstitch.model.format import sized, span
from lockstitch.model.lazy_dataclass import dataclass


def beside(spare: SpareDatabase) -> Finding:
    """Return the note on a database beside this one: what it is for, and when it goes."""
    takes = "" if spare.bytes is None else f" takes {sized(spare.bytes)} and"
    why, then = _KEPT.get(spare.kind, ("was made by Lockstitch", ""))
    drop = spare.drop or 'DROP DATABASE "{}";'.format(spare.name.replace('"', '""'))
    return Finding("beside", "note", f"the database {spare.name}{takes} {why}", then.replace("DROP", drop))


_DROP = "when it is not needed any more: DROP"
_KEPT = {
    "before": ("is what a restore has replaced", _DROP),
    "undone": ("is a restored one that was taken back", _DROP),
    "restoring": ("is what a restore is making, or one that was cut off has left", "the next restore removes it"),
    "proving": ("is what a proof is making, or one that was cut off has left", "the next proof removes it"),
}


def backups(vault: BackupDirectoryFacts, longest: float, now: datetime, on: str) -> Iterator[Finding]:
    """Yield the age of the newest backup, and whether one is proven; with `longest` 0 the age is not judged."""
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
    says = f"the newest is {span(age)} old: {newest.name}" + (f"; it fails from {span(longest)} on" if looked else "")
    yield Finding("backup", "fail" if old else "pass", says, f"{on} backup" if old else "")
    proven = [b for b in vault.backups if b.good and b.proven]
    if not proven:
        yield Finding("proof", "warn", "none of its backups has been proven", f"{on} backup.prove")
    else:
        last = max(proven, key=lambda b: (b.proven, b.name))
        yield Finding("proof", "pass", f"{last.name} was proven on {last.proven}")


def tools(vault: BackupDirectoryFacts, differ: str, *, answers: bool) -> Iterator[Finding]:
    """Yield what would stop a backup. That the server does not answer is a finding of its own."""
    problems = [f"`{tool}` is not found" for tool in vault.missing]
    if vault.server.problem and answers and not vault.missing:
        problems.append(vault.server.problem)
    for problem in problems:
        yield Finding("tools", "warn", f"it could not be backed up: {problem}")
    for folder in vault.unwritable:
        says = f"it could not be backed up: {folder}"
        yield Finding("tools", "warn", says, folder_hint(vault.unwritable, MODE))
    if differ and not (problems or vault.unwritable):
        yield Finding("tools", "note", differ)


def lock(vault: BackupDirectoryFacts, on: str) -> Iterator[Finding]:
    """Yield whose run has locked the database: a dead run keeps the next one out."""
    if vault.lock:
        says = f"locked by {vault.lock}: a run is under way, or was cut off"
        yield Finding("lock", "warn", says, f"{on} lock.show")


# A dump takes as long as the database is large, and its own run reports it.
OURS = "lockstitch"
# A replica that has stopped replaying is as many seconds behind as when it stopped: only this grows.
_MUCH = 256 << 20


@dataclass(frozen=True)
class Thresholds:
    """The limits of `database.check`: `connections` in percent and `most_connections` of the server, all else in
    seconds; 0 for `backup_age` and `most_connections`: no limit."""

    connections: int = 80
    long_query: float = 300.0
    lock_wait: float = 30.0
    lag: float = 60.0
    backup_age: float = 0.0
    most_connections: int = 0
    pool_wait: float = 5.0


def judge(
    state: DatabaseState,
    limits: Thresholds,
    vault: BackupDirectoryFacts,
    now: datetime,
    on: str = "fab -H ENV",
    differ: str = "",
) -> tuple[Finding, ...]:
    """Return every finding, in the order a person reads them. `on` begins the commands in hints; `differ` is the
    note on the versions of server and tools."""
    findings: list[Finding] = []
    if state.problem:
        findings.append(Finding("server", "fail", state.problem, "does it run, and may this login connect to it?"))
    else:
        findings += [*_clock(state), *_rooms(state, limits), *_pools(state, limits)]
        findings += [*_queries(state, limits, on), *_migrations(state, on), *_locks(state, limits, on)]
        findings += [*_standby(state, limits), *_replicas(state, limits), *_slots(state)]
        findings += [*_slow(state), *_unseen(state), *map(beside, state.besides)]
    findings += backups(vault, limits.backup_age, now, on)
    return (*findings, *tools(vault, differ, answers=not state.problem), *lock(vault, on))


def _rooms(state: DatabaseState, limits: Thresholds) -> Iterator[Finding]:
    for room in state.rooms:
        most = limits.most_connections if room.of == SERVER else 0
        full = room.used * 100 >= limits.connections * room.allowed or (most and room.used >= most)
        part = f" ({room.used * 100 // room.allowed} %)" if room.allowed else ""
        least = f"{limits.connections} %" + (f" or {most}" if most else "")
        says = f"{room.used} of the {room.allowed} that {room.of} allows{part}; it fails from {least} on"
        yield Finding("connections", "fail" if full else "pass", says, _TOO_MANY if full else "")


_TOO_MANY = "which application holds them, and does it give them back? a pooler, or a higher limit"


def _queries(state: DatabaseState, limits: Thresholds, on: str) -> Iterator[Finding]:
    long = [q for q in state.queries if (q.seconds or 0) > limits.long_query and q.application != OURS]
    longest = span(limits.long_query)
    if long:
        says = [f"{len(long)} for more than {longest}", *map(_query, long)]
        yield Finding("queries", "fail", "\n".join(says), _end(long, on))
    elif "query" in state.asked:
        yield Finding("queries", "pass", f"none has run for more than {longest}")


def _migrations(state: DatabaseState, on: str) -> Iterator[Finding]:
    if state.migrations:
        says = [f"{len(state.migrations)} at work that change the schema", *map(_query, state.migrations)]
        hint = f"wait for it; whose it is: {on} lock.show; {_end(state.migrations, on)}"
        yield Finding("migrations", "warn", "\n".join(says), hint)
    elif "migration" in state.asked:
        yield Finding("migrations", "pass", "none is at work")


def _clock(state: DatabaseState) -> Iterator[Finding]:
    if not state.now:
        return
    says = f"it is {state.now} there"
    if state.ahead is None:
        yield Finding("clock", "note", says)
    elif abs(state.ahead) > _DRIFT:
        way = "ahead of" if state.ahead > 0 else "behind"
        says = f"{says}, {span(abs(state.ahead))} {way} the host that asks"
        yield Finding("clock", "warn", says, "let both keep time: timedatectl on each of the two")
    else:
        yield Finding("clock", "pass", f"{says}, as on the host that asks")


# What a login to a busy server may take between the two clocks.
_DRIFT = 10


def _pools(state: DatabaseState, limits: Thresholds) -> Iterator[Finding]:
    if state.pool_problem:
        hint = "is the login of `pooler` one of its admin_users or stats_users, and its database the console?"
        yield Finding("pools", "fail", f"the pooler does not tell: {state.pool_problem}", hint)
    for pool in state.pools or ():
        mode = f" ({pool.mode})" if pool.mode else ""
        ours = f"{pool.busy} connections busy, {pool.idle} idle"
        says = f"{pool.name}{mode}: {pool.clients} clients, {pool.waiting} wait; {ours}"
        late = pool.waiting and pool.seconds > limits.pool_wait
        if pool.waiting:
            says += f"; the first has waited for {span(pool.seconds)}, it fails beyond {span(limits.pool_wait)}"
        hint = (
            "what holds its connections? see `queries` and `locks`; else a larger default_pool_size"
            if pool.waiting
            else ""
        )
        yield Finding("pools", "fail" if late else "warn" if pool.waiting else "pass", says, hint)


def _slow(state: DatabaseState) -> Iterator[Finding]:
    if (slow := state.slow) is None:
        return
    if slow.queries is not None and (slow.queries or slow.since is not None):
        since = "since it began" if slow.since is None else f"in the {span(slow.since)} since the last check"
        says = f"{slow.queries} of {slow.asked} {since} took longer than {slow.seconds:g} s, which it calls slow"
        yield Finding("slow", "note", says)
    if slow.logged is False:
        yield Finding("slow", "note", "slow queries are not logged", slow.log)
    elif slow.logged:
        yield Finding("slow", "pass", f"queries are logged that take longer than {slow.seconds:g} s")


@dataclass(frozen=True)
class SlowCount:
    """Counters of a server when it was last checked, `at` a time in seconds since the epoch."""

    at: float
    queries: int
    asked: int


def slow_since(state: DatabaseState, earlier: SlowCount | None, now: float) -> DatabaseState:
    """Return the state with the slow queries since it was checked before, where it has not begun anew since."""
    slow = state.slow
    if slow is None or earlier is None or slow.queries is None or slow.asked is None or state.up is None:
        return state
    passed = now - earlier.at
    if not 0 < passed <= state.up or slow.queries < earlier.queries or slow.asked < earlier.asked:
        return state
    queries, asked = slow.queries - earlier.queries, slow.asked - earlier.asked
    return replace(state, slow=replace(slow, queries=queries, asked=asked, since=passed))


def _locks(state: DatabaseState, limits: Thresholds, on: str) -> Iterator[Finding]:
    waiting = [w for w in state.waiting if w.seconds is None or w.seconds > limits.lock_wait]
    longest = span(limits.lock_wait)
    if waiting:
        surely = any(w.seconds is not None for w in waiting)
        says = [f"{len(waiting)} waiting for more than {longest}", *map(_waiting, waiting)]
        yield Finding("locks", "fail" if surely else "warn", "\n".join(says), _end(_in_the_way(state), on))
    elif "waiting" in state.asked:
        few = f"; {len(state.waiting)} for less" if state.waiting else ""
        yield Finding("locks", "pass", f"none has been waited for for more than {longest}{few}")


def _in_the_way(state: DatabaseState) -> list[ActiveQuery]:
    """Return the sessions that hold what others wait for, and wait for nothing themselves."""
    waiting = {row.query.pid for row in state.waiting}
    return list({q.pid: q for row in state.waiting for q in row.by if q.pid not in waiting}.values())


def _query(query: ActiveQuery) -> str:
    who = " ".join(filter(None, (query.user, query.application, query.client and f"from {query.client}")))
    time = "an unknown time" if query.seconds is None else span(query.seconds)
    return f"{query.pid} ({who or 'unknown'}): {query.state or 'hidden'} for {time}: {query.text or 'hidden'}"


def _waiting(waiting: Waiting) -> str:
    time = "an unknown time" if waiting.seconds is None else span(waiting.seconds)
    where = f" on {waiting.on}" if waiting.on else ""
    lines = [f"{waiting.query.pid} waits for {time}, {waiting.lock}{where}: {waiting.query.text or 'hidden'}"]
    return "\n".join([*lines, *(f"  behind {_query(holder)}" for holder in waiting.by)])


def _end(queries: Sequence[ActiveQuery], on: str) -> str:
    """Return the hint that ends the first of them, which is for a person to decide."""
    return f"to end {queries[0].pid}: {on} database.shell, {queries[0].end}" if queries else ""


def _standby(state: DatabaseState, limits: Thresholds) -> Iterator[Finding]:
    if (standby := state.standby) is None:
        return
    late = standby.seconds is not None and standby.seconds > limits.lag
    behind = "an unknown time" if standby.seconds is None else span(standby.seconds)
    size = f" ({sized(standby.bytes)})" if standby.bytes else ""
    says = f"it is a standby, {behind} behind its primary{size}; it fails beyond {span(limits.lag)}"
    if standby.paused:
        says += "; replaying is paused"
    if not standby.connected:
        says += "; it is not connected to its primary, and that is since the last change it has seen"
    unsure = not standby.connected or (standby.seconds is None and (standby.bytes or 0) > _MUCH)
    yield Finding("replication", "fail" if late else "warn" if unsure else "pass", says)


def _replicas(state: DatabaseState, limits: Thresholds) -> Iterator[Finding]:
    if not state.replicas and state.standby is None and "replica" in state.asked:
        yield Finding("replication", "pass", "it has no replicas")
    for replica in state.replicas:
        yield _replica(replica, limits, state.grant)


def _replica(replica: Replica, limits: Thresholds, grant: str) -> Finding:
    name = f"the replica {replica.name}" + (f" at {replica.client}" if replica.client else "")
    if not replica.state:
        return Finding("replication", "note", f"this login may not see how far {name} is behind", grant)
    size = "" if replica.bytes is None else f" ({sized(replica.bytes)})"
    if replica.seconds is None:
        says = f"{name} is {replica.state}; for how long it has been behind is not known{size}"
        return Finding("replication", "pass" if replica.state == "streaming" else "warn", says)
    says = f"{name} is {span(replica.seconds)} behind{size}; it fails beyond {span(limits.lag)}"
    if replica.seconds > limits.lag:
        return Finding("replication", "fail", says)
    stuck = (replica.bytes or 0) > _MUCH
    hint = "does it still replay? its time is that of what it has replayed" if stuck else ""
    return Finding("replication", "warn" if stuck else "pass", says, hint)


def _slots(state: DatabaseState) -> Iterator[Finding]:
    for slot in state.slots:
        kept = "" if slot.bytes is None else f", which keeps {sized(slot.bytes)} on the disk"
        says = f"nobody reads from the replication slot {slot.name}{kept}"
        yield Finding("replication", "warn", says, f"if its replica is gone: {slot.end}" if slot.end else "")


_QUESTIONS = {
    "room": "connections",
    "query": "queries",
    "migration": "migrations at work",
    "waiting": "locks",
    "standby": "its place behind a primary",
    "replica": "replicas",
    "slot": "replication slots",
    "table": "tables by size",
    "beside": "databases beside it",
}


def _unseen(state: DatabaseState) -> Iterator[Finding]:
    if state.hidden:
        says = f"this login may not look into {state.hidden} sessions of other logins: their queries are not judged"
        yield Finding("sight", "note", says, state.grant)
    missing = [check for word, check in _QUESTIONS.items() if word not in state.asked]
    if missing or state.problems:
        first = f"could not be asked for: {', '.join(missing)}" if missing else "not all was answered"
        yield Finding("sight", "warn", "\n".join([first, *state.problems]))
