"""Answers of `fab` itself about a project: its tasks on one line each, versions, and what the shell completes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lockstitch import __version__
from tests.cli.operator import Operator
from tests.containers.project import FAB, ROOT, Running
from tests.screen import Terminal

INVENTORY = """
groups:
  backend: {hosts: [api1.example.com, api2.example.com], apps: [api]}
  frontend: {hosts: [web1.example.com], apps: [webapp]}
apps:
  api: {repository: "git@example.com:api.git", path: /app/api, ref: main, service: &service {kind: command, reload: "true", status: "true"}}
  webapp: {repository: "git@example.com:web.git", path: /app/web, ref: release, service: *service}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("listed")
    (folder / "fabfile.py").write_text((ROOT / "fabfile.py").read_text())
    (folder / "tasks").symlink_to(ROOT / "tasks")
    text = (ROOT / "fabric.yaml").read_text()
    (folder / "fabric.yaml").write_text(text.replace('environment: ""', "environment: prod"))
    (folder / "hosts").mkdir()
    (folder / "hosts" / "prod.yml").write_text(INVENTORY)
    (folder / "hosts" / "staging.yml").write_text("groups: {all: {hosts: [one.example.com]}}\n")
    (folder / "hosts" / "_all.yml").write_text("# laravel is not used\n")
    (folder / ".lockstitch").mkdir()
    (folder / ".lockstitch" / "seen.json").write_text(json.dumps({"prod": ["v1.4.2", "main"]}))
    return folder


def env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def fab(project: Path, *words: str) -> str:
    ran = Running([str(FAB), *words], project, env(), preloaded=True).finish()
    assert ran.code == 0 and "Traceback" not in ran.err, ran.err
    return ran.out


def test_every_task_is_one_line_of_a_terminal(project: Path) -> None:
    with Terminal([str(FAB), "--list"], project, env(), 90, 100) as at:
        assert at.finish() == 0
        head, _, *rows = at.rows
    assert head == "Available tasks:" and all(row.startswith("  ") and not row.startswith("   ") for row in rows), rows
    helps = {row.split()[0]: row[30:] for row in rows}
    assert all(len(text) <= 60 for text in helps.values()), helps
    unused = {name.partition(".")[0] for name, text in helps.items() if text.endswith("(unused)")}
    assert unused == {
        "artisan",
        "queue",
        "backup",
        "database",
        "metrics",
        "gates",
        "flag",
        "env",
        "smoke",
        "measure",
        "notify",
    }


def test_versions(project: Path) -> None:
    assert fab(project, "version").splitlines()[0] == f"Lockstitch {__version__}"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("-H ", ["prod", "staging"]),
        ("-H pr", ["prod", "staging"]),
        ("-H staging,pr", ["staging,prod", "staging,staging"]),
        ("-H prod:", ["backend", "prod:backend", "frontend", "prod:frontend", "api1.example.com"]),
        ("-H prod : ba", ["backend", "prod:backend", "frontend", "prod:frontend", "api1.example.com"]),
        ("-H prod deploy --only ", ["api", "webapp"]),
        ("deploy --only api,w", ["api,api", "api,webapp"]),
        ("-H prod deploy --ref ", ["v1.4.2", "main", "release"]),
        ("-H prod rollback --tag v", ["v1.4.2", "main", "release"]),
        ("-H nowhere deploy --only ", [""]),
    ],
)
def test_what_the_shell_completes(project: Path, line: str, found: list[str]) -> None:
    assert fab(project, "--complete", "--", *f"fab {line}".split(" ")).split("\n")[: len(found)] == found


def test_tasks_and_options_are_completed_as_before(project: Path) -> None:
    assert "deploy" in fab(project, "--complete", "--", "fab", "-H", "prod", "dep").splitlines()
    assert "--ref" in fab(project, "--complete", "--", "fab", "deploy", "--re").splitlines()


def test_what_a_survey_saw_is_remembered(deployed: Operator) -> None:
    assert deployed.fab("status").code == 0
    seen = json.loads((deployed.folder / ".lockstitch" / "seen.json").read_text())["lab"]
    assert any(len(ref) == 12 for ref in seen), seen
