"""Start-up: a task loads nothing that takes long and that it does not use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from fabric.main import program
program.run(sys.argv, exit=False)
print("LOADED", *sys.modules)
"""
NEVER = {"rich", "boto3", "psycopg", "pymysql", "pyrage", "docker", "requests", "cryptography.x509"}
NO_HOSTS = NEVER | {"lockstitch.remote.ssh", "lockstitch.engine.survey", "lockstitch.plans", "lockstitch.checks"}


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        (["--list"], NO_HOSTS | {"pydantic"}),
        (
            ["-H", "prod", "hosts"],
            NO_HOSTS
            | {"lockstitch.report.plan", "lockstitch.report.outcome"}
            # What this inventory has no value for.
            | {"lockstitch.services.command", "lockstitch.services.laravel", "lockstitch.databases.postgres"},
        ),
        (["--dry", "-H", "prod", "run", "--", "uptime"], NEVER | {"lockstitch.plans", "lockstitch.engine.survey"}),
        (["-H", "prod", "deploy", "--only", "none"], NEVER),
    ],
)
def test_a_task_loads_only_what_it_uses(words: list[str], heavy: set[str], tmp_path: Path) -> None:
    (tmp_path / "fabfile.py").write_text("from tasks import namespace\n")
    (tmp_path / "fabric.yaml").write_text((ROOT / "fabric.yaml").read_text())
    (tmp_path / "hosts").mkdir()
    (tmp_path / "hosts/prod.yml").write_text("groups: {all: {hosts: [web1.example.com]}}\n")
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    loaded = set(ran.stdout.rpartition("LOADED")[2].split())
    assert "lockstitch.cli" in loaded, ran.stderr
    assert heavy & loaded == set()
