"""Service laravel: what it says of what it found, and its shell texts on real folders."""

from __future__ import annotations

import grp
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lockstitch.errors import InventoryError
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.selection import select
from lockstitch.model.command import Command
from lockstitch.model.layout import layout
from lockstitch.services.laravel import Laravel
from lockstitch.services.maintenance import Page, by_file, parse_maintenance
from lockstitch.services.release_context import ReleaseContext
from lockstitch.services.state import parse_state
from tests.shells import SHELLS, says

FPM = {"unit": "php8.2-fpm"}
SEEN = "boot 0\nreloaded 500\nrelease /app/releases/2\n{manager}\n{workers}also serving {serving}\n"
ABOUT = (
    "version 8.83.26",
    "command down redirect render retry refresh secret status",
    "command migrate force",
    *(f"command {name}:cache " for name in ("config", "route", "view")),
    "waiting 2026_01_01_000000_add_desks",
    "control 0 /etc/php/8.2/fpm/php-fpm.conf",
)


def laravel(**settings: Any) -> Laravel:
    return Laravel(kind="laravel", fpm=FPM, **settings)


def place(directory: Path | str = "/app", **more: Any) -> ReleaseContext:
    return ReleaseContext("desk", layout("releases", str(directory)), "2", "b" * 40, **more)


def judged(workers: str, manager: str = "running active running", serving: str = "/app/releases/2") -> str:
    verdict = laravel().judge(parse_state(SEEN.format(manager=manager, workers=workers, serving=serving), 0))
    return "" if verdict.passed else verdict.reason


def test_only_young_workers_of_what_is_current_are_proof() -> None:
    young, old = "process worker 7 501 /\n", "process worker 8 499 /\n"
    assert judged(young) == "" and judged("") == "", "a pool may have no worker as long as nobody asks"
    assert judged(young + old) == "1 of 2 php-fpm workers are older than the reload"
    assert "does not run" in judged(young, manager="down php8.2-fpm is failed")
    assert judged(young, serving="/app/releases/1") == "current is /app/releases/1, not /app/releases/2"


def test_the_plan_says_what_the_version_lacks_and_what_php_fpm_cuts_off() -> None:
    service = laravel(maintenance={"when": "always", "retry": 60, "redirect": "/away", "except": "status"})
    said = "\n".join(service.warnings(place(about=ABOUT)))
    assert "set process_control_timeout = 30s in /etc/php/8.2/fpm/php-fpm.conf" in said
    assert "Laravel 8.83.26 has no event:cache: left out" in said
    assert "`artisan down` has no --except in Laravel 8.83.26" in said
    assert "not applied yet, of the code that serves: 2026_01_01_000000_add_desks" in said
    assert "--retry" not in said and "--redirect" not in said
    assert [step.name for step in service.before(place(about=ABOUT))] == ["cache config", "cache route", "cache view"]


def test_where_nothing_is_known_nothing_is_said_to_lack() -> None:
    service = laravel(maintenance={"when": "always", "retry": 60})
    assert list(service.warnings(place())) == []
    assert len(list(service.before(place()))) == 4, "the new code is asked itself"


def test_what_an_inventory_gets_by_default(tmp_path: Path) -> None:
    app = written(tmp_path, "layout: releases\n    shared: [storage/, uploads]")
    assert app.shared == (".env", "storage/", "uploads")
    assert app.migrate == "php artisan migrate --force"
    assert app.migrating.pending and "migrate:rollback --step=$steps" in app.migrating.down
    assert app.mode is not None and app.mode.when == "never"
    assert written(tmp_path, "layout: in_place").shared == ()
    assert written(tmp_path, "migrate: php8.2 artisan migrate --force --isolated=75").migrating.pending
    secret = written(tmp_path, "env: {A: b}", "maintenance: {secret: 'env:BYPASS'}").secrets
    assert secret == {"LOCKSTITCH_MAINTENANCE_SECRET": "env:BYPASS"}
    with pytest.raises(InventoryError, match="has a maintenance mode of its own"):
        written(tmp_path, "maintenance_page: /var/www/desk.html")


def written(folder: Path, app: str, service: str = "migrate: true") -> Any:
    text = f"""
groups:
  backend: {{hosts: [a], apps: [desk]}}
apps:
  desk:
    repository: r
    path: srv/desk
    {app}
    service:
      kind: laravel
      fpm: {{unit: php8.2-fpm}}
      {service}
"""
    (folder / "prod.yml").write_text(text)
    (fleet,) = select(InventoryFolder(folder), "prod").fleets
    ((_, found),) = fleet.sites()
    return found


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A release with what Laravel wants, made by somebody who knew nothing of the web server."""
    made = tmp_path / "app" / "releases" / "2"
    (made / "bootstrap" / "cache").mkdir(parents=True)
    (tmp_path / "app" / "shared" / "storage" / "logs").mkdir(parents=True)
    (tmp_path / "app" / "shared" / "storage" / "logs" / "laravel.log").write_text("")
    (made / "storage").symlink_to(tmp_path / "app" / "shared" / "storage")
    return made


def ran(command: Command) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh"], input=command.render(), capture_output=True, text=True, check=False)


def test_the_web_server_may_write_where_it_must_and_nothing_is_touched_twice(release: Path, tmp_path: Path) -> None:
    group = grp.getgrgid(os.getgid()).gr_name
    step = next(s for s in laravel(group=group).prepare(place(tmp_path / "app")) if s.name == "writable")
    assert ran(step.command).returncode == 0
    folders = [release / "bootstrap/cache", *(path for path in (release / "storage").rglob("*") if path.is_dir())]
    assert {path.name for path in folders} >= {"data", "sessions", "views", "logs", "public"}
    for path in folders:
        assert path.stat().st_mode & 0o2070 == 0o2070, path
    assert stat.S_IMODE((release / "storage/logs/laravel.log").stat().st_mode) & 0o060 == 0o060
    before = {path: path.stat().st_ctime_ns for path in folders}
    assert ran(step.command).returncode == 0
    assert {path: path.stat().st_ctime_ns for path in folders} == before


def test_a_group_that_is_not_there_is_said(release: Path, tmp_path: Path) -> None:
    step = next(
        s for s in laravel(group="nobody-of-that-name").prepare(place(tmp_path / "app")) if s.name == "writable"
    )
    done = ran(step.command)
    assert done.returncode == 1 and "there is no group nobody-of-that-name" in done.stdout


def test_composer_wants_a_lock_file(release: Path, tmp_path: Path) -> None:
    step = next(iter(laravel(composer="sh").prepare(place(tmp_path / "app"))))
    assert ran(step.command).returncode == 0, "no composer.json: nothing to install"
    (release / "composer.json").write_text("{}")
    done = ran(step.command)
    assert done.returncode == 1 and "commit the lock file" in done.stdout


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_maintenance_by_a_page(shell: tuple[str, ...], tmp_path: Path) -> None:
    page, state = tmp_path / "www" / "api.html", tmp_path / "state"
    mode = by_file(str(page))
    at = ReleaseContext("api", layout("in_place", str(tmp_path / "api"), str(state)), "", "")

    def looked() -> Any:
        return parse_maintenance(says(shell, mode.probe(at).command.render()).decode(), 0)

    assert not looked().on
    says(shell, mode.on(at, "run-1", "ada@desk", Page("60", "", "<b>moving</b> & more")).render())
    assert "&lt;b&gt;moving&lt;/b&gt; &amp; more" in page.read_text()
    assert stat.S_IMODE(page.stat().st_mode) == 0o644
    found = looked()
    assert (found.on, found.by, found.temporary) == (True, "ada@desk", False)
    says(shell, mode.down(at, "run-2", "bob", "deploy").render())
    assert looked().by == "ada@desk", "a deploy takes nothing over that somebody wants"
    says(shell, mode.up(at, "run-2").render())
    assert looked().on
    says(shell, mode.off(at).render())
    assert not looked().on and list(state.iterdir()) == []


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_page_that_cannot_be_looked_at_is_not_off(shell: tuple[str, ...], tmp_path: Path) -> None:
    page = tmp_path / "www" / "api.html"
    at = ReleaseContext("api", layout("in_place", str(tmp_path / "api"), str(tmp_path / "state")), "", "")

    def looked() -> Any:
        return parse_maintenance(says(shell, by_file(str(page)).probe(at).command.render()).decode(), 0)

    assert str(looked()) == "off"
    page.parent.symlink_to("www")
    assert looked().unknown.endswith("www/api.html cannot be looked at: Too many levels of symbolic links")


def test_the_scheduler_is_restarted_after_the_workers() -> None:
    steps = list(laravel(scheduler="desk-scheduler").after(place()))
    assert [step.name for step in steps] == ["queues", "scheduler"]
    command = steps[1].command
    assert (command.values["unit"], command.values["verb"]) == ("desk-scheduler", "restart")
    assert all(step.redo_on_rollback for step in steps), "also on the way back"
    assert [step.name for step in laravel(queues={"restart": False}).after(place())] == []
