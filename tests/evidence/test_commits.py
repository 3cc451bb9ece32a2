"""Needs about commits and coverage, and the clone that is asked about them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lockstitch.engine import commit_clone
from lockstitch.engine.commit_clone import CommitClone
from lockstitch.evidence import UnknownEvidenceError, need_types
from lockstitch.evidence.coverage import covered
from tests.evidence.conftest import MAIN, NEW, OLD, Judge, Sources

LCOV = "TN:\nSF:a.py\nLF:10\nLH:9\nend_of_record\nSF:b.py\nLF:10\nLH:8\nend_of_record\n"


def test_a_revision_that_is_merged(judge: Judge, sources: Sources) -> None:
    assert judge("contained_in", "main").result == "pass"
    sources.known.ancestors.discard((NEW, MAIN))
    found = judge("contained_in", "main")
    assert found.result == "fail" and found.hint == "merge it to main"


def test_a_revision_that_has_all_of_a_branch(judge: Judge, sources: Sources) -> None:
    assert judge("contains", "origin/main").result == "fail"
    sources.known.ancestors.add((MAIN, NEW))
    assert judge("contains", "origin/main").result == "pass"


def test_files_that_change(judge: Judge, sources: Sources) -> None:
    assert judge("changed", ["CHANGELOG.md", "src/*"]).result == "pass"
    found = judge("changed", ["CHANGELOG.md", "docs/*"])
    assert found.result == "fail" and found.reason.startswith("docs/* is the same as in")
    sources.known.paths = ("app/[id]/page.tsx",)
    assert judge("changed", ["app/[id]/page.tsx"]).result == "pass"
    assert judge("changed", ["x"], before=()).result == "inconclusive"
    assert judge("changed", ["x"], before=(NEW,)).result == "pass"


def test_limits_of_a_hotfix(judge: Judge) -> None:
    assert judge("limits", {"commits": 1, "files": 2}).result == "pass"
    found = judge("limits", {"commits": 0, "files": 1})
    assert (found.result, found.reason) == ("fail", "1 commits, 2 files come, and at most 0 commits, 1 files may")
    assert judge("limits", {"files": 1}, before=()).result == "inconclusive"


@pytest.mark.parametrize(
    ("path", "text", "result"),
    [
        ("coverage.json", '{"totals": {"percent_covered": 84.21}}', "pass"),
        ("coverage.json", '{"totals": {"percent_covered": 79.99}}', "fail"),
        ("coverage/coverage-summary.json", '{"total": {"lines": {"pct": 90}}}', "pass"),
        ("coverage.xml", '<?xml version="1.0"?><coverage line-rate="0.85"/>', "pass"),
        ("coverage/lcov.info", LCOV, "pass"),
        ("coverage.json", '{"totals": {"percent_covered": "99"}}', "inconclusive"),
        ("coverage.json", '{"totals": {"percent_covered": NaN}}', "inconclusive"),
        ("coverage.xml", "<html/>", "inconclusive"),
        ("coverage.xml", "<coverage", "inconclusive"),
        ("coverage/lcov.info", "", "inconclusive"),
        ("another.json", '{"totals": {"percent_covered": 99}}', "inconclusive"),
    ],
)
def test_coverage(judge: Judge, sources: Sources, path: str, text: str, result: str) -> None:
    sources.known.files[path] = text
    assert judge("coverage", "80%").result == result


@given(st.text())
def test_no_report_is_a_defect(text: str) -> None:
    share = covered(text)
    assert share is None or 0 <= share <= 100


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("ci", "red"),
        ("reviews", 0),
        ("reviews", True),
        ("reviews", "2"),
        ("contained_in", "-upload-pack=x"),
        ("contained_in", "a b"),
        ("changed", []),
        ("limits", {}),
        ("coverage", "80"),
        ("coverage", "101%"),
        ("coverage", {"min": "80%", "file": "a/../../b"}),
        ("coverage", {"min": "80%", "file": "/etc/passwd"}),
        ("passed_in", {}),
        ("passed_in", {"staging": "soon"}),
        ("passed_in", {"../staging": "7d"}),
        ("open_issues", {"label": ""}),
        ("security_alerts", -1),
    ],
)
def test_what_cannot_be_meant_is_refused(key: str, written: object) -> None:
    with pytest.raises(ValidationError):
        need_types()[key].model_validate(written)


# The clone.

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Calls git in a repository with two commits on main, and one on a branch."""
    origin = tmp_path / "origin"
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]

    def git(*words: str) -> str:
        ran = subprocess.run(["git", "-C", str(origin), *who, *words], check=True, capture_output=True, text=True)
        return ran.stdout.strip()

    origin.mkdir()
    git("init", "-q", "-b", "main")
    for name in ("first", "second"):
        (origin / f"{name}.txt").write_text(name)
        git("add", ".")
        git("commit", "-qm", name)
    git("checkout", "-qb", "side", "HEAD~1")
    git("commit", "-q", "--allow-empty", "-m", "side")
    git("checkout", "-q", "main")
    return git


@pytest.fixture
def clone(git: Git, tmp_path: Path) -> CommitClone:
    return CommitClone(tmp_path / "clones", str(tmp_path / "origin"))


def test_a_clone_knows_branches_and_ancestors(git: Git, clone: CommitClone) -> None:
    first, second, side = git("rev-parse", "HEAD~1"), git("rev-parse", "HEAD"), git("rev-parse", "side")
    assert clone.branch("main") == clone.branch("origin/main") == second
    assert clone.is_ancestor(first, second) and not clone.is_ancestor(side, second)
    assert clone.commits((first,), second) == (second,) and clone.commits((side,), second) == (second,)
    assert clone.changed(first, second) == ("second.txt",)
    assert (clone.file(first, "first.txt"), clone.file(first, "second.txt")) == ("first", None)
    assert clone.file(first, ":(top)*") is None


def test_first_parents_leave_out_what_was_merged(git: Git, clone: CommitClone) -> None:
    before = git("rev-parse", "HEAD")
    git("merge", "-q", "--no-ff", "-m", "merged", "side")
    after = git("rev-parse", "HEAD")
    assert clone.commits((before,), after, first_parent=True) == (after,)
    assert len(clone.commits((before,), after)) == 2


def test_a_clone_is_brought_up_to_date(git: Git, clone: CommitClone, tmp_path: Path) -> None:
    before = clone.branch("main")
    git("commit", "-q", "--allow-empty", "--amend", "-m", "rewritten")
    after = CommitClone(tmp_path / "clones", str(tmp_path / "origin")).branch("main")
    assert after == git("rev-parse", "HEAD") != before


@pytest.mark.parametrize("missing", [OLD, "main", "--all"])
def test_a_commit_that_is_nowhere_is_unknown(git: Git, clone: CommitClone, missing: str) -> None:
    with pytest.raises(UnknownEvidenceError):
        clone.is_ancestor(missing, git("rev-parse", "HEAD"))


def test_a_shallow_repository_is_unknown(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_clone, "_SECONDS", 10.0)
    git("clone", "-q", "--bare", "--depth", "1", f"file://{tmp_path}/origin", str(tmp_path / "shallow.git"))
    with pytest.raises(UnknownEvidenceError, match="has no branch main"):
        CommitClone(tmp_path / "clones", str(tmp_path / "shallow.git")).branch("main")


def test_a_branch_that_is_nowhere_is_unknown(clone: CommitClone) -> None:
    with pytest.raises(UnknownEvidenceError, match="has no branch release"):
        clone.branch("release")


@pytest.mark.parametrize("repository", ["nowhere", "ext::sh -c 'touch owned'", "--upload-pack=touch owned"])
def test_a_repository_that_cannot_be_read_is_unknown(tmp_path: Path, repository: str) -> None:
    with pytest.raises(UnknownEvidenceError, match="git cannot tell"):
        CommitClone(tmp_path / "clones", repository).branch("main")
    assert not list(tmp_path.rglob("owned"))


def test_a_server_that_hangs_is_waited_for_once_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The ssh that the user has configured; whatever still runs of it keeps the pipe open.
    ssh, pipe, calls = tmp_path / "ssh", tmp_path / "pipe", tmp_path / "calls"
    ssh.write_text(f"#!/bin/sh\necho called >>{calls}\nexec sleep 1000 3>{pipe}\n")
    ssh.chmod(0o755)
    os.mkfifo(pipe)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.sshCommand")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(ssh))
    monkeypatch.setattr(commit_clone, "_SECONDS", 1.0)
    clone = CommitClone(tmp_path / "clones", "git@nowhere.invalid:acme/api.git")
    with open(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb") as left:
        for _ in range(2):
            with pytest.raises(UnknownEvidenceError, match="did not end within 1 s"):
                clone.branch("main")
        os.set_blocking(left.fileno(), True)
        assert left.read() == b""
    assert calls.read_text() == "called\n"


def test_a_shell_inside_another_repository_changes_nothing(
    git: Git, clone: CommitClone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_QUARANTINE_PATH"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    assert len(clone.branch("main")) == 40
