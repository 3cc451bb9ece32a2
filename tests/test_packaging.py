"""What the wheel holds, and that it works where the checkout is not."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.wheels import ROOT, built, unpacked

MODULES = ("lockstitch.cli", "lockstitch.plans", "lockstitch.remote.ssh", "lockstitch.engine.runner", "lockstitch")
IMPORTS = f"import {', '.join(MODULES)}; print(lockstitch.__file__)"
STAND_IN = "lockstitch/tasks.py"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(tmp_path_factory)


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as file:
        return {name for name in file.namelist() if ".dist-info/" not in name}


def checked_in() -> set[str]:
    """The package, the tasks in place of what stands for them in a checkout, and the fabric.yaml that `init` writes."""
    package = [
        path
        for path in (ROOT / "lockstitch").rglob("*")
        if path.suffix in (".py", ".sh", ".awk", ".css", ".yml", ".typed")
    ]
    tasks = [f"lockstitch/{path.relative_to(ROOT)}" for path in (ROOT / "tasks").rglob("*.py")]
    known = {*(str(path.relative_to(ROOT)) for path in package), *tasks, "lockstitch/cli/scaffold/fabric.yaml"}
    return known - {STAND_IN}


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    assert names(wheel) == checked_in()
    assert "lockstitch/py.typed" in names(wheel)


def test_an_sdist_builds_the_same_wheel(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert names(built(tmp_path_factory, through_sdist=True)) == names(wheel)


@pytest.mark.parametrize("form", ["checkout", "wheel"])
def test_the_tasks_are_a_part_of_the_package(site: Path, tmp_path: Path, form: str) -> None:
    where = ROOT if form == "checkout" else site
    code = (
        "from lockstitch.tasks import deploy, namespace; print(namespace['deploy'] is deploy.deploy, deploy.__name__)"
    )
    assert run(where, tmp_path, "-c", code).split() == ["True", "lockstitch.tasks.deploy"]


def run(site: Path, folder: Path, *words: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run([sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_imports_without_the_checkout(site: Path, tmp_path: Path) -> None:
    assert Path(run(site, tmp_path, "-c", IMPORTS).strip()).is_relative_to(site)


def test_the_command_of_the_wheel_prints_the_schema(site: Path, tmp_path: Path) -> None:
    said = run(site, tmp_path, "-m", "lockstitch", "schema")
    assert said == (ROOT / "docs" / "inventory.schema.json").read_text()
