"""Is the demo's API repository the same every time, and is each revision what its name says?"""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.sandbox import Repository, make_api_repository

HEALTH = "import main, json; print(main.healthz()['status'], main.healthz()['revision'])"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The repository of the demo's API."""
    return make_api_repository(tmp_path_factory.mktemp("api"))


def checkout(repository: Repository, ref: str, directory: Path) -> Path:
    """A clone of one ref."""
    words = ["git", "-c", "advice.detachedHead=false", "clone", "--quiet", "--branch", ref]
    subprocess.run([*words, str(repository.path), str(directory)], check=True)
    return directory


def test_its_revisions_are_always_the_same(repository: Repository, tmp_path: Path) -> None:
    assert make_api_repository(tmp_path).revisions == repository.revisions
    assert make_api_repository(repository.path) == repository
    assert set(map(len, repository.revisions.values())) == {40}


def test_its_tags_are_annotated(repository: Repository) -> None:
    words = ["git", "-C", str(repository.path), "cat-file", "-t", "v1.0.0"]
    assert subprocess.run(words, capture_output=True, check=True).stdout == b"tag\n"


@pytest.mark.parametrize(
    ("ref", "status"),
    [("v1.0.0", "healthy"), ("v1.1.0", "healthy"), ("failing", "healthy"), ("unhealthy", "sick")],
)
def test_an_app_tells_its_health_and_revision(repository: Repository, tmp_path: Path, ref: str, status: str) -> None:
    pytest.importorskip("fastapi")
    app = checkout(repository, ref, tmp_path / "app")
    told = subprocess.run(
        [sys.executable, "-c", HEALTH], cwd=app, capture_output=True, text=True, check=True
    ).stdout.split()
    assert told == [status, repository.revisions[ref]]
    (app / "REVISION").write_text("f" * 40 + "\n")
    # What the folders above want of pytest is theirs: here an option that nobody knows.
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\nfilterwarnings = ["error"]\nunheard_of = 1\n')
    smoke = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_smoke.py"]
    subprocess.run(smoke, cwd=app, check=True, capture_output=True)


def test_the_broken_app_cannot_be_imported(repository: Repository, tmp_path: Path) -> None:
    app = checkout(repository, "broken", tmp_path / "app")
    done = subprocess.run([sys.executable, "-c", HEALTH], cwd=app, capture_output=True, text=True, check=False)
    assert "No module named 'a_module_nobody_installed'" in done.stderr
