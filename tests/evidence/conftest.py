"""A forge that answers, and the sources that ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lockstitch.engine.evidence import FoundSources
from lockstitch.evidence import AppRevisions, Evidence, find, need_types
from lockstitch.evidence.base import CommitSource, SiteReleases
from lockstitch.evidence.forges import forge_types
from tests.evidence.stand_in import TOKEN, StandInForge

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
OLD, NEW, MAIN = "1" * 40, "2" * 40, "3" * 40
API = AppRevisions("api", "git@127.0.0.1:acme/api.git", (OLD,), NEW)


class Commits:
    """The commits of a repository, as a test has them."""

    def __init__(self) -> None:
        self.tips = {"main": MAIN}
        self.ancestors = {(OLD, NEW), (NEW, MAIN), (OLD, MAIN)}
        self.between: tuple[str, ...] = (NEW,)
        self.paths: tuple[str, ...] = ("CHANGELOG.md", "src/a.py")
        self.files: dict[str, str] = {}

    def branch(self, name: str) -> str:
        return self.tips[name.removeprefix("origin/")]

    def is_ancestor(self, older: str, newer: str) -> bool:
        return older == newer or (older, newer) in self.ancestors

    def commits(self, before: Sequence[str], after: str, *, first_parent: bool = False) -> tuple[str, ...]:
        return self.between

    def changed(self, before: str, after: str) -> tuple[str, ...]:
        return self.paths

    def file(self, revision: str, path: str) -> str | None:
        return self.files.get(path)


class Sources(FoundSources):
    """Sources whose commits and journals are those of a test."""

    def __init__(self, forge: Any, folder: Path) -> None:
        self.ssh_hosts: dict[str, str] = {}
        super().__init__(forge, folder, lambda environment, app: (), lambda name: self.ssh_hosts.get(name, name))
        self.now = NOW
        self.known = Commits()
        self.sites: tuple[SiteReleases, ...] = ()

    def commits(self, app: AppRevisions) -> CommitSource:  # type: ignore[override]
        return self.known

    def releases(self, environment: str, app: str) -> Sequence[SiteReleases]:
        return self.sites


def commit_of(login: str, message: str = "a change", mail: str = "", committer: str = "web-flow") -> dict[str, Any]:
    """Return a commit as GitHub and Gitea tell it; somebody without a login has no account there."""
    people = {"author": (login, mail or f"{login}@example.com"), "committer": (committer, f"{committer}@example.com")}
    git = {role: {"name": name.title(), "email": mail} for role, (name, mail) in people.items()}
    accounts = {role: {"login": name} if name else None for role, (name, _) in people.items()}
    return {**accounts, "commit": {**git, "message": message}}


Judge = Callable[..., Evidence]


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInForge]:
    monkeypatch.setenv("FORGE_TOKEN", TOKEN)
    with StandInForge() as server:
        yield server


@pytest.fixture
def sources(forge: StandInForge, tmp_path: Path) -> Sources:
    return Sources(forge_types()["github"].model_validate({"github": "env:FORGE_TOKEN", "url": forge.url}), tmp_path)


@pytest.fixture
def judge(sources: Sources) -> Judge:
    """Judges a need as it is written: `judge("reviews", 2)`."""

    def judge(key: str, written: Any, **changed: Any) -> Evidence:
        return find(need_types()[key].model_validate(written), [replace(API, **changed)], sources)

    return judge
