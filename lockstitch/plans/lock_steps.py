"""Pure: the steps that take, free and break the lock of one site."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace

from lockstitch.facts.state_files import HEAL, LOCK_LINE, THERE
from lockstitch.model.command import Command
from lockstitch.model.lock import LockInfo
from lockstitch.model.plan import Site, Step
from lockstitch.model.shell import shell_text
from lockstitch.plans.shell_texts import RECORD

_TAKE = HEAL + LOCK_LINE + shell_text(__package__, "lock_take.sh")
_RELEASE = shell_text(__package__, "lock_release.sh")
_LOOK = THERE + LOCK_LINE + "\nread_lock\n"
_BREAK = THERE + LOCK_LINE + shell_text(__package__, "lock_break.sh")


def take_step(site: Site, info: LockInfo, written: int | None = None, *, whole: bool = False) -> Step:
    """Take the lock of one site. The step prints `taken`, `held` with the owner, `changed` with the last record of a
    journal that is no longer `written` bytes long, or `failed` with the reason.

    With `whole`, a journal of that length is known to be undamaged; otherwise it is examined and repaired.
    """
    text = json.dumps(asdict(replace(info, host=site.host)), separators=(",", ":"))
    values = {"state": site.layout.state, "lock": site.layout.lock, "run": info.run, "info": text}
    # Dumps hold what a database keeps from others, so a backup directory made here is for its user alone.
    values |= {"private": site.layout.path if site.database else ""}
    values |= {"journal": site.layout.journal, "written": "" if written is None else str(written)}
    values |= {"whole": "yes" if whole and written is not None else ""}
    return Step("lock", "take the lock", Command(_TAKE, values=values), timeout=30)


def release_step(site: Site, run: str) -> Step:
    """Free the lock of one site where this run holds it."""
    values = {"lock": site.layout.lock, "run": run}
    return Step("unlock", "free the lock", Command(_RELEASE, values=values), timeout=30)


def break_step(site: Site, record: Mapping[str, str]) -> Step:
    """Free the lock of one site whoever holds it, and record that in the host's journal."""
    text = json.dumps(record, separators=(",", ":"))
    values = {"lock": site.layout.lock, "record": text, "run": record["run"]}
    return Step("break", "break the lock", Command(_BREAK, values=values), timeout=30)


def look_step(site: Site) -> Step:
    """Print the lock of one site as `locked TIME OWNER`, where there is one."""
    return Step("look", "look at the lock", Command(_LOOK, values={"lock": site.layout.lock}), timeout=30)


def record_step(site: Site, record: Mapping[str, str]) -> Step:
    """Record in the host's journal what was done with the lock of one site by hand."""
    values = {"record": json.dumps(record, separators=(",", ":")), "journal": site.layout.journal}
    return Step("record", "record it", Command(RECORD, values={**values, "reason": "", "told": ""}), timeout=30)
