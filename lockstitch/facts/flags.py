"""The probe of what a host's journal records of a flag: which runs changed it, and what it was before each. Pure."""

from __future__ import annotations

from lockstitch.model.command import Command
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.plan import Site
from lockstitch.model.probe import Probe, collect, record, unreadable

# A run leaves three lines at most.
_READ = r"""
[ -e "$journal" ] || exit 0
[ -r "$journal" ] || { echo "unreadable $journal may not be read by $(id -un)"; exit 0; }
grep -aF '"kind":"flag"' "$journal" | tail -n 600 | sed 's/^/line /'
"""
UNDO = "undo"


@dataclass(frozen=True)
class FlagRecord:
    """A change of a flag as a run recorded it before it began: `before` is None where the flag was not set."""

    flag: str
    run: str
    verb: str
    before: str | None


@dataclass(frozen=True)
class FlagRecords:
    """The records of one site, oldest first, and the runs that failed, which put back what they had changed. `problem`
    says why they are not known."""

    changes: tuple[FlagRecord, ...] = ()
    failed: frozenset[str] = frozenset()
    problem: str = ""

    def last(self, flag: str, now: str | None) -> FlagRecord | None:
        """Return the last change of a flag that stands, or that was cut off, or that failed and is not put back by what
        the flag is `now`; None where only others are recorded."""
        first: dict[str, FlagRecord] = {}
        for change in self.changes:
            if change.flag == flag:
                first.setdefault(change.run, change)
        runs = list(first.values())
        newest = runs[-1:]
        return next(
            (
                change
                for change in reversed(runs)
                if change.verb != UNDO
                if change.run not in self.failed or (change in newest and change.before != now)
            ),
            None,
        )


def flag_records(site: Site) -> Probe[FlagRecords]:
    """Return the probe of a site's records."""
    return Probe("flag records", Command(_READ, values={"journal": site.layout.journal}), parse_records)


def parse_records(text: str, code: int) -> FlagRecords:
    said = collect(text)
    if problems := unreadable(said, code):
        return FlagRecords(problem="; ".join(problems))
    entries = [entry for line in said["line"] if (entry := record(line))]
    changes = tuple(
        FlagRecord(e["flag"], e.get("run", ""), e.get("verb", ""), e.get("from") if e.get("set") == "yes" else None)
        for e in entries
        if e.get("event") == "flag" and e.get("flag")
    )
    failed = frozenset(e.get("run", "") for e in entries if e.get("event") == "run" and e.get("result") == "failed")
    return FlagRecords(changes, failed)
