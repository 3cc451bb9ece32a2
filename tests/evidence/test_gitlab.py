"""Evidence from GitLab: jobs, approvals and issues."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lockstitch.evidence.forges import forge_types
from tests.evidence.conftest import NEW, Judge, Sources
from tests.evidence.stand_in import StandInForge

AT = "/api/v4/projects/acme%2Fapi"
JOBS = f"{AT}/repository/commits/{NEW}/statuses"


@pytest.fixture
def sources(forge: StandInForge, tmp_path: Path) -> Sources:
    return Sources(forge_types()["gitlab"].model_validate({"gitlab": "env:FORGE_TOKEN", "url": forge.url}), tmp_path)


def job(name: str, status: str = "success", **more: Any) -> dict[str, Any]:
    return {"name": name, "status": status, "sha": NEW, "allow_failure": False, **more}


@pytest.mark.parametrize(
    ("jobs", "result"),
    [
        ([job("tests"), job("deploy", "manual"), job("lint", "failed", allow_failure=True)], "pass"),
        ([job("tests"), job("lint", "failed")], "fail"),
        ([job("tests"), job("lint", "running")], "inconclusive"),
        ([job("tests"), job("lint", "canceled")], "inconclusive"),
        ([job("tests", sha="9" * 40)], "inconclusive"),
        ([], "inconclusive"),
    ],
)
def test_jobs(forge: StandInForge, judge: Judge, jobs: list[Any], result: str) -> None:
    forge.pages[JOBS] = jobs
    assert judge("ci", "green").result == result


def test_a_required_job_that_may_fail_proves_nothing(forge: StandInForge, judge: Judge) -> None:
    forge.pages[JOBS] = [job("tests"), job("lint", "failed", allow_failure=True)]
    assert judge("ci", {"required": ["lint"]}).result == "inconclusive"


def approved(forge: StandInForge, *approvals: tuple[str, str | None], pushed: str = "2026-11-20T10:00:00Z") -> None:
    request = {"iid": 7, "state": "merged", "sha": "h" * 40, "squash_commit_sha": NEW, "author": {"username": "ada"}}
    forge.pages[f"{AT}/repository/commits/{NEW}/merge_requests"] = [{"iid": 8, "state": "opened"}, request]
    by = [{"user": {"username": who, "name": who.title()}, "approved_at": at} for who, at in approvals]
    forge.pages[f"{AT}/merge_requests/7/approvals"] = {"approved_by": by}
    forge.pages[f"{AT}/merge_requests/7/versions"] = [{"created_at": pushed}, {"created_at": "2026-11-01T10:00:00Z"}]
    forge.pages[f"{AT}/merge_requests/7/reviewers"] = [{"user": {"username": "dan"}, "state": "reviewed"}]
    forge.pages[f"{AT}/merge_requests/7/commits"] = [commit_of("Cleo")]
    forge.pages[f"{AT}/members/all"] = [{"name": name.title(), "username": name} for name in ("ada", "bob", "cleo")]


def commit_of(name: str, message: str = "a change", mail: str = "") -> dict[str, Any]:
    return {"author_name": name, "author_email": mail or f"{name}@example.com", "message": message}


def test_approvals_after_the_last_push_count(forge: StandInForge, judge: Judge) -> None:
    approved(forge, ("bob", "2026-11-21T10:00:00.000Z"), ("dan", "2026-11-22T10:00:00.000+01:00"))
    assert judge("reviews", 2).result == "pass"
    approved(forge, ("bob", "2026-11-21T10:00:00.000Z"), ("dan", "2026-11-19T10:00:00.000Z"))
    found = judge("reviews", 2)
    assert found.result == "fail" and "1 of an older commit" in found.reason


def test_the_author_and_bots_do_not_count(forge: StandInForge, judge: Judge) -> None:
    approved(forge, *((who, "2026-11-21T10:00:00Z") for who in ("ada", "cleo", "project_9_bot_1f")))
    found = judge("reviews", 1)
    assert found.result == "fail" and "2 of an author, 1 of a bot" in found.reason


@pytest.mark.parametrize(
    ("commit", "result"),
    [
        (commit_of("Cleo", "x\n\nCo-authored-by: BOB <b@home.example>"), "fail"),
        (commit_of("Robert", mail="7-bob@users.noreply.127.0.0.1"), "fail"),
        (commit_of("Robert"), "inconclusive"),
        (commit_of("Cleo", "x\n\nCo-authored-by: Robert <r@home.example>"), "inconclusive"),
        ({"author_name": "Cleo", "author_email": "c@example.com"}, "inconclusive"),
    ],
)
def test_who_wrote_it_by_name_or_address(forge: StandInForge, judge: Judge, commit: Any, result: str) -> None:
    approved(forge, ("bob", "2026-11-21T10:00:00Z"))
    forge.pages[f"{AT}/merge_requests/7/commits"] = [commit]
    assert judge("reviews", 1).result == result


def test_members_that_cannot_be_read_are_inconclusive(forge: StandInForge, judge: Judge) -> None:
    approved(forge, ("bob", "2026-11-21T10:00:00Z"))
    del forge.pages[f"{AT}/members/all"]
    assert judge("reviews", 1).result == "inconclusive"


def test_somebody_who_asked_for_changes_refuses_it(forge: StandInForge, judge: Judge) -> None:
    approved(forge, ("bob", "2026-11-21T10:00:00Z"))
    forge.pages[f"{AT}/merge_requests/7/reviewers"] = [{"user": {"username": "dan"}, "state": "requested_changes"}]
    found = judge("reviews", 1)
    assert found.result == "fail" and "dan asked for changes" in found.reason
    del forge.pages[f"{AT}/merge_requests/7/reviewers"]
    assert judge("reviews", 1).result == "inconclusive"


def test_an_approval_without_a_time_is_inconclusive(forge: StandInForge, judge: Judge) -> None:
    approved(forge, ("bob", None))
    found = judge("reviews", 1)
    assert found.result == "inconclusive" and "does not say when bob approved !7" in found.reason


def test_versions_that_are_not_there_are_inconclusive(forge: StandInForge, judge: Judge) -> None:
    approved(forge, ("bob", "2026-11-21T10:00:00Z"))
    forge.pages[f"{AT}/merge_requests/7/versions"] = []
    assert judge("reviews", 1).result == "inconclusive"


def test_open_issues(forge: StandInForge, judge: Judge) -> None:
    forge.pages |= {f"{AT}/labels": [{"name": "P0"}], f"{AT}/issues": [{"iid": 1}]}
    assert judge("open_issues", {"label": "P0"}).result == judge("open_issues", {"label": "p0"}).result == "fail"
    # Spelled in another way it would have none there.
    assert all("labels=P0" in path for path, _ in forge.asked if "/issues" in path)
    assert judge("open_issues", {"label": "P1"}).result == "inconclusive"


def test_security_alerts_are_not_asked(judge: Judge) -> None:
    found = judge("security_alerts", 0)
    assert found.result == "inconclusive" and "gitlab is not asked about security alerts" in found.reason
