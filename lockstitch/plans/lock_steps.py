"""Pure: the steps that take, free and break the lock of one site.

A hard link makes it: it appears whole, with its owner in it, or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

from lockstitch.facts.state_files import HEAL, LOCK_LINE, THERE
from lockstitch.model.command import Command
from lockstitch.model.lock import LockInfo
from lockstitch.model.plan import Site, Step

_TAKE = (
    HEAL
    + LOCK_LINE
    + r"""
umask 002
[ -z "$private" ] || mkdir -p -m 0700 "$private" || { echo "failed $private cannot be made"; exit 0; }
[ -d "$state" ] || { mkdir -p "$state" && chmod 2775 "$state"; } || { echo "failed $state cannot be made"; exit 0; }
printf '%s\n' "$info" >"$lock.$run" || { echo "failed $lock cannot be written"; rm -f "$lock.$run"; exit 0; }
size=0
[ ! -e "$journal" ] || size=$(wc -c <"$journal") || {
    echo "failed $journal cannot be read"; rm -f "$lock.$run"; exit 0; }
# As a name and not as a folder: where the lock is a folder, a link would be made in it.
if ln -T "$lock.$run" "$lock" 2>/dev/null; then
    if [ -n "$written" ] && [ "$((size))" != "$written" ]; then
        rm -f "$lock"; printf 'changed %s\n' "$(tail -n 1 "$journal" | tr -d '\000')"
    elif heal_journal; then echo taken
    else rm -f "$lock"; echo "failed $journal is damaged, and cannot be put right: is the disk full?"; fi
elif [ -e "$lock" ] || [ -L "$lock" ]; then lock_line held
else echo held; fi
rm -f "$lock.$run"
"""
)
_RELEASE = r"""
[ ! -e "$lock" ] || [ -r "$lock" ] || { echo "$lock cannot be read: whose it is is not known"; exit 1; }
case $(cat "$lock" 2>/dev/null) in *"\"run\":\"$run\""*) rm -f "$lock" && rm -f "${lock%/*}/running" ;; esac
"""
# A lock that is a folder was made by somebody else: it is moved away with what it holds.
_BREAK = (
    THERE
    + LOCK_LINE
    + r"""
[ -L "$lock" ] || there "$lock" || exit 0
journal=${lock%/*}/journal.jsonl
{ [ -z "$(tail -c 1 "$journal" 2>/dev/null | tr '\000' x)" ] || echo
    printf '%s\n' "$record"; } 2>/dev/null >>"$journal" ||
    echo "warning $journal cannot be written: it lacks that the lock was broken"
lock_line broke
if [ -d "$lock" ] && [ ! -L "$lock" ]; then mv -T -- "$lock" "$lock.$run"; else rm -f -- "$lock"; fi
"""
)


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
    text = json.dumps(record, separators=(",", ":"))
    values = {"lock": site.layout.lock, "record": text, "run": record["run"]}
    return Step("break", "break the lock", Command(_BREAK, values=values), timeout=30)
