"""EFFECT: reads the files of runbooks, and what git knows of them."""

from __future__ import annotations

from pathlib import Path

from lockstitch.engine.runbooks.committed import git_text
from lockstitch.errors import InventoryError, UsageError
from lockstitch.inventory.compose import compose
from lockstitch.inventory.types import NAME
from lockstitch.inventory.validation import did_you_mean, judged
from lockstitch.model.lazy_dataclass import dataclass
from lockstitch.runbooks.settings import RunbookSettings
from lockstitch.runbooks.signers import PEOPLE
from lockstitch.runbooks.statement import runbook_hash

FOLDER = "runbooks"


@dataclass(frozen=True)
class RunbookFile:
    """One file: its name without `.yml`, what it says, and its hash, which ends of lines do not change."""

    name: str
    path: Path
    settings: RunbookSettings
    digest: str


@dataclass(frozen=True)
class FileVersion:
    """The last commit of a file: who made it and when; `is_changed` tells of a difference that is not committed. All is
    empty outside of git."""

    commit: str = ""
    author: str = ""
    date: str = ""
    is_changed: bool = False


def runbook_names(root: Path) -> list[str]:
    """Return the names of the project's runbooks."""
    # `.yaml` has no place here, as in hosts/; names that begin with `_` or a dot are no runbooks.
    names = (path.stem for path in (root / FOLDER).glob("*.yml") if path != root / PEOPLE)
    return sorted(name for name in names if NAME.fullmatch(name))


def load_runbook(root: Path, name: str) -> RunbookFile:
    """Return a runbook of the project; `name` may end in `.yml`. Raises InventoryError with all that is wrong."""
    name = name.removeprefix(f"{FOLDER}/").removesuffix(".yml")
    known = runbook_names(root)
    if name not in known:
        raise UsageError(
            f"there is no runbook {name}{did_you_mean(name, known)}",
            hint=f"a runbook is a file such as {FOLDER}/release.yml",
        )
    path = root / FOLDER / f"{name}.yml"
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InventoryError([f"{FOLDER}/{name}.yml:1: cannot be read: {error}"]) from error
    tree, problems = compose(text, f"{FOLDER}/{name}.yml")
    settings, wrong = judged(RunbookSettings, tree) if not problems else (None, problems)
    if settings is None:
        raise InventoryError([str(problem) for problem in sorted(set(wrong))])
    return RunbookFile(name, path, settings, runbook_hash(data))


def file_version(path: Path) -> FileVersion:
    """Return the last commit of a file."""
    try:
        said = git_text(path.parent, "log", "-1", "--format=%H%x00%an%x00%aI", "--", path.name, code=True).split("\0")
        if len(said) != 3:
            return FileVersion()
        changed = git_text(path.parent, "status", "--porcelain", "--", path.name)
    except UsageError:
        return FileVersion()
    return FileVersion(said[0], said[1], said[2].strip(), bool(changed.strip()))
