"""Migrations of a real Django project are taken back app by app, and that they are is seen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lockstitch.databases.migrations import migrating
from lockstitch.model.command import Command

MANAGE = """
import sys
from django.conf import settings
from django.core.management import execute_from_command_line
settings.configure(
    INSTALLED_APPS=["shop", "mail.apps.Mail", "other"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db"}},
)
execute_from_command_line(sys.argv)
"""
LABEL = "from django.apps import AppConfig\nclass Mail(AppConfig):\n    name = 'mail'\n    label = 'post'\n"
MIGRATION = """
from django.db import migrations
class Migration(migrations.Migration):
    dependencies = {needs}
    operations = [migrations.RunSQL("CREATE TABLE {table} (id int)", {back})]
"""
# What the older revision has of each app, and then what the newer one adds; `mail` calls itself `post`.
OLD: dict[str, list[tuple[str, str]]] = {"shop/migrations/0001_first.py": [], "other/migrations/0001_first.py": []}
NEW = {
    "shop/migrations/0002_more.py": [("shop", "0001_first")],
    "shop/migrations/0003_most.py": [("shop", "0002_more")],
    "mail/migrations/0001_begun.py": [("shop", "0002_more")],
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("django")
    (root / "manage.py").write_text(MANAGE)
    for name, needs in {**OLD, **NEW}.items():
        table = name.replace("/migrations/", "_").removesuffix(".py")
        _write(root, name, MIGRATION.format(needs=needs, table=table, back=repr(f"DROP TABLE {table}")))
    (root / "mail/apps.py").write_text(LABEL)
    _django(root, "migrate")
    assert _applied(root) == {
        "shop.0001_first",
        "shop.0002_more",
        "shop.0003_most",
        "post.0001_begun",
        "other.0001_first",
    }
    return root


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "project"))


def _write(root: Path, name: str, text: str) -> None:
    folder = (root / name).parent
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").touch()
    (folder.parent / "__init__.py").touch()
    (root / name).write_text(text)


def _django(root: Path, *words: str) -> str:
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=60).stdout


def _applied(root: Path) -> set[str]:
    lines = _django(root, "showmigrations", "--plan").splitlines()
    return {line.split()[1] for line in lines if line.startswith("[X]")}


def _down(root: Path, files: list[str]) -> subprocess.CompletedProcess[str]:
    line = migrating(f"{sys.executable} manage.py migrate --noinput", None, None, ()).down
    values = {"steps": str(len(files)), "migrations": "\n".join(files)}
    script = Command(line, values=values, cwd=str(root)).render()
    return subprocess.run("sh", input=script, env=dict(os.environ), capture_output=True, text=True, timeout=60)


def test_each_app_goes_back_to_what_the_older_revision_has(project: Path) -> None:
    done = _down(project, sorted(NEW))
    assert done.returncode == 0, done.stdout + done.stderr
    assert _applied(project) == {"shop.0001_first", "other.0001_first"}
    again = _down(project, sorted(NEW))
    assert (again.returncode, again.stdout) == (0, ""), "there is nothing left to take back"


def test_only_what_is_named_goes(project: Path) -> None:
    assert _down(project, ["shop/migrations/0003_most.py"]).returncode == 0
    assert _applied(project) == {"shop.0001_first", "shop.0002_more", "post.0001_begun", "other.0001_first"}


def test_a_migration_that_cannot_be_taken_back_is_a_failure(project: Path) -> None:
    file = project / "shop/migrations/0003_most.py"
    file.write_text(file.read_text().replace("'DROP TABLE shop_0003_most'", "None"))
    done = _down(project, sorted(NEW))
    assert done.returncode != 0 and "Irreversible" in done.stdout + done.stderr
    assert "shop.0003_most" in _applied(project)


def test_a_tool_that_does_not_answer_is_a_failure(project: Path) -> None:
    (project / "manage.py").write_text("print('no settings')\n")
    done = _down(project, sorted(NEW))
    assert done.returncode != 0
