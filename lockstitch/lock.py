"""EFFECT: the all-or-nothing lock.

The hosts are always taken in the same order, the first alone: of two runs that want the same hosts, the one that
gets the first gets them all, so exactly one goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lockstitch.at_once import at_once
from lockstitch.errors import CheckError, LockHeldError, LockstitchError
from lockstitch.facts import LockInfo, parse_lock
from lockstitch.host import Host
from lockstitch.journal import now
from lockstitch.lock_steps import break_step, release_step, take_step
from lockstitch.plan import Script, Site, Step
from lockstitch.remote import Remote
from lockstitch.shown import listed


class Locks:
    """The locks of one run on all its sites. `written` is how long each journal was when the run was planned;
    `environment` is for hints."""

    def __init__(
        self,
        remote: Remote,
        hosts: Mapping[str, Host],
        sites: Sequence[Site],
        info: LockInfo,
        written: Mapping[Site, int] | None = None,
        environment: str = "ENV",
    ) -> None:
        self._remote, self._hosts, self._info, self._written = remote, hosts, info, written or {}
        self._environment = environment
        self._order = sorted(sites, key=lambda site: (site.host, site.app))
        self.held: list[Site] = []

    def acquire(self) -> None:
        """Take every lock or none. Raises LockHeldError, which names who holds them, or who changed a site after it
        was looked at: a plan made from what was there before would be wrong. CheckError where a lock cannot be made.
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
            raise _refusal(refused, self._environment)

    def _take(self, site: Site) -> str | LockstitchError | None:
        # Noted before it is asked for: an answer that is lost on the way may have been a yes.
        self.held.append(site)
        try:
            (result,) = self._send(site, take_step(site, self._info, self._written.get(site)))
        except LockstitchError as error:
            return error
        if result.strip() == "taken":
            return None
        self.held.remove(site)
        return result.strip()

    def release(self) -> dict[Site, LockstitchError]:
        """Free what this run holds; returns the sites where that could not be done."""
        failed = self._each(list(self.held), self._free)
        self.held = [site for site, error in failed.items() if error is not None]
        return {site: error for site, error in failed.items() if isinstance(error, LockstitchError)}

    def _free(self, site: Site) -> LockstitchError | None:
        try:
            self._send(site, release_step(site, self._info.run))
        except LockstitchError as error:
            return error
        return None

    def _send(self, site: Site, step: Step) -> tuple[str, ...]:
        script = Script((step,), run=self._info.run, app=site.app, user=site.user)
        return tuple(result.output for result in self._remote.run(self._hosts[site.host], script))

    @staticmethod
    def _each(
        sites: Sequence[Site], do: Callable[[Site], str | LockstitchError | None]
    ) -> dict[Site, str | LockstitchError | None]:
        return dict(zip(sites, at_once(do, sites, most=32), strict=True))


def break_locks(
    remote: Remote, hosts: Mapping[str, Host], sites: Sequence[Site], *, run: str, by: str, message: str
) -> dict[Site, LockInfo]:
    """Free the locks of these sites whoever holds them, recorded in each host's journal; returns whose they were."""
    broken: dict[Site, LockInfo] = {}
    for site in sites:
        record = {"event": "lock broken", "run": run, "by": by, "app": site.app, "message": message, "at": now()}
        script = Script((break_step(site, record),), app=site.app, user=site.user)
        for result in remote.run(hosts[site.host], script):
            info = parse_lock(result.output.strip())
            if info is not None:
                broken[site] = info
    return broken


def _refusal(refused: Mapping[Site, str | LockstitchError], environment: str) -> LockstitchError:
    for answer in refused.values():
        if isinstance(answer, LockstitchError):
            return answer
    changed = {site: str(a).removeprefix("changed") for site, a in refused.items() if str(a).startswith("changed")}
    if changed:
        lines = [f"{site.host}: {site.app} was changed {_by(a)} after it was looked at" for site, a in changed.items()]
        return LockHeldError(listed([*lines, "nothing was changed"]), hint="type it again: the plan is made anew")
    held = {site: parse_lock(str(a).removeprefix("held ")) for site, a in refused.items() if str(a).startswith("held")}
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
    """Who wrote the last record of a journal."""
    info = parse_lock(record.strip())
    return f"by {info.by}, run {info.run}," if info else "by somebody"
