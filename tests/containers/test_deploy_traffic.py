"""No request is dropped, and none is answered by the wrong revision once a host's gates have passed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.containers import edits, expect, truth
from tests.containers.fleet import Fleet
from tests.containers.project import Project, Ran
from tests.containers.repos import Repository
from tests.containers.traffic import Answer, Traffic

Repositories = dict[str, Repository]


@dataclass(frozen=True)
class Window:
    """The time in which a host changed from one revision to another; between, while it lasts, it may serve either."""

    began: float
    ended: float
    before: str
    between: str
    after: str


def test_no_request_is_dropped_by_deploy_failed_deploy_and_rollback(
    project: Project, fleet: Fleet, repositories: Repositories
) -> None:
    project.with_one_frontend()
    for app in ("api", "webapp"):
        project.app(app)["health"]["tries"] = 3
    at_once, one_by_one = {"batch": "all"}, {"batch": 1}
    project.inventory["rollout"] = at_once
    expect.done(project.deploy("v1"))
    windows: dict[str, list[Window]] = {name: [] for name in project.hosts}

    def change(ran: Ran, ref: str, after: str, code: int = 0) -> None:
        assert ran.code == code, ran.said
        note(windows, project, repositories, ref, after)

    with Traffic([fleet[name] for name in project.hosts]) as traffic:
        project.inventory["rollout"] = one_by_one
        change(project.deploy("v2"), "v2", "v2")
        # Every host of a group is switched before the gate says no, and goes back.
        project.inventory["rollout"] = at_once
        for group in ("backend", "frontend"):
            failed = project.deploy(edits.FAILING_HEALTH, on=f"prod:{group}")
            change(failed, edits.FAILING_HEALTH, "v2", code=5)
        project.inventory["rollout"] = one_by_one
        change(project.rollback("--tag", "v1"), "v1", "v1")

    assert traffic.failed == []
    for name in project.hosts:
        answers = traffic.of(name)
        seen = {window.between for window in windows[name]}
        assert {each.revision for each in answers} == seen, "the clients did not meet every change"
        assert len(windows[name]) == 3
        assert wrong(answers, windows[name]) == []
    expect.fleet_on("v1", project, repositories)


def note(windows: dict[str, list[Window]], project: Project, repositories: Repositories, ref: str, after: str) -> None:
    """Add to each host the window in which the last run changed it, as its journal tells."""
    events = list(project.events())
    for name, seen in windows.items():
        begun = [each for each in events if each["event"] == "begin" and each["host"] == name]
        steps = [each for each in begun if each["name"] == "reload"]
        if not steps:
            continue
        revisions = repositories[truth.APP_OF[name]].revisions
        gates = [each for each in events if each["event"] == "gate" and each["site"].endswith(f"@{name}")]
        ended = gates[-1] if ref == after else events[-1]
        before = seen[-1].after if seen else revisions["v1"]
        seen.append(Window(moment(steps[0]), moment(ended), before, revisions[ref], revisions[after]))


def moment(event: dict[str, Any]) -> float:
    """When an event was recorded, in seconds since the epoch."""
    return datetime.fromisoformat(event["at"]).timestamp()


def wrong(answers: Sequence[Answer], windows: Sequence[Window]) -> list[Answer]:
    """The answers from a revision that a host had no more, or not yet, when it was asked."""
    return [each for each in answers if each.revision not in allowed(each, windows)]


def allowed(answer: Answer, windows: Sequence[Window]) -> set[str]:
    """The revisions that may answer a request, by when it was sent and when it was answered."""
    may = {windows[0].before}
    for window in windows:
        if answer.ended < window.began:
            break
        may = {window.after} if answer.began > window.ended else may | {window.between, window.after}
    return may
