"""Another environment of a project, and a requirements.txt that installs."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import lockstitch
from lockstitch.cli.scaffold import project
from lockstitch.cli.scaffold.init import begin
from lockstitch.errors import UsageError
from lockstitch.inventory.load import load
from tests.cli.scaffold.newcomer import held

FIRST = {
    "app": "shop",
    "hosts": "web1",
    "user": "ada",
    "repository": "git@example.com:acme/shop.git",
    "path": "/app/shop",
}
SETTINGS = ["unit=shop-web", "reload=restart"]


@pytest.fixture
def ops(tmp_path: Path) -> Path:
    """A project with the environment prod."""
    begin(str(tmp_path / "ops"), {**FIRST, "service": "systemd", "health": "http://localhost:8000/"}, SETTINGS)
    return tmp_path / "ops"


def test_another_environment_has_the_settings_of_the_first(ops: Path) -> None:
    before = held(ops)
    told = begin(str(ops), {"hosts": "staging1"})
    after = held(ops)
    assert {path: after[path] for path in before} == before and set(after) - set(before) == {"hosts/staging.yml"}
    assert "--environment staging" in told and "fab -H staging deploy" in told and "copy what staging needs" in told
    was, inventory = load(ops / "hosts", "prod").app("shop", "web1"), load(ops / "hosts", "staging")
    app = inventory.app("shop", "staging1")
    assert (app.repository, app.path, app.service, app.health) == (was.repository, was.path, was.service, was.health)
    assert inventory.hosts[0].address.user == "ada"


def test_the_other_apps_of_the_first_are_said_to_be_left_out(ops: Path) -> None:
    file = ops / "hosts" / "prod.yml"
    other = (
        "  site: {repository: git@example.com:acme/site.git, path: /srv/site, service: {kind: systemd, unit: site}}\n"
    )
    text = file.read_text().replace("apps: [shop]", "apps: [shop, site]").replace("rollout:", f"{other}rollout:")
    assert other in text
    assert "the app" not in begin(str(ops), {"hosts": "s", "environment": "one"})
    file.write_text(text)
    (ops / "hosts" / "one.yml").unlink()
    told = begin(str(ops), {"hosts": "s", "environment": "two"})
    assert "not taken over from hosts/prod.yml: the app site, build, test" in told


def test_nothing_that_is_there_is_overwritten(ops: Path) -> None:
    before = held(ops)
    with pytest.raises(UsageError, match=r"hosts/prod.yml is there already; nothing was written"):
        begin(str(ops), {"environment": "prod"})
    begin(str(ops), {"environment": "blue", "hosts": "b"}, dry=True)
    assert held(ops) == before


def test_an_app_that_all_environments_share_stays_where_it_is(ops: Path) -> None:
    text = (ops / "hosts" / "prod.yml").read_text()
    start, end = text.index("apps:\n  shop"), text.index("rollout:")
    (ops / "hosts" / "_all.yml").write_text(text[start:end])
    (ops / "hosts" / "prod.yml").write_text(text[:start] + text[end:])
    told = begin(str(ops), {"hosts": "s1"})
    assert "repository" not in (ops / "hosts" / "staging.yml").read_text() and "--repository" not in told
    assert load(ops / "hosts", "staging").app("shop", "s1").path == "/app/shop"


def test_a_project_whose_inventory_is_broken_gets_the_usual_defaults(ops: Path) -> None:
    (ops / "hosts" / "prod.yml").write_text("groups: {")
    begin(str(ops), {"environment": "blue"})
    assert load(ops / "hosts", "blue").app("api", "web1.example.com")


@pytest.mark.parametrize(
    ("origin", "line"),
    [
        (None, f"lockstitch=={lockstitch.__version__}"),
        ({"url": "file:///tmp/lockstitch-1.whl", "archive_info": {}}, "lockstitch @ file:///tmp/lockstitch-1.whl"),
        (
            {
                "url": "https://git.example.com/l.git",
                "vcs_info": {"vcs": "git", "commit_id": "abc", "requested_revision": "v1"},
            },
            "lockstitch @ git+https://git.example.com/l.git@abc",
        ),
    ],
)
def test_requirements_install_from_where_this_was_installed(
    origin: Any, line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = None if origin is None else json.dumps(origin)
    monkeypatch.setattr(project, "distribution", lambda name: SimpleNamespace(read_text=lambda file: text))
    monkeypatch.setattr(lockstitch, "__file__", str(tmp_path / "site" / "lockstitch" / "__init__.py"))
    assert project.requirement() == line


def test_a_checkout_installs_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "distribution", lambda name: SimpleNamespace(read_text=lambda file: None))
    root = Path(lockstitch.__file__).resolve().parents[1]
    assert project.requirement() == f"lockstitch @ {root.as_uri()}"
