"""Another environment file is taken by a reload, or by a restart where processes would keep the former values."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockstitch.facts.settings import SettingFacts
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.selection import select
from lockstitch.model.plan import Site
from lockstitch.plans.settings_release import with_settings_back
from lockstitch.plans.settings_sites import SettingsOptions, SettingsSite
from lockstitch.plans.steps import Deployment
from tests.plans.test_plans import NEW, OLD, RUN, facts

INVENTORY = """
groups:
  backend: {{hosts: [a1], apps: [api]}}
apps:
  api:
    repository: r
    path: srv/api
    layout: releases
    shared: [.env]
    settings: {{DEBUG: {{is: "False"}}}}
    env_file: {{format: {format}}}
    service: {service}
"""
STARTED = "{kind: gunicorn, pidfile: api.pid, start: gunicorn --daemon}"
UNIT = "{kind: gunicorn, unit: api}"


@pytest.mark.parametrize(
    ("service", "dialect", "steps"),
    [
        (STARTED, "dotenv", ["stop", "start"]),
        (STARTED, "shell", ["stop", "start"]),
        (UNIT, "dotenv", ["reload"]),
        (UNIT, "systemd", ["restart"]),
        ("{kind: pm2, name: api, ecosystem: e.js}", "dotenv", ["reload"]),
    ],
)
def test_a_process_that_has_the_values_from_its_start_is_restarted(
    tmp_path: Path, service: str, dialect: str, steps: list[str]
) -> None:
    (tmp_path / "prod.yml").write_text(INVENTORY.format(format=dialect, service=service))
    (fleet,) = select(InventoryFolder(tmp_path), "prod").fleets
    app = fleet.inventory.app("api", "a1")
    site = Site("a1", "api", app.layout_paths)
    job = Deployment(site, app, facts(site), NEW, "20260301T000000Z-bbbbbbbbbbbb", run=RUN)
    unit = SettingsSite(job, SettingFacts(), {"DEBUG": "False"}).unit(SettingsOptions(RUN, "ada@desk", "push"))
    assert [step.name for step in unit.steps] == ["record settings", "write settings", *steps]
    assert [step.name for step in with_settings_back(job, OLD).take_steps] == steps
