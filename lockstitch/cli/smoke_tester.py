"""The critical smoke steps of a deploy or a rollback: prepared before the first change, run after waves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lockstitch.cli.session import Session
from lockstitch.cli.smoke import ledgers_folder, smoking_apps
from lockstitch.engine.smoke.run import JourneyFolder
from lockstitch.engine.wave_smoke import SmokeTester
from lockstitch.model.host import Host
from lockstitch.model.plan import Plan
from lockstitch.model.smoke_check import SmokeCheck, SmokeResult
from lockstitch.smoke.journey import Journey, with_release
from lockstitch.smoke.results import JourneyResult


def smoke_tester(session: Session, plan: Plan) -> SmokeTester | None:
    """Return what runs the smoke steps of a plan; None where it has none. Raises UsageError where a secret or a file of
    theirs cannot be had: nothing was changed."""
    checks = [check for wave in plan.waves for check in wave.smoke]
    if not checks:
        return None
    apps = {name: app for fleet in session.c.selection.fleets for name, app in smoking_apps(fleet).items()}
    hosts: dict[str, Host] = {host.name: host for host in session.c.hosts}

    def journeys(some: Sequence[SmokeCheck]) -> list[Journey]:
        made = []
        for check in some:
            smoke = apps[check.app].smoke
            assert smoke is not None
            journey = Journey(plan.environment, check.app, plan.run, smoke, check.steps, host=check.host)
            made.append(with_release(journey, apps[check.app].health, check.revision))
        return made

    def run(
        some: Sequence[SmokeCheck], observe: Callable[[SmokeResult], None]
    ) -> tuple[Sequence[SmokeResult], Sequence[str]]:
        folder = JourneyFolder(session.c.root, ledgers_folder(session), session.remote, hosts, observe)
        results = folder.run(plan.run, journeys(some))
        notes = _notes(results, plan.environment)
        if any(result.interrupted for result in results):
            for note in notes:
                session.note(note)
            raise KeyboardInterrupt
        return [step for result in results for step in result.steps], notes

    JourneyFolder(session.c.root, ledgers_folder(session), session.remote, hosts).prepare(journeys(checks))
    return run


def _notes(results: Sequence[JourneyResult], environment: str) -> list[str]:
    hint = f"fab -H {environment} smoke.clean"
    return [
        f"{each.app}: what smoke {each.step} has made may still be there: {each.reason}; {hint}"
        for result in results
        for each in result.leftovers
    ]
