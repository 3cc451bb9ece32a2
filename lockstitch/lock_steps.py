"""Pure: the steps that take, free and break the lock of one site.

A hard link makes it: it appears whole, with its owner in it, or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

from lockstitch.command import Command
from lockstitch.facts import LockInfo
from lockstitch.plan import Site, Step

_TAKE = r"""
umask 002
[ -z "$private" ] || mkdir -p -m 0700 "$private" || { echo "failed $private cannot be made"; exit 0; }
[ -d "$state" ] || { mkdir -p "$state" && chmod 2775 "$state"; } || { echo "failed $state cannot be made"; exit 0; }
printf '%s\n' "$info" >"$lock.$run" || { echo "failed $lock cannot be written"; rm -f "$lock.$run"; exit 0; }
if ln "$lock.$run" "$lock" 2>/dev/null; then
    if [ -z "$written" ] || [ "$(($(cat "$journal" 2>/dev/null | wc -c)))" = "$written" ]; then echo taken
    else rm -f "$lock"; printf 'changed %s\n' "$(tail -n 1 "$journal")"; fi
else printf 'held %s\n' "$(cat "$lock" 2>/dev/null)"; fi
rm -f "$lock.$run"
"""
_RELEASE = r"""
case $(cat "$lock" 2>/dev/null) in *"\"run\":\"$run\""*) rm -f "$lock"; rm -f "${lock%/*}/running" ;; esac
"""
_BREAK = r"""
[ -e "$lock" ] || exit 0
printf '%s\n' "$record" >>"${lock%/*}/journal.jsonl"
cat "$lock"; rm -f "$lock"
"""


def take_step(site: Site, info: LockInfo, written: int | None = None) -> Step:
    """Take the lock of one site, or tell who holds it, or who has changed the site since its journal was so long."""
    text = json.dumps(asdict(info), separators=(",", ":"))
    values = {"state": site.layout.state, "lock": site.layout.lock, "run": info.run, "info": text}
    # Dumps hold what a database keeps from others, so a vault that is made here is its user's alone.
    values |= {"private": site.layout.path if site.database else ""}
    values |= {"journal": site.layout.journal, "written": "" if written is None else str(written)}
    return Step("lock", "take the lock", Command(_TAKE, values=values), timeout=30)


def release_step(site: Site, run: str) -> Step:
    """Free the lock of one site where this run holds it."""
    values = {"lock": site.layout.lock, "run": run}
    return Step("unlock", "free the lock", Command(_RELEASE, values=values), timeout=30)


def break_step(site: Site, record: Mapping[str, str]) -> Step:
    """Free the lock of one site whoever holds it, and record that in the host's journal."""
    values = {"lock": site.layout.lock, "record": json.dumps(record, separators=(",", ":"))}
    return Step("break", "break the lock", Command(_BREAK, values=values), timeout=30)
