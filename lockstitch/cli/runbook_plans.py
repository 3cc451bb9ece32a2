"""Plans of the releases of a runbook as of now, asked of the hosts without changing them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from lockstitch.cli.runbook_commands import program_words, stage_command
from lockstitch.cli.session import Session
from lockstitch.engine.runbooks.command import command_output
from lockstitch.errors import CheckError
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.model.release import short
from lockstitch.runbooks.settings import Stage
from lockstitch.runbooks.state import RunbookRun
from lockstitch.text import oneline


@dataclass(frozen=True)
class ReleasePlan:
    """The plan of a release command, by its stage and its place there: the revision that each app gets, and the
    document that `plan --json` prints."""

    stage: str
    number: int
    revisions: Mapping[str, str]
    document: Mapping[str, Any]


def release_plans(
    session: Session, stages: tuple[Stage, ...], run: RunbookRun, note: Callable[[str], None] | None = None
) -> tuple[ReleasePlan, ...]:
    """Return the plan of each release command that is not done; each is told to `note`. Raises CheckError where one
    cannot be made."""
    plans = []
    for stage in stages:
        record = run.stage(stage.name)
        for number, line in enumerate(() if record.is_over else stage.settings.run):
            if record.is_done(number, line):
                continue
            command = stage_command(session.c, line, run.values, yes=False)
            if command.is_release:
                environment = stage.settings.environment or str(session.environment)
                (note or session.note)(oneline(f"{stage.name}: planning `{line}` on {environment}"))
                words = program_words(session, environment, [*command.words, "--json"], dry=True)
                document = _document(command_output(words, session.c.root), stage)
                plans.append(ReleasePlan(stage.name, number, _revisions(document), document))
    return tuple(plans)


def revisions_of(plans: tuple[ReleasePlan, ...]) -> dict[str, str]:
    """Return the revision of each app. Raises CheckError where two stages would bring different ones."""
    known: dict[str, tuple[str, str]] = {}
    for plan in plans:
        for app, revision in plan.revisions.items():
            other, stage = known.setdefault(app, (revision, plan.stage))
            if other != revision:
                raise CheckError(
                    f"{app} would be {short(other)} after {stage}, and {short(revision)} after {plan.stage}",
                    hint="a runbook brings one revision of each app: give a tag or a commit as --ref",
                )
    return {app: revision for app, (revision, _) in known.items()}


def check_revisions(before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise CheckError where an app would get another revision than when the run began."""
    for app, revision in now.items():
        if before.get(app, revision) != revision:
            began = f"this run began with {short(before[app])}"
            raise CheckError(
                f"{app} would be {short(revision)} now, and {began}; nothing was changed",
                hint='fab -H ENV runbook.end --reason "…" gives this run up; then begin another one',
            )


def _document(printed: str, stage: Stage) -> Mapping[str, Any]:
    try:
        document = json.loads(printed)
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get("exit_code") != 0:
        error = (document or {}).get("error") if isinstance(document, dict) else None
        reason = error.get("message") if isinstance(error, dict) else "it printed no plan"
        raise CheckError(f"the plan of {stage.name} cannot be made: {oneline(str(reason))}; nothing was changed")
    return document


def _revisions(document: Mapping[str, Any]) -> dict[str, str]:
    return {str(change["app"]): str(change["to"]) for change in document.get("changes") or ()}
