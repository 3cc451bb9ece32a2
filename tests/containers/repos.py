"""Git repositories made from the sample apps: versions as tags, faults as branches, each a commit of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.containers import edits, edits_desk
from tests.containers.fleet import Fleet

APPS = Path(__file__).parent / "apps"
NAMES = ["api", "webapp", "next", "notes"]
LEFT_BEHIND = shutil.ignore_patterns("__pycache__", ".pytest_cache", ".venv", "node_modules", ".next", "REVISION")
AUTHOR = {"NAME": "Ada Author", "EMAIL": "ada@example.com"}
FIRST_COMMIT, BETWEEN_COMMITS = 1_700_000_000, 3600


@dataclass(frozen=True)
class Repository:
    """A working repository here; `revisions` has the full commit id of each tag (v1, v2, v3; for the notes v-broken and
    v2b as well, which come after v2; for the desk those of `edits_desk`) and fault branch."""

    app: str
    path: Path
    revisions: dict[str, str]


def make_repository(app: str, folder: Path) -> Repository:
    """Make the repository of a sample app in a new folder below the given one, main at v3."""
    path = folder / app
    shutil.copytree(APPS / app, path, ignore=LEFT_BEHIND)
    _git(path, "init", "-q", "-b", "main")
    revisions = {"v1": _commit(path, "Begin the app", 0)}
    _git(path, "tag", "v1")
    for number, (tag, change) in enumerate(_versions(app).items(), start=1):
        revisions[tag] = _apply(path, change, number)
        _git(path, "tag", tag)
    for fault, change in edits.faults(app).items():
        _git(path, "checkout", "-q", "-b", fault, "v3")
        revisions[fault] = _apply(path, change, len(revisions))
    for tag, (base, change) in _siblings(app).items():
        _git(path, "checkout", "-q", "--detach", base)
        revisions[tag] = _apply(path, change, len(revisions))
        _git(path, "tag", tag)
    _git(path, "checkout", "-q", "main")
    return Repository(app, path, revisions)


def publish(fleet: Fleet, repository: Repository, name: str = "") -> str:
    """Push every branch and tag to the git host over SSH, as a new repository; its address for the fleet's hosts."""
    name = name or repository.app
    fleet.make_bare_repository(name)
    push = ["push", "-q", fleet.push_url(name), "refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"]
    _git(repository.path, *push, environment=fleet.git_environment())
    return fleet.clone_url(name)


def commit_change(repository: Repository, change: edits.Change, branch: str = "main") -> str:
    """Commit one more change on a branch; its full commit id."""
    _git(repository.path, "checkout", "-q", branch)
    count = int(_git(repository.path, "rev-list", "--count", "--all"))
    return _apply(repository.path, change, count)


def _versions(app: str) -> dict[str, edits.Change]:
    return edits_desk.versions() if app == "desk" else edits.versions(app)


def _siblings(app: str) -> dict[str, tuple[str, edits.Change]]:
    return edits_desk.siblings() if app == "desk" else edits.siblings(app)


def _apply(path: Path, change: edits.Change, number: int) -> str:
    for edit in change.edits:
        edit.apply(path)
    return _commit(path, change.subject, number)


def _commit(path: Path, subject: str, number: int) -> str:
    # Fixed people and times: the same files always make the same commit ids.
    date = f"{FIRST_COMMIT + number * BETWEEN_COMMITS} +0000"
    environment = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in AUTHOR.items()}
    environment |= {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    _git(path, "add", "-A")
    _git(path, "commit", "-q", "-m", subject, environment=environment)
    return _git(path, "rev-parse", "HEAD")


def _git(path: Path, *words: str, environment: dict[str, str] | None = None) -> str:
    # The settings of whoever runs the tests are no part of them.
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-C", str(path), *words],
        env={**variables, **alone, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        raise RuntimeError(f"git {words[0]} failed with {done.returncode}: {done.stderr.strip()}")
    return done.stdout.strip()
