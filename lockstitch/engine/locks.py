"""EFFECT: the all-or-nothing lock.

The hosts are always locked in the same order, the first one alone. Of two runs that need the same hosts, the one that
locks the first host locks them all, so exactly one goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from lockstitch.concurrency import run_parallel
from lockstitch.engine.ask import Query, ask
from lockstitch.engine.journal import now
from lockstitch.errors import CheckError, LockHeldError, LockstitchError, SiteChangedError, UsageError
from lockstitch.facts.queries import SiteQuery, probes
from lockstitch.model.host import Host
from lockstitch.model.lock import LockInfo, parse_lock
from lockstitch.model.plan import Script, Site, Step, warnings_of
from lockstitch.model.probe import collect, last
from lockstitch.model.results import Result
from lockstitch.plans.lock_steps import break_step, look_step, record_step, release_step, take_step
from lockstitch.remote import Remote
from lockstitch.text import listed, oneline

_ANSWERS = ("taken", "held", "changed ", "failed ")


class Locks:
    """The locks of one run on all its sites.

    `written` is the size of each journal when the run was planned, and `whole` the sites whose journal was undamaged
    then; `environment` is for hints.
    """

    def __init__(
        self,
        remote: Remote,
        hosts: Mapping[str, Host],
        sites: Sequence[Site],
        info: LockInfo,
        written: Mapping[Site, int] | None = None,
        environment: str = "ENV",
        whole: Collection[Site] = (),
    ) -> None:
        self._remote, self._hosts, self._info, self._written = remote, hosts, info, written or {}
        self._environment, self._whole = environment, whole
        self._order = sorted(sites, key=lambda site: (site.host, site.app))
        self.held: list[Site] = []
        self.warnings: list[str] = []

    def acquire(self) -> None:
        """Take every lock or none.

        Raises LockHeldError, which names the owners. Raises SiteChangedError for a site whose journal has grown since
        the survey: the plan was made from facts that are out of date. Raises CheckError where a lock cannot be made.
        """
        refused: dict[Site, str | LockstitchError] = {}
        try:
            for some in (self._order[:1], self._order[1:]):
                refused = {site: no for site, no in self._each(some, self._take).items() if no is not None}
                if refused:
                    break
        finally:
            if refused:
                self.release()
        if refused:
            raise _one_machine(refused, self._info.run) or _refusal(refused, self._environment)

    def _take(self, site: Site) -> str | LockstitchError | None:
        # Noted before it is asked for: an answer that is lost on the way may have been a yes.
        self.held.append(site)
        try:
            step = take_step(site, self._info, self._written.get(site), whole=site in self._whole)
            (result,) = self._send(site, step)
        except LockstitchError as error:
            return error
        said = result.output.strip().split("\n")
        # Beside the answer stands what the host's programs say on stderr.
        answer = next((line for line in reversed(said) if line.startswith(_ANSWERS)), said[-1])
        self.warnings += warnings_of(site, said)
        if answer == "taken":
            return None
        self.held.remove(site)
        return answer

    def release(self) -> dict[Site, LockstitchError]:
        """Free the locks of this run. Returns the errors of the sites where that failed."""
        failed = self._each(list(self.held), self._free)
        self.held = [site for site, error in failed.items() if error is not None]
        return {site: error for site, error in failed.items() if isinstance(error, LockstitchError)}

    def _free(self, site: Site) -> LockstitchError | None:
        try:
            (result,) = self._send(site, release_step(site, self._info.run))
        except LockstitchError as error:
            return error
        return None if result.ok else CheckError(f"{site}: {result.output.strip()}")

    def _send(self, site: Site, step: Step) -> tuple[Result, ...]:
        script = Script((step,), run=self._info.run, app=site.app, user=site.user)
        return self._remote.run(self._hosts[site.host], script)

    @staticmethod
    def _each(
        sites: Sequence[Site], do: Callable[[Site], str | LockstitchError | None]
    ) -> dict[Site, str | LockstitchError | None]:
        return dict(zip(sites, run_parallel(do, sites, most=32), strict=True))


def refuse_frozen(
    remote: Remote, fresh: Mapping[Site, Collection[str]], others: Sequence[SiteQuery], environment: str
) -> None:
    """Raise LockHeldError where somebody has locked by hand what a site belongs to that came later. `fresh` are such
    sites with the groups of their hosts, `others` all others of the environment: only they can have that lock.

    Raises CheckError where none of these could be asked.
    """
    if not fresh or not others:
        return
    queries = [
        Query(str(n), each.host, (probes(each)[1],), each.app.name, each.app.user) for n, each in enumerate(others)
    ]
    replies = ask(remote, queries)
    answers = [(each.site, replies[str(n)]) for n, each in enumerate(others)]
    locks = {site: reply.facts[0].lock for site, reply in answers if reply.error is None and reply.facts}
    frozen = {
        site: (at, lock)
        for site, groups in fresh.items()
        for at, lock in locks.items()
        if lock is not None and lock.covers(groups)
    }
    if frozen:
        lines = [
            f"{site.host}: {site.app} came to what is locked by {lock} ({at})" for site, (at, lock) in frozen.items()
        ]
        hint = f"wait for it, or ask its owner for: fab -H {environment} lock.release"
        raise LockHeldError(listed([*lines, "nothing was changed"]), hint=hint)
    if not locks:
        says = "whether somebody has locked the environment cannot be seen: no host that was there before can be asked"
        raise CheckError(f"{says}\nnothing was changed", hint=f"fab -H {environment} lock.show says more")


def break_locks(
    remote: Remote,
    hosts: Mapping[str, Host],
    sites: Sequence[Site],
    *,
    run: str,
    by: str,
    message: str,
    warn: Callable[[str], None] = lambda text: None,
) -> dict[Site, LockInfo]:
    """Free the locks of these sites whoever holds them, and record that on each host. Returns the owners.

    `warn` is called where it could not be recorded. Raises CheckError where a lock could not be freed; the message
    names those that were freed before it.
    """
    broken: dict[Site, LockInfo] = {}
    for site in sites:
        record = {"event": "lock broken", "run": run, "by": by, "app": site.app, "message": message, "at": now()}
        script = Script((break_step(site, record),), app=site.app, user=site.user)
        for result in remote.run(hosts[site.host], script):
            lines = result.output.strip().split("\n")
            said = collect(lines)
            info = parse_lock(last(said, "broke"))
            if not result.ok or "unreadable" in said:
                freed = "".join(f"{earlier.host}: {earlier.app}: was freed\n" for earlier in broken)
                raise CheckError(f"{freed}{site.host}: {site.app}: its lock could not be freed: {oneline(lines[-1])}")
            if info is not None:
                broken[site] = info
            for warning in warnings_of(site, lines):
                warn(warning)
    return broken


def refuse_held(remote: Remote, hosts: Mapping[str, Host], sites: Sequence[Site], environment: str) -> None:
    """Raise LockHeldError where somebody holds the lock of one of these sites, before anybody is asked about a plan for
    them. What cannot be seen is told when the lock is taken."""

    def look(site: Site) -> str | LockstitchError | None:
        script = Script((look_step(site),), app=site.app, user=site.user)
        try:
            (result,) = remote.run(hosts[site.host], script)
        except LockstitchError as error:
            return error
        line = last(collect(result.output), "locked")
        return f"held {line}" if line else None

    answers = dict(zip(sites, run_parallel(look, sites, most=32), strict=True))
    if refused := {site: no for site, no in answers.items() if no is not None}:
        raise _refusal(refused, environment)


def record_taken(remote: Remote, hosts: Mapping[str, Host], sites: Sequence[Site], info: LockInfo) -> None:
    """Record in each journal that its lock was taken by hand. Raises CheckError where that cannot be written."""
    for site in sites:
        about = {"run": info.run, "by": info.by, "app": site.app, "message": info.message}
        script = Script((record_step(site, {"event": "lock taken", **about}),), app=site.app, user=site.user)
        for result in remote.run(hosts[site.host], script):
            if not result.ok:
                said = oneline(result.output.strip())
                raise CheckError(f"{site.host}: {site.app}: it is locked, and its journal lacks that: {said}")


def _one_machine(refused: Mapping[Site, str | LockstitchError], run: str) -> UsageError | None:
    """Return the error where a site is locked by this very run, as another host; None where none is."""
    lines = []
    for site, answer in refused.items():
        info = parse_lock(str(answer)[5:]) if str(answer).startswith("held") else None
        if info is not None and info.run == run:
            lines.append(f"{site.host}: {site.app} is that of {info.host}: one machine has two names in the inventory")
    hint = "leave one of the two names out; or, for two checkouts on one machine, give each an app of its own"
    return UsageError(listed([*lines, "nothing was changed"]), hint=hint) if lines else None


def _refusal(refused: Mapping[Site, str | LockstitchError], environment: str) -> LockstitchError:
    for answer in refused.values():
        if isinstance(answer, LockstitchError):
            return answer
    changed = {site: str(a).removeprefix("changed") for site, a in refused.items() if str(a).startswith("changed")}
    if changed:
        lines = [f"{site.host}: {site.app} was changed {_by(a)} after it was looked at" for site, a in changed.items()]
        return SiteChangedError(listed([*lines, "nothing was changed"]), hint="type it again: the plan is made anew")
    held = {site: parse_lock(str(a)[5:]) for site, a in refused.items() if str(a).startswith("held")}
    if not held:
        return CheckError(listed(f"{site.host}: {site.app}: {answer}" for site, answer in refused.items()))
    lines = [
        f"{site.host}: {site.app} is locked by {info or 'somebody who has just finished'}"
        for site, info in held.items()
    ]
    return LockHeldError(
        listed([*lines, "nothing was changed"]),
        hint=f"wait for it; only if that run is dead: fab -H {environment} lock.break",
    )


def _by(record: str) -> str:
    """Name the author of the last record of a journal."""
    info = parse_lock(f"- {record.strip()}") if record.strip() else None
    return f"by {info.by}, run {info.run}," if info else "by somebody"
