"""Pure: the steps that keep the record of a run, and its follow-ups, on a host."""

from __future__ import annotations

from lockstitch.model.command import Command
from lockstitch.model.plan import Site, Step
from lockstitch.model.shell import shell_text

# So many records a site keeps, those of the newest runs.
KEPT_RUNS = 100
_KEEP = shell_text(__package__, "keep_run.sh")
_ADD = shell_text(__package__, "follow_add.sh")


def keep_step(site: Site, run: str, record: str) -> Step:
    """Keep the record of a run beside the journal of a site, in place of the one that is there."""
    values = {"state": site.layout.state, "kept": site.layout.runs, "run": run, "record": record}
    return Step(
        "keep", "keep the record of the run", Command(_KEEP, values={**values, "most": str(KEPT_RUNS)}), timeout=30
    )


def follow_step(site: Site, line: str) -> Step:
    """Add a line to the follow-ups of a site. The step prints `kept`, or `none` where nothing was ever done there."""
    values = {"state": site.layout.state, "file": site.layout.follow_ups, "line": line}
    return Step("follow", "keep the follow-up", Command(_ADD, values=values), timeout=30)
