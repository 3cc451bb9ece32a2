"""Evidence from Gitea: statuses, reviews and issues."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lockstitch.evidence.forges import forge_types
from tests.evidence.conftest import NEW, Judge, Sources, commit_of
from tests.evidence.stand_in import Answer, StandInForge

AT = "/api/v1/repos/acme/api"
STATUS = f"{AT}/commits/{NEW}/status"


@pytest.fixture
def sources(forge: StandInForge, tmp_path: Path) -> Sources:
    return Sources(forge_types()["gitea"].model_validate({"gitea": "env:FORGE_TOKEN", "url": forge.url}), tmp_path)


def statuses(*known: tuple[str, str]) -> dict[str, Any]:
    return {"statuses": [{"context": name, "status": state} for name, state in known]}


@pytest.mark.parametrize(
    ("known", "result"),
    [
        ((("tests", "success"), ("lint", "warning")), "pass"),
        ((("tests", "success"), ("lint", "error")), "fail"),
        ((("tests", "success"), ("lint", "pending")), "inconclusive"),
        ((), "inconclusive"),
    ],
)
def test_statuses(forge: StandInForge, judge: Judge, known: tuple[tuple[str, str], ...], result: str) -> None:
    forge.pages[STATUS] = statuses(*known)
    assert judge("ci", "green").result == result


def test_no_status_at_all_is_null_there(forge: StandInForge, judge: Judge) -> None:
    forge.pages[STATUS] = Answer({"statuses": None, "state": ""})
    assert "there are no checks" in judge("ci", "green").reason


def test_pages_end_with_an_empty_one(forge: StandInForge, judge: Judge) -> None:
    forge.pages[STATUS] = (statuses(("tests", "success")), statuses(("last", "failure")))
    found = judge("ci", "green")
    assert found.result == "fail" and "last failed" in found.reason and "page=3" in forge.asked[2][0]


def reviewed(forge: StandInForge, *reviews: dict[str, Any]) -> None:
    forge.pages[f"{AT}/commits/{NEW}/pull"] = {"number": 5, "head": {"sha": "h" * 40}, "user": {"login": "ada"}}
    forge.pages[f"{AT}/pulls/5/commits"] = [commit_of("cleo", committer="cleo")]
    forge.pages[f"{AT}/pulls/5/reviews"] = list(reviews)


def review(who: str, **more: Any) -> dict[str, Any]:
    about = {"state": "APPROVED", "commit_id": "h" * 40, "official": True, "stale": False, "dismissed": False}
    return {"user": {"login": who}, **about, **more}


def test_official_approvals_count(forge: StandInForge, judge: Judge) -> None:
    reviewed(forge, review("bob"), review("dan"))
    assert judge("reviews", 2).result == "pass"


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (review("dan", official=False), "1 of who may not merge"),
        (review("dan", stale=True), "1 of an older commit"),
        (review("dan", dismissed=True), "1 dismissed"),
        (review("cleo"), "1 of an author"),
        (review("dan", state="REQUEST_CHANGES"), "dan asked for changes"),
    ],
)
def test_approvals_that_do_not_count(forge: StandInForge, judge: Judge, second: Any, says: str) -> None:
    reviewed(forge, review("bob"), second)
    found = judge("reviews", 2)
    assert found.result == "fail" and says in found.reason


@pytest.mark.parametrize(
    ("commit", "result"),
    [
        (commit_of("cleo", "x\n\nCo-authored-by: Dan <dan@noreply.127.0.0.1>", committer="cleo"), "fail"),
        (commit_of("cleo", "x\n\nCo-authored-by: Dan <dan@home.example>", committer="cleo"), "inconclusive"),
        (commit_of("", mail="dan@home.example", committer="cleo"), "inconclusive"),
    ],
)
def test_who_wrote_it_without_an_account(forge: StandInForge, judge: Judge, commit: Any, result: str) -> None:
    reviewed(forge, review("bob"), review("dan"))
    forge.pages[f"{AT}/pulls/5/commits"] = [commit]
    assert (judge("reviews", 2).result, judge("reviews", 1).result) == (result, "pass")


def test_a_commit_without_a_pull_request_is_a_404_there(judge: Judge) -> None:
    assert judge("reviews", 1).result == "inconclusive"


def test_open_issues(forge: StandInForge, judge: Judge) -> None:
    forge.pages |= {f"{AT}/labels": [{"name": "P0"}], f"{AT}/issues": [{"number": 1}]}
    assert judge("open_issues", {"label": "P0", "max": 1}).result == "pass"
    assert judge("open_issues", {"label": "P1"}).result == "inconclusive"
