"""EFFECT: puts a new operations repository in place: all of it or nothing, and nothing that is there is touched."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lockstitch.cli.scaffold import HINT
from lockstitch.errors import InventoryError, LockstitchError, UsageError
from lockstitch.inventory.load import load

FileContents = Mapping[str, bytes]


def checked(files: FileContents, environment: str) -> None:
    """Read the inventory as any is read, in a folder that is thrown away; its problems name the file to come."""
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), {path: content for path, content in files.items() if path.startswith("hosts/")})
        hosts = Path(folder) / "hosts"
        try:
            load(hosts, environment)
        except InventoryError as error:
            problems = [f"hosts/{problem.rpartition(f'{Path(folder).name}/hosts/')[2]}" for problem in error.problems]
            raise InventoryError(problems, hint=f"nothing was written; {HINT}") from None


def put(directory: Path, files: FileContents, *, git: bool = False) -> None:
    """Write the files below a folder, which is made where it is not there."""
    free(directory, files)
    there = directory.exists()
    # Beside where it will be, so that renaming is enough; a folder that is there may be on a disk of its own.
    beside = directory if there else next(above for above in directory.absolute().parents if above.exists())
    with _stage(beside) as stage:
        _write(stage, files)
        if git and not os.path.lexists(directory / ".git"):
            _repository(stage)
        if there:
            _move(stage, directory)
        else:
            directory.parent.mkdir(parents=True, exist_ok=True)
            stage.rename(directory)


def free(directory: Path, files: FileContents) -> None:
    """Refuse where something is in the way of what is to be written."""
    if os.path.lexists(directory) and not directory.is_dir():
        raise UsageError(f"{directory} is there, and is no folder; nothing was written", hint="name another folder")
    tops = dict.fromkeys(path.partition("/")[0] for path in files)
    if existing := [top for top in tops if os.path.lexists(directory / top)]:
        raise UsageError(
            f"{directory} holds already: {', '.join(existing)}; nothing was written",
            hint="name a new folder, or one without these: nothing is ever overwritten",
        )


def add(directory: Path, files: FileContents) -> None:
    """Write files into a project: all of them or none, and none over one that is there."""
    made: list[Path] = []
    try:
        for path, content in files.items():
            with (directory / path).open("xb") as file:
                made.append(directory / path)
                file.write(content)
    except BaseException as error:
        for file_made in made:
            file_made.unlink()
        if isinstance(error, FileExistsError):
            raise _is_there(path) from None
        raise


def free_files(directory: Path, paths: Iterable[str]) -> None:
    """Refuse where one of these files is there."""
    for path in paths:
        if os.path.lexists(directory / path):
            raise _is_there(path)


def _is_there(path: str) -> UsageError:
    return UsageError(f"{path} is there already; nothing was written", hint="--environment names another one")


def _write(folder: Path, files: FileContents) -> None:
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _repository(folder: Path) -> None:
    # A hook or a CI job may have told git of another repository.
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        ran = subprocess.run(["git", "init", "--quiet"], cwd=folder, env=env, capture_output=True, text=True)
    except FileNotFoundError:
        raise UsageError("git is not installed here; nothing was written", hint="leave --git out") from None
    if ran.returncode:
        raise LockstitchError(f"no git repository could be made, nothing was written: {ran.stderr.strip()}")


@contextmanager
def _stage(beside: Path) -> Iterator[Path]:
    # Not by tempfile: that closes the folder to all others, and renamed it would stay so.
    stage = beside / f".lockstitch-init-{secrets.token_hex(4)}"
    stage.mkdir()
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _move(stage: Path, directory: Path) -> None:
    """Move all that was made; what was moved is taken back where something cannot be."""
    moved: list[str] = []
    try:
        for top in sorted(os.listdir(stage)):
            free(directory, {top: b""})
            moved.append(top)
            (stage / top).rename(directory / top)
    except BaseException:
        _take_back(directory, stage, moved)
        raise


def _take_back(directory: Path, stage: Path, moved: Iterable[str]) -> None:
    for top in moved:
        # The last one may not have been moved: what is there is somebody else's then.
        if not os.path.lexists(stage / top):
            (directory / top).rename(stage / top)
