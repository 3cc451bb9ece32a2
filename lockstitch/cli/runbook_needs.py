"""The needs of a runbook: what must be shown of the revisions that it brings, before anything is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from lockstitch.cli.evidence import EvidenceJudge
from lockstitch.cli.runbook_plans import ReleasePlan
from lockstitch.cli.session import Session
from lockstitch.engine.runbooks.files import RunbookFile
from lockstitch.engine.runbooks.record import RunbookRecord
from lockstitch.errors import CheckError
from lockstitch.evidence import AppRevisions, Evidence
from lockstitch.runbooks.settings import Stage
from lockstitch.runbooks.state import FOUND_ITSELF, RunbookRun
from lockstitch.text import listed, oneline


class RunbookNeeds:
    """Judges the needs of one run: when it begins, and again before each release of its own environment."""

    def __init__(self, session: Session, file: RunbookFile, record: RunbookRecord) -> None:
        self._session, self._file, self._record = session, file, record

    def are_open(self, run: RunbookRun) -> bool:
        """Tell whether what can be known before the first stage was not shown yet."""
        return bool(self._file.settings.needs) and not any(event.get("enough") for event in run.events)

    def begin(self, run: RunbookRun, plans: Sequence[ReleasePlan]) -> None:
        """Judge what can be known before the first stage. Raises CheckError for what is not shown."""
        later = {stage.settings.environment for stage in self._file.settings.stages}
        self._judge(run, plans, [n.key for n in self._file.settings.needs if later & {*n.environments()}], begins=True)

    def before(self, stage: Stage, run: RunbookRun, plans: Sequence[ReleasePlan]) -> None:
        """Judge every need before a stage that releases something. Raises CheckError for what is not shown."""
        if self._is_own(stage):
            self._judge(run, [plan for plan in plans if plan.stage == stage.name], [], begins=False)

    def shown(self, stage: Stage, run: RunbookRun) -> bool:
        """Tell whether a sign-off is not needed, since all that it stands in for was shown; that is recorded."""
        known = {str(each["name"]): each for each in run.evidence()}
        names = stage.settings.stands_in
        if not names or any(name not in known or known[name]["result"] != "pass" for name in names):
            return False
        reason = "; ".join(f"{name}: {known[name]['reason']}" for name in names)
        self._record.add("stage", stage=stage.name, state="done", by=FOUND_ITSELF, reason=reason)
        return True

    def _judge(self, run: RunbookRun, plans: Sequence[ReleasePlan], later: Sequence[str], *, begins: bool) -> None:
        apps = self._apps(plans)
        needs = [need for need in self._file.settings.needs if need.key not in later]
        # A release that changes nothing brings nothing that could be asked about.
        if not needs or (plans and not apps):
            return
        every = EvidenceJudge(self._session, self._session.fleet("")).judge(needs, apps)
        lacking = [each for each in every if each.result != "pass" and not self._stands_in(each, run, begins=begins)]
        self._record.add("evidence", known=[asdict(each) for each in every], enough=not lacking)
        for each in every:
            self._session.note(oneline(f"needs {each.name}: {each.result}: {each.reason}"))
        if lacking:
            lines = [f"needs {each.name}: {each.result}: {each.reason}" for each in lacking]
            raise CheckError(listed([*lines, "nothing was changed"]), hint=_hint(lacking))

    def _stands_in(self, evidence: Evidence, run: RunbookRun, *, begins: bool) -> bool:
        """Tell whether a person signs in the place of evidence that is inconclusive, or has when it is released."""
        stages = [each for each in self._file.settings.stages if evidence.name in each.settings.stands_in]
        signed = [each for each in stages if run.stage(each.name).state == "done" and not run.is_found(each.name)]
        return evidence.result == "inconclusive" and bool(stages if begins else signed)

    def _apps(self, plans: Sequence[ReleasePlan]) -> tuple[AppRevisions, ...]:
        """Return the revisions of each app that the releases of this environment change."""
        stages = {stage.name: stage for stage in self._file.settings.stages}
        repositories = {app.name: app.repository for _, app in self._session.fleet("").sites()}
        before: dict[str, dict[str, None]] = {}
        after: dict[str, str] = {}
        for plan in plans:
            for change in plan.document.get("changes") or () if self._is_own(stages[plan.stage]) else ():
                app = str(change["app"])
                after[app] = str(change["to"])
                before.setdefault(app, {}).update({str(change["from"]): None} if change.get("from") else {})
        return tuple(AppRevisions(app, repositories[app], tuple(before[app]), after[app]) for app in after)

    def _is_own(self, stage: Stage) -> bool:
        return stage.settings.environment in (None, self._session.environment)


def _hint(lacking: Sequence[Evidence]) -> str:
    hint = next((each.hint for each in lacking if each.hint), "")
    again = "then fab -H ENV runbook.resume"
    if any(each.result == "inconclusive" for each in lacking):
        again += "; a stage `sign` with `for: NEED` lets a person sign in its place"
    return f"{hint}; {again}" if hint else again
