"""Effects: checks of this machine: its programs, inventories, secrets and journal."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lockstitch import __version__
from lockstitch.checks.doctor import ssh_files
from lockstitch.errors import InventoryError, LockstitchError
from lockstitch.inventory.load import environments, load
from lockstitch.inventory.model import Inventory
from lockstitch.model.finding import Finding
from lockstitch.model.format import sized
from lockstitch.model.version import parse_version, shown

_PACKAGES = ("fabric", "invoke", "paramiko", "cryptography")
_LITTLE = 100 << 20


def versions() -> Iterator[Finding]:
    """Yield the versions of Lockstitch, Python, its packages, ssh and git."""
    packages = [f"{name} {_version(name)}" for name in _PACKAGES]
    installed = [f"Lockstitch {__version__}", f"Python {platform.python_version()}", *packages]
    old = sys.version_info < (3, 11)
    yield Finding(
        "versions", "fail" if old else "pass", ", ".join(installed), "install Python 3.11 or newer" if old else ""
    )
    for program, words, needed in (("ssh", "-V", "`shell`"), ("git", "--version", "making a repository with `init`")):
        code, said = ssh_files.run_program(program, words)
        if code == 127:
            hint = f"install {'openssh-client' if program == 'ssh' else program}"
            yield Finding("versions", "warn", f"{program} is not found: {needed} needs it", hint)
        else:
            number = parse_version(said)
            yield Finding("versions", "pass", f"{program} {shown(number) if number else said[:40]}")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed as a package"


def inventories(folder: Path, default: str) -> tuple[list[Inventory], list[Finding]]:
    """Return every environment that loads, and the findings of all."""
    if not folder.exists():
        says = f"there is no folder {folder.name} with inventories yet: plain host names work"
        return [], [Finding("inventory", "note", says, f"write {folder.name}/prod.yml; docs/inventory.md says how")]
    loaded: list[Inventory] = []
    findings: list[Finding] = []
    try:
        names: Sequence[str] = environments(folder)
    except LockstitchError as error:
        return [], [Finding("inventory", "fail", error.message, error.hint or "correct the name of the file")]
    for name in names:
        try:
            loaded.append(load(folder, name))
            says = f"{name} can be read; hosts: {len(loaded[-1].hosts)}, apps: {len(loaded[-1].apps)}"
            findings.append(Finding("inventory", "pass", says))
        except InventoryError as error:
            findings += [Finding("inventory", "fail", problem, "correct the line") for problem in error.problems]
        except LockstitchError as error:
            findings.append(Finding("inventory", "fail", f"{name}: {error.message}", error.hint or "correct it"))
    if default and default not in names:
        says = f"fabric.yaml names {default} as the default environment, and there is none of that name"
        findings.append(Finding("inventory", "fail", says, "correct `environment` under `lockstitch:` in fabric.yaml"))
    return loaded, findings


def references(inventories: Sequence[Inventory]) -> tuple[str, ...]:
    """Return the secret references in these environments."""
    names: dict[str, None] = {}
    for inventory in inventories:
        for app in inventory.placed.values():
            names |= dict.fromkeys(app.secrets.values())
        for database in inventory.databases.values():
            names |= dict.fromkeys(filter(None, (database.url, database.prove)))
    return tuple(names)


def secrets(references: Sequence[str]) -> Iterator[Finding]:
    """Yield which secrets are available. None is read, and no command is run."""
    there = 0
    for reference in references:
        kind, _, rest = reference.partition(":")
        if kind == "env" and not os.environ.get(rest):
            yield Finding("secrets", "warn", f"{reference} is not set here", f"type: export {rest}=…")
        elif kind == "file" and not os.access(Path(rest).expanduser(), os.R_OK):
            yield Finding("secrets", "warn", f"{reference} cannot be read here", f"ls -l {rest}")
        elif kind == "cmd":
            yield Finding("secrets", "note", f"{reference}: a command, which is not run to look")
        else:
            there += 1
    if there:
        yield Finding("secrets", "pass", f"{there} of {len(references)} are there")


def journal(folder: Path) -> Iterator[Finding]:
    """Yield whether runs can be recorded."""
    near = folder
    while not near.exists() and near != near.parent:
        near = near.parent
    if not os.access(near, os.W_OK | os.X_OK):
        yield Finding(
            "journal", "fail", f"{near} cannot be written: runs are recorded there", f"sudo chown $USER {near}"
        )
        return
    free = shutil.disk_usage(near).free
    if free < _LITTLE:
        says = f"only {sized(free)} are free at {near}, where runs are recorded"
        yield Finding("journal", "warn", says, f"make room: du -xh {near} | sort -h | tail")
    else:
        yield Finding("journal", "pass", f"{folder} can be written, {sized(free)} are free")
