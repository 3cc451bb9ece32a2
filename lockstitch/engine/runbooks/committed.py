"""EFFECT: the files that say who may sign, as they are committed, and who runs a runbook.

The working tree decides nothing: whoever runs a runbook could write a key into it. A file counts as it is in HEAD, and
only if that is what the branch on the server has too, where others have seen it.
"""

from __future__ import annotations

import getpass
import os
import subprocess
from dataclasses import replace
from pathlib import Path

from lockstitch.errors import UsageError
from lockstitch.model.identity import Identity
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.runbooks.signers import PEOPLE, REVOKED, SIGNERS, AllowedSigners, read_signers

_SECONDS = 30.0
# The first that exists is what HEAD is compared with.
_PUBLISHED = ("refs/remotes/origin/HEAD", "@{upstream}", "refs/remotes/origin/main", "refs/remotes/origin/master")
_FILE_MODES = ("100644", "100755")


def allowed_signers(root: Path) -> AllowedSigners:
    """Return the keys and people in the repository of a folder; what cannot be read, and what differs from the commit or
    from the server's branch, is a problem of it."""
    try:
        published = next(
            (ref for ref in _PUBLISHED if git_text(root, "rev-parse", "-q", "--verify", ref, code=True)), ""
        )
        files = {name: _committed(root, name, published) for name in (SIGNERS, PEOPLE, REVOKED)}
        allowed = read_signers(files[SIGNERS].text, files[PEOPLE].text, files[REVOKED].text)
    except UsageError as error:
        return AllowedSigners(problems=(error.message,))
    problems = [file.problem for file in files.values() if file.problem]
    if not problems and not allowed.keys:
        problems.append(f"{SIGNERS} is not in the repository, or has no key")
    alone = "no branch of a server is known here: what is committed on this machine decides who may sign"
    return replace(allowed, problems=(*problems, *allowed.problems), remarks=() if published else (alone,))


@dataclass(frozen=True)
class _Committed:
    text: str = ""
    problem: str = ""


def _committed(root: Path, name: str, published: str) -> _Committed:
    """Return a file as HEAD has it; empty where it has none, and no other place has one."""
    entry = git_text(root, "ls-tree", "HEAD", "--", f"./{name}")
    if published and entry != git_text(root, "ls-tree", published, "--", f"./{name}"):
        return _Committed(problem=f"{name} of HEAD is not that of {published}: pull, or push and have it reviewed")
    if changed := git_text(root, "status", "--porcelain", "--ignored", "--", f"./{name}").strip():
        return _Committed(
            problem=f"{name} is changed and not committed ({changed[:2].strip()}): commit it, or restore it"
        )
    if not entry:
        return _Committed()
    mode, kind, blob = entry.split("\t")[0].split()
    if kind != "blob" or mode not in _FILE_MODES:
        return _Committed(problem=f"{name} is no file in the commit")
    return _Committed(git_text(root, "cat-file", "blob", blob))


def operator(root: Path) -> Identity:
    """Return who runs this: the user of this machine, and the name and address that git would write into a commit."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    try:
        return Identity(git_config(root, "user.name"), git_config(root, "user.email"), user)
    except UsageError:
        return Identity(user=user)


def git_config(root: Path, name: str) -> str:
    """Return a setting of git; empty where it is not set. Raises UsageError where git cannot be run."""
    return git_text(root, "config", "--get", name, code=True).strip()


def git_text(root: Path, *words: str, code: bool = False) -> str:
    """Return what git prints; with `code`, nothing where it ends with 1. Raises UsageError where it fails."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        said = subprocess.run(
            ["git", "-C", str(root), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={**env, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"who may sign cannot be read from git: {error}") from error
    if said.returncode and not (code and said.returncode in (1, 128)):
        why = said.stderr.decode("utf-8", "replace").strip().split("\n")[0]
        raise UsageError(f"who may sign cannot be read from git: {why or f'exit code {said.returncode}'}")
    try:
        return said.stdout.decode() if not said.returncode else ""
    except UnicodeDecodeError as error:
        raise UsageError(f"a file that says who may sign is not UTF-8 text: {error.reason}") from error
