"""Make the git repository of the demo's API: two good releases, three branches that are not."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .app_files import BROKEN_MAIN, FAILING_MAIN, FIRST, SECOND_MAIN, UNHEALTHY_MAIN
from .errors import SandboxError

REFS = ("v1.0.0", "v1.1.0", "main", "broken", "unhealthy", "failing")
AUTHOR = {"NAME": "Lockstitch Demo", "EMAIL": "demo@example.com", "DATE": "2024-01-01T12:00:00Z"}


@dataclass(frozen=True)
class Repository:
    """A git repository, and the full commit ids of its refs by name."""

    path: Path
    revisions: Mapping[str, str]


def make_api_repository(directory: Path) -> Repository:
    """Make the repository in an empty directory, or find it there. Its ids are always the same."""
    directory = directory.resolve()
    if not (directory / ".git").exists():
        directory.mkdir(parents=True, exist_ok=True)
        _git(directory, "init", "--quiet", "--initial-branch", "main")
        _commit(directory, FIRST, "Tell version and revision")
        _git(directory, "tag", "--annotate", "v1.0.0", "--message", "First release")
        _commit(directory, {"main.py": SECOND_MAIN}, "Greet")
        _git(directory, "tag", "--annotate", "v1.1.0", "--message", "Greetings")
        for branch, main in (
            ("broken", BROKEN_MAIN),
            ("unhealthy", UNHEALTHY_MAIN),
            ("failing", FAILING_MAIN),
        ):
            _git(directory, "switch", "--quiet", "--create", branch, "main")
            _commit(directory, {"main.py": main}, f"Try something {branch}")
        _git(directory, "switch", "--quiet", "main")
    revisions = {ref: _git(directory, "rev-parse", f"{ref}^{{commit}}") for ref in REFS}
    return Repository(directory, revisions)


def _commit(directory: Path, files: Mapping[str, str], message: str) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    _git(directory, "add", "--all")
    _git(directory, "commit", "--quiet", "--message", message)


def _git(directory: Path, *words: str) -> str:
    # Nobody's own git settings, hooks or enclosing repository may change the ids.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in AUTHOR.items()}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *words], cwd=directory, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SandboxError(f"git {words[0]} failed in {directory}: {done.stderr.strip()}")
    return done.stdout.strip()
