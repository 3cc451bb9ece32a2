"""Evidence from GitHub: checks, reviews, issues and alerts, well and broken."""

from __future__ import annotations

from typing import Any

import pytest

from lockstitch.evidence import need_types
from lockstitch.evidence.forges import forge_types
from lockstitch.evidence.forges.base import MOST_PAGES, UnknownEvidenceError
from tests.evidence.conftest import API, NEW, OLD, Judge, Sources, commit_of
from tests.evidence.stand_in import TOKEN, Answer, StandInForge

AT = "/repos/acme/api"
RUNS, STATUS = f"{AT}/commits/{NEW}/check-runs", f"{AT}/commits/{NEW}/status"


def run(name: str, conclusion: str | None = "success", status: str = "completed", sha: str = NEW) -> dict[str, Any]:
    return {"name": name, "status": status, "conclusion": conclusion, "head_sha": sha}


def checks(forge: StandInForge, *runs: dict[str, Any], statuses: tuple[tuple[str, str], ...] = ()) -> None:
    """Give the commit these checks and statuses."""
    forge.pages[RUNS] = {"total_count": len(runs), "check_runs": list(runs)}
    forge.pages[STATUS] = {"state": "x", "statuses": [{"context": name, "state": state} for name, state in statuses]}


def test_green_checks_pass(forge: StandInForge, judge: Judge) -> None:
    checks(forge, run("tests"), run("docs", "skipped"), statuses=(("codecov", "success"),))
    found = judge("ci", "green")
    assert (found.name, found.result) == ("ci", "pass")
    assert found.reason == f"2 checks of {NEW[:12]} have passed; 1 were skipped or may fail"


@pytest.mark.parametrize("conclusion", ["failure", "timed_out", "startup_failure"])
def test_a_failed_check_fails(forge: StandInForge, judge: Judge, conclusion: str) -> None:
    checks(forge, run("tests"), run("lint", conclusion), run("slow", None, "in_progress"))
    found = judge("ci", "green")
    assert found.result == "fail" and "lint failed" in found.reason


@pytest.mark.parametrize("state", ["failure", "error"])
def test_a_failed_status_fails(forge: StandInForge, judge: Judge, state: str) -> None:
    checks(forge, run("tests"), statuses=(("old ci", state),))
    assert judge("ci", "green").result == "fail"


@pytest.mark.parametrize(
    ("runs", "says"),
    [
        ([run("tests"), run("slow", None, "in_progress")], "slow still runs"),
        ([run("slow", None, "queued")], "slow still runs"),
        ([run("tests"), run("gate", "cancelled")], "gate (cancelled) proves nothing"),
        ([run("tests"), run("gate", "action_required")], "gate (action_required) proves nothing"),
        ([run("tests"), run("gate", "stale")], "gate (stale) proves nothing"),
        ([run("tests"), run("gate", "something new")], "gate (something new) proves nothing"),
        ([run("docs", "skipped")], "every check was skipped"),
        ([], "there are no checks"),
    ],
)
def test_checks_that_prove_nothing(forge: StandInForge, judge: Judge, runs: list[Any], says: str) -> None:
    checks(forge, *runs)
    found = judge("ci", "green")
    assert found.result == "inconclusive" and says in found.reason


def test_a_pending_status_is_inconclusive(forge: StandInForge, judge: Judge) -> None:
    checks(forge, run("tests"), statuses=(("old ci", "pending"),))
    assert judge("ci", "green").result == "inconclusive"


def test_a_required_check_must_be_there_and_not_skipped(forge: StandInForge, judge: Judge) -> None:
    checks(forge, run("tests"), run("lint", "skipped"))
    assert judge("ci", {"required": ["tests"]}).result == "pass"
    skipped, missing = judge("ci", {"required": ["lint"]}), judge("ci", {"required": ["e2e"]})
    assert skipped.result == missing.result == "inconclusive"
    assert "lint is required and was skipped" in skipped.reason and "e2e is required" in missing.reason


def test_every_page_is_read(forge: StandInForge, judge: Judge) -> None:
    checks(forge)
    forge.pages[RUNS] = ({"check_runs": [run("tests")]}, {"check_runs": [run("last", "failure")]})
    found = judge("ci", "green")
    assert found.result == "fail" and "last failed" in found.reason
    assert forge.asked[1][0].startswith(RUNS) and "after=2" in forge.asked[1][0]


def test_a_list_without_an_end_is_inconclusive(forge: StandInForge, judge: Judge) -> None:
    checks(forge)
    forge.pages[RUNS] = tuple({"check_runs": [run("tests")]} for _ in range(MOST_PAGES + 1))
    found = judge("ci", "green")
    assert found.result == "inconclusive" and f"more than {MOST_PAGES} pages" in found.reason


def test_a_page_that_fails_is_no_end(forge: StandInForge, judge: Judge, sources: Sources) -> None:
    checks(forge)
    forge.pages[RUNS] = ({"check_runs": [run("tests")]}, "<html>")
    assert judge("ci", "green").result == "inconclusive"


def test_checks_of_another_commit_are_not_taken(forge: StandInForge, judge: Judge) -> None:
    checks(forge, run("tests", sha=OLD))
    assert judge("ci", "green").result == "inconclusive"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer({"message": "API rate limit exceeded for user ID 1."}, 403), "asked too often: it answered 403"),
        (Answer({"message": "You have exceeded a secondary rate limit"}, 429), "asked too often: it answered 429"),
        (Answer({"message": "Resource not accessible by personal access token"}, 403), "the token may not read that"),
        (Answer({"message": "Not Found"}, 404), "the token may not read it: it answered 404"),
        (Answer({"message": "moved"}, 301), "answered 301"),
        (Answer("oops", 502), "answered 502"),
        (Answer("<html>login</html>"), "none of the API"),
        (Answer([]), "none of the API"),
        (Answer({"check_runs": None}), "none of the API"),
        (Answer({"check_runs": ["x"]}), "none of the API"),
        (Answer({"check_runs": [{"name": ["x"]}]}), "none of the API"),
        (Answer("[" * 100_000), "none of the API"),
    ],
)
def test_an_answer_that_proves_nothing(forge: StandInForge, judge: Judge, answer: Answer, says: str) -> None:
    checks(forge)
    forge.pages[RUNS] = answer
    found = judge("ci", "green")
    assert found.result == "inconclusive" and says in found.reason


def test_a_token_that_is_refused_or_missing(forge: StandInForge, judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    checks(forge, run("tests"))
    monkeypatch.setenv("FORGE_TOKEN", "ghp_another")
    refused = judge("ci", "green")
    assert refused.result == "inconclusive" and "does not accept the token" in refused.reason
    assert "ghp_another" not in refused.reason + refused.hint


def test_a_token_that_is_not_set(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORGE_TOKEN")
    found = judge("ci", "green")
    assert found.result == "inconclusive" and "env:FORGE_TOKEN" in found.reason


def test_a_forge_that_is_away(forge: StandInForge, judge: Judge) -> None:
    forge.server.shutdown()
    forge.server.server_close()
    found = judge("ci", "green")
    assert found.result == "inconclusive" and "cannot be reached" in found.reason
    assert TOKEN not in found.reason


def test_the_token_is_in_a_header_alone(forge: StandInForge, judge: Judge) -> None:
    checks(forge, run("tests"))
    found = judge("ci", "green")
    assert all(TOKEN not in path for path, _ in forge.asked) and TOKEN not in str(found)


def test_no_forge_is_inconclusive(judge: Judge, sources: Sources) -> None:
    sources._forge = None
    assert "names no forge" in judge("ci", "green").reason


# Reviews.


def review(who: str, state: str = "APPROVED", commit: str = "h" * 40, **more: Any) -> dict[str, Any]:
    user = {"login": who, "type": more.pop("type", "User")}
    return {"user": user, "state": state, "commit_id": commit, "author_association": "MEMBER", **more}


def pull(number: int = 12, commit: str = NEW, **more: Any) -> dict[str, Any]:
    about = {"number": number, "merged_at": "2026-11-28T10:00:00Z", "merge_commit_sha": commit}
    return {**about, "user": {"login": "ada"}, "head": {"sha": "h" * 40}, **more}


def reviewed(forge: StandInForge, *reviews: dict[str, Any], pulls: list[Any] | None = None) -> None:
    forge.pages[f"{AT}/commits/{NEW}/pulls"] = [pull()] if pulls is None else pulls
    forge.pages[f"{AT}/pulls/12/commits"] = [commit_of("cleo")]
    forge.pages[f"{AT}/pulls/12/reviews"] = list(reviews)


def test_two_approvals_of_others_pass(forge: StandInForge, judge: Judge) -> None:
    reviewed(forge, review("bob"), review("dan"), review("eve", "COMMENTED"))
    found = judge("reviews", 2)
    assert (found.result, found.reason) == ("pass", "#12 have 2 approvals each")


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (review("ada"), "1 of an author"),
        (review("cleo"), "1 of an author"),
        (review("renovate[bot]", type="Bot"), "1 of a bot"),
        (review("dan", commit="0" * 40), "1 of an older commit"),
        (review("dan", "DISMISSED"), "1 dismissed"),
        (review("dan", author_association="NONE"), "1 of who may not merge"),
        (review("dan", author_association="CONTRIBUTOR"), "1 of who may not merge"),
        (review("bob"), "#12 has 1 approvals, and needs 2"),
        (review("dan", "PENDING"), "#12 has 1 approvals, and needs 2"),
    ],
)
def test_approvals_that_do_not_count(forge: StandInForge, judge: Judge, second: Any, says: str) -> None:
    reviewed(forge, review("bob"), second)
    found = judge("reviews", 2)
    assert found.result == "fail" and says in found.reason


def test_the_last_word_of_a_person_counts(forge: StandInForge, judge: Judge) -> None:
    reviewed(forge, review("bob"), review("bob", "CHANGES_REQUESTED"), review("bob", "COMMENTED"))
    found = judge("reviews", 1)
    assert found.result == "fail" and "bob asked for changes" in found.reason
    reviewed(forge, review("bob", "CHANGES_REQUESTED"), review("bob"))
    assert judge("reviews", 1).result == "pass"


def test_a_squashed_pull_request_is_that_of_its_commit(forge: StandInForge, judge: Judge) -> None:
    # The commit is in an open one too, and in one that was merged elsewhere later.
    others = [pull(13, merged_at=None), pull(14, merge_commit_sha="f" * 40)]
    reviewed(forge, review("bob"), pulls=[*others, pull()])
    assert judge("reviews", 1).result == "pass"
    assert not any("/pulls/13" in path or "/pulls/14" in path for path, _ in forge.asked)


def test_a_commit_without_a_pull_request_fails(forge: StandInForge, judge: Judge) -> None:
    reviewed(forge, pulls=[pull(merged_at=None)])
    found = judge("reviews", 1)
    assert found.result == "fail" and f"{NEW[:12]} came in without a pull request" in found.reason


def test_reviews_that_cannot_be_read_are_inconclusive(forge: StandInForge, judge: Judge) -> None:
    reviewed(forge, review("bob"))
    del forge.pages[f"{AT}/pulls/12/reviews"]
    assert judge("reviews", 1).result == "inconclusive"
    reviewed(forge, review("bob"))
    del forge.pages[f"{AT}/pulls/12/commits"]
    assert judge("reviews", 1).result == "inconclusive"


@pytest.mark.parametrize(
    ("commit", "result", "says"),
    [
        # With an account, they are not among those who approved.
        (commit_of("cleo", "x\n\nCo-authored-by: Eve <7+eve@users.noreply.127.0.0.1>"), "pass", ""),
        (commit_of("cleo", "x\n\nCo-authored-by: Dan <7+Dan@users.noreply.127.0.0.1>"), "fail", "1 of an author"),
        (commit_of("cleo", "x\n\n co-Authored-By:Dan <dan@noreply.127.0.0.1>\r\n"), "fail", "1 of an author"),
        (commit_of("", mail="DAN@old.example.com"), "fail", "1 of an author"),
        (commit_of("cleo", committer="dan"), "fail", "1 of an author"),
        # Nobody can tell whether these are.
        (commit_of("", mail="d@home.example"), "inconclusive", "have no account there: #12 (d@home.example)"),
        (commit_of("cleo", committer=""), "inconclusive", "#12 (@example.com)"),
        (commit_of("cleo", "x\n\nCo-authored-by: D <d@home.example>"), "inconclusive", "#12 (D <d@home.example>)"),
        (commit_of("cleo", "x\n\nCo-authored-by: D <1+dan@users.noreply.evil127.0.0.1>"), "inconclusive", "evil127"),
        ({"author": {"login": "cleo"}, "committer": None}, "inconclusive", "none of the API"),
    ],
)
def test_who_wrote_it_with_an_account_or_without(
    forge: StandInForge, sources: Sources, judge: Judge, commit: Any, result: str, says: str
) -> None:
    sources._forge = sources._forge.model_copy(update={"accounts": {"dan@old.example.com": "Dan"}})  # type: ignore
    reviewed(forge, review("bob"), review("dan"))
    forge.pages[f"{AT}/pulls/12/commits"] = [commit]
    found = judge("reviews", 2)
    assert (found.result, says in found.reason) == (result, True), found
    # At worst a stranger is one of them, and the others are enough.
    assert judge("reviews", 1).result == ("pass" if "API" not in says else "inconclusive")


def test_an_address_with_an_account_in_another_commit_is_no_stranger(forge: StandInForge, judge: Judge) -> None:
    reviewed(forge, review("bob"), review("dan"))
    trailer = "x\n\nCo-authored-by: Somebody <Eve@home.example>"
    forge.pages[f"{AT}/pulls/12/commits"] = [commit_of("eve", mail="eve@home.example"), commit_of("cleo", trailer)]
    assert judge("reviews", 2).result == "pass"


def test_more_commits_than_github_lists_have_unknown_authors(forge: StandInForge, judge: Judge) -> None:
    reviewed(forge, review("bob"))
    page = [commit_of("cleo")] * 125
    forge.pages[f"{AT}/pulls/12/commits"] = (page, page)
    found = judge("reviews", 1)
    assert found.result == "inconclusive" and "250 commits or more" in found.reason


def test_a_first_deploy_has_no_pull_requests(judge: Judge) -> None:
    assert judge("reviews", 1, before=()).result == "inconclusive"


def test_more_commits_than_anybody_reads(judge: Judge, sources: Sources) -> None:
    sources.known.between = tuple(f"{n:040d}" for n in range(301))
    assert judge("reviews", 1).result == "inconclusive"


# Issues and alerts.


def test_open_issues_are_counted_without_pull_requests(forge: StandInForge, judge: Judge) -> None:
    forge.pages[f"{AT}/labels"] = [{"name": "P0"}]
    forge.pages[f"{AT}/issues"] = ([{"number": 1, "pull_request": {"url": "x"}}], [{"number": 2}])
    found = judge("open_issues", {"label": "P0"})
    assert (found.result, judge("open_issues", {"label": "p0", "max": 1}).result) == ("fail", "pass")
    assert "1 issues with the label P0 are open in acme/api" in found.reason


def test_a_label_that_is_not_there_is_inconclusive(forge: StandInForge, judge: Judge) -> None:
    forge.pages |= {f"{AT}/labels": [{"name": "P1"}], f"{AT}/issues": []}
    found = judge("open_issues", {"label": "P0"})
    assert found.result == "inconclusive" and "no label P0" in found.reason


def test_security_alerts_of_each_kind(forge: StandInForge, judge: Judge) -> None:
    forge.pages[f"{AT}/dependabot/alerts"] = ([{"number": 1}], [{"number": 2}])
    forge.pages[f"{AT}/code-scanning/alerts"] = []
    forge.pages[f"{AT}/secret-scanning/alerts"] = []
    found = judge("security_alerts", 0)
    assert found.result == "fail" and "dependabot 2" in found.reason
    assert judge("security_alerts", 2).result == "pass"
    # These have cursors, and refuse the number of a page.
    assert not any("page=1" in path.replace("per_page=100", "") for path, _ in forge.asked)


def test_alerts_that_are_off_are_inconclusive(forge: StandInForge, judge: Judge) -> None:
    forge.pages[f"{AT}/dependabot/alerts"] = []
    found = judge("security_alerts", 0)
    assert found.result == "inconclusive" and "code_scanning is off in acme/api" in found.reason
    assert judge("security_alerts", {"max": 0, "of": ["dependabot"]}).result == "pass"
    assert judge("security_alerts", {"of": ["nonsense"]}).result == "inconclusive"


@pytest.mark.parametrize(
    ("repository", "project"),
    [
        ("git@127.0.0.1:acme/api.git", "acme/api"),
        ("git@work:acme/api.git", "acme/api"),
        ("git@127.0.0.1-work:acme/api.git", "acme/api"),
        ("ssh://git@ssh.127.0.0.1:443/acme/api.git", "acme/api"),
        ("https://127.0.0.1/acme/api.git", "acme/api"),
        ("ssh://git@127.0.0.1:2222/group/sub/api", "group/sub/api"),
        ("https://127.0.0.1/acme/..%2f..%2fx", "acme/..%252f..%252fx"),
    ],
)
def test_the_project_is_told_by_the_repository(
    forge: StandInForge, sources: Sources, judge: Judge, repository: str, project: str
) -> None:
    sources.ssh_hosts["work"] = "127.0.0.1"
    judge("ci", "green", repository=repository)
    assert forge.asked[0][0].startswith(f"/repos/{project}/commits/")


@pytest.mark.parametrize(
    "repository",
    [
        *("/srv/git/api.git", "file:///srv/git/api", "git@127.0.0.1:api.git"),
        *("git@github.com:acme/api.git", "https://gitlab.example.com/acme/api", "git@work:acme/api.git"),
        # Names that only contain the forge's, and an alias that no https has.
        *("git@evil127.0.0.1:acme/api.git", "git@127.0.0.1.evil.org:acme/api.git", "git@a.127.0.0.1:acme/api.git"),
        *("git@127.0.0.1-evil.org:acme/api.git", "https://127.0.0.1-evil/acme/api", "git@elsewhere:acme/api.git"),
    ],
)
def test_a_repository_that_tells_no_project(
    forge: StandInForge, sources: Sources, judge: Judge, repository: str
) -> None:
    sources.ssh_hosts["elsewhere"] = "evil.org"
    found = judge("ci", "green", repository=repository)
    assert found.result == "inconclusive" and "cannot be told from its repository" in found.reason
    assert not forge.asked


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://api.github.com", "github.com"),
        ("https://api.acme.ghe.com", "acme.ghe.com"),
        ("https://git.acme.com/api/v3", "git.acme.com"),
    ],
)
def test_the_host_of_the_repositories(url: str, host: str) -> None:
    github = forge_types()["github"].model_validate({"github": "env:T", "url": url})
    assert github.project("api", f"git@{host}:acme/api.git", str) == "acme/api"
    with pytest.raises(UnknownEvidenceError):
        github.project("api", f"git@evil{host}:acme/api.git", str)


def test_every_need_is_judged_without_a_defect(forge: StandInForge, judge: Judge) -> None:
    for key, need in need_types().items():
        for written in need.examples:
            assert judge(key, written).result in ("pass", "fail", "inconclusive")
    assert API.app == "api"
