"""EFFECT: a clone of an app's repository on this machine, without the contents of files, that is asked about commits."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lockstitch.engine.local_command import end_group
from lockstitch.evidence import UnknownEvidenceError
from lockstitch.model.release import REVISION, short

_SECONDS = 120.0
_MOST_BYTES = 16 * 1024 * 1024
# What a shell around us has set is about another repository.
_ELSEWHERE = (
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_DIR", "GIT_GRAFT_FILE", "GIT_INDEX_FILE"),
    *("GIT_NAMESPACE", "GIT_OBJECT_DIRECTORY", "GIT_QUARANTINE_PATH", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE"),
    "GIT_WORK_TREE",
)
_HINT = "can this machine read the repository? try git ls-remote with it here; .lockstitch/clones may be removed"


class CommitClone:
    """Answers questions about the commits of one repository. It is fetched once, before the first question; where that
    fails it is not tried again."""

    def __init__(self, folder: Path, repository: str) -> None:
        self._repository = repository
        self._path = folder / f"{hashlib.sha256(repository.encode()).hexdigest()[:20]}.git"
        self._fetched = False
        self._failure: UnknownEvidenceError | None = None

    def branch(self, name: str) -> str:
        """Return the revision of a branch, as its repository has it now."""
        name = name.removeprefix("origin/")
        code, out, _ = self._git("rev-parse", "--verify", "--quiet", f"refs/heads/{name}^{{commit}}")
        if code or not REVISION.match(out.strip()):
            raise UnknownEvidenceError(f"{self._repository} has no branch {name}")
        return out.strip()

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Tell whether a revision has all of another one."""
        self._have(older, newer)
        code, _, why = self._git("merge-base", "--is-ancestor", older, newer)
        if code not in (0, 1):
            raise self._broken(why)
        return code == 0

    def commits(self, before: Sequence[str], after: str, *, first_parent: bool = False) -> tuple[str, ...]:
        """Return the commits that `after` has and `before` has not, newest first."""
        self._have(*before, after)
        words = ["--first-parent"] if first_parent else []
        return tuple(self._text("rev-list", *words, after, "--not", *before).split())

    def changed(self, before: str, after: str) -> tuple[str, ...]:
        """Return the paths that differ between two revisions."""
        self._have(before, after)
        text = self._text("diff-tree", "-r", "-z", "--name-only", "--no-renames", before, after)
        return tuple(path for path in text.split("\0") if path)

    def file(self, revision: str, path: str) -> str | None:
        """Return the text of a file in a revision; None where it has none."""
        self._have(revision)
        entry = self._text("ls-tree", "-z", "--full-tree", revision, "--", path)
        about, _, name = entry.partition("\0")[0].partition("\t")
        words = about.split()
        if len(words) != 3 or words[1] != "blob" or name != path:
            return None
        return self._text("cat-file", "blob", words[2])

    def _have(self, *revisions: str) -> None:
        """Raise UnknownEvidenceError where the clone lacks one of these commits, and it cannot be fetched."""
        for revision in revisions:
            if not REVISION.match(revision):
                raise UnknownEvidenceError(f"{revision!r} is no full commit id")
            if self._git("cat-file", "-e", f"{revision}^{{commit}}")[0]:
                # No branch or tag has it; some servers give it all the same.
                self._run("fetch", "--quiet", "--filter=blob:none", "origin", revision)
            if self._git("cat-file", "-e", f"{revision}^{{commit}}")[0]:
                says = f"no branch or tag of {self._repository} has the commit {short(revision)}"
                raise UnknownEvidenceError(says, "was it pushed, and not rewritten?")

    def _text(self, *words: str) -> str:
        code, out, why = self._git(*words)
        if code:
            raise self._broken(why)
        return out

    def _git(self, *words: str) -> tuple[int, str, str]:
        if self._failure:
            raise self._failure
        if not self._fetched:
            try:
                self._fetch()
            except UnknownEvidenceError as error:
                self._failure = error
                raise
        return self._run(*words)

    def _fetch(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with _alone(self._path.with_suffix(".lock")):
                steps = [
                    ("init", "--quiet", "--bare"),
                    ("config", "remote.origin.url", self._repository),
                    ("fetch", "--quiet", "--force", "--prune", "--filter=blob:none", "origin", *_REFS),
                ]
                self._path.mkdir(exist_ok=True)
                for step in steps:
                    code, _, why = self._run(*step)
                    if code:
                        raise self._broken(why)
        except OSError as error:
            raise self._broken(error.strerror or str(error)) from error
        self._fetched = True

    def _run(self, *words: str) -> tuple[int, str, str]:
        env = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
        # In a session without a terminal ssh asks nobody; which ssh it is the user may have configured.
        env |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "SSH_ASKPASS_REQUIRE": "never", "GIT_DIR": str(self._path)}
        if words[:2] != ("cat-file", "blob"):
            # Only contents are fetched when they are asked for: a shallow repository has git ask for its end for ever.
            env["GIT_NO_LAZY_FETCH"] = "1"
        pipe = subprocess.PIPE
        try:
            with subprocess.Popen(
                ["git", *words],
                stdin=subprocess.DEVNULL,
                stdout=pipe,
                stderr=pipe,
                env=env,
                cwd=self._path,
                start_new_session=True,
            ) as process:
                try:
                    out, why = process.communicate(timeout=_SECONDS)
                except BaseException:
                    # With the ssh that it waits for.
                    end_group(process)
                    raise
        except subprocess.TimeoutExpired:
            return 128, "", f"it did not end within {_SECONDS:g} s"
        except FileNotFoundError:
            return 128, "", "git is not installed here"
        if len(out) > _MOST_BYTES:
            return 128, "", f"it answers more than {_MOST_BYTES >> 20} MiB"
        return process.returncode, out.decode("utf-8", "replace"), why.decode("utf-8", "replace")

    def _broken(self, why: str) -> UnknownEvidenceError:
        line = next((line for line in why.strip().splitlines()[::-1] if line.strip()), "git did not say why")
        return UnknownEvidenceError(f"{self._repository}: git cannot tell: {line[:200]}", _HINT)


_REFS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let nobody else fetch into the same clone meanwhile."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
