"""The signers of a repository: as they are committed and published, never as they lie in the working tree."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lockstitch.engine.runbooks.committed import allowed_signers, operator
from lockstitch.model.identity import Identity
from tests.runbooks.test_signers import ANA, BOB, PEOPLE

Git = Callable[..., None]


def _git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=Olga", "-c", "user.email=olga@example.com"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository with signers, cloned from a server."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(tmp_path / "server")], check=True)
    root = tmp_path / "project"
    subprocess.run(["git", "clone", "-q", str(tmp_path / "server"), str(root)], check=True, capture_output=True)
    (root / "runbooks").mkdir()
    (root / "runbooks/allowed_signers").write_text(f"{ANA}\n")
    (root / "runbooks/people.yml").write_text(PEOPLE)
    _git(root, "add", ".")
    _git(root, "commit", "-qm", "signers")
    _git(root, "push", "-q", "origin", "HEAD:main")
    _git(root, "branch", "-u", "origin/main")
    return root


def test_signers_are_read_from_the_commit(root: Path) -> None:
    allowed = allowed_signers(root)
    assert allowed.problems == allowed.remarks == ()
    assert [key.principal for key in allowed.keys] == ["ana@example.com"]
    assert set(allowed.people) == {"ana@example.com", "bob@example.com"}


def test_a_project_may_be_a_folder_of_its_repository(root: Path) -> None:
    (root / "ops").mkdir()
    _git(root, "mv", "runbooks", "ops/runbooks")
    _git(root, "commit", "-qm", "moved")
    _git(root, "push", "-q", "origin", "HEAD:main")
    assert [key.principal for key in allowed_signers(root / "ops").keys] == ["ana@example.com"]
    assert "runbooks/allowed_signers is not in the repository" in allowed_signers(root).problems[0]


@pytest.mark.parametrize("file", ["allowed_signers", "people.yml", "revoked_keys"])
def test_a_change_that_is_not_committed_is_named_and_nobody_may_sign(root: Path, file: str) -> None:
    with (root / "runbooks" / file).open("a") as opened:
        opened.write("# another line\n")
    assert f"runbooks/{file} is changed and not committed" in allowed_signers(root).problems[0]


def test_a_file_that_git_ignores_is_named_as_well(root: Path) -> None:
    (root / ".git/info/exclude").write_text("runbooks/revoked_keys\n")
    (root / "runbooks/revoked_keys").write_text("")
    assert "runbooks/revoked_keys is changed and not committed" in allowed_signers(root).problems[0]


def test_a_file_that_is_missing_in_the_working_tree_is_named(root: Path) -> None:
    (root / "runbooks/people.yml").unlink()
    assert "runbooks/people.yml is changed and not committed" in allowed_signers(root).problems[0]


def test_a_commit_that_nobody_else_has_seen_decides_nothing(root: Path) -> None:
    (root / "runbooks/allowed_signers").write_text(f"{ANA}\n{BOB}\n")
    _git(root, "commit", "-qam", "me too")
    (problem,) = allowed_signers(root).problems
    assert problem.startswith("runbooks/allowed_signers of HEAD is not that of @{upstream}")
    _git(root, "push", "-q", "origin", "HEAD:main")
    assert allowed_signers(root).problems == ()


def test_a_change_hidden_from_git_changes_nothing(root: Path) -> None:
    _git(root, "update-index", "--assume-unchanged", "runbooks/allowed_signers")
    (root / "runbooks/allowed_signers").write_text(f"{BOB}\n")
    assert [key.principal for key in allowed_signers(root).keys] == ["ana@example.com"]


def test_a_replaced_object_changes_nothing(root: Path) -> None:
    (root / "other").write_text(f"{BOB}\n")
    made = subprocess.run(
        ["git", "-C", str(root), "hash-object", "-w", "other"], check=True, capture_output=True, text=True
    )
    _git(root, "replace", "HEAD:runbooks/allowed_signers", made.stdout.strip())
    assert [key.principal for key in allowed_signers(root).keys] == ["ana@example.com"]


def test_a_link_is_no_file(root: Path) -> None:
    (root / "runbooks/people.yml").unlink()
    (root / "runbooks/people.yml").symlink_to("/etc/passwd")
    _git(root, "commit", "-qam", "link")
    _git(root, "push", "-q", "origin", "HEAD:main")
    assert allowed_signers(root).problems == ("runbooks/people.yml is no file in the commit",)


def test_without_a_server_it_is_told_that_this_machine_decides(root: Path) -> None:
    _git(root, "remote", "remove", "origin")
    allowed = allowed_signers(root)
    assert allowed.problems == () and "no branch of a server is known here" in allowed.remarks[0]


def test_where_git_cannot_answer_nothing_is_judged(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "who may sign cannot be read from git" in allowed_signers(tmp_path).problems[0]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "who may sign cannot be read from git" in allowed_signers(root).problems[0]


def test_text_that_is_not_utf_8_is_a_problem(root: Path) -> None:
    (root / "runbooks/people.yml").write_bytes(b"ana@example.com: {name: \xff}")
    _git(root, "commit", "-qam", "latin")
    _git(root, "push", "-q", "origin", "HEAD:main")
    assert "not UTF-8" in allowed_signers(root).problems[0]


def test_variables_of_git_do_not_lead_to_another_repository(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "server"))
    assert allowed_signers(root).problems == ()


def test_who_runs_it_is_who_would_commit(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _git(root, "config", "user.name", "Olga")
    _git(root, "config", "user.email", "olga@example.com")
    monkeypatch.setenv("LOGNAME", "deploy")
    assert operator(root) == Identity("Olga", "olga@example.com", "deploy")
