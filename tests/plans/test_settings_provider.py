"""The phase of a rotation of a provider's key, by the files and the journals of the hosts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from lockstitch.facts.settings import SettingFacts, SettingProcess
from lockstitch.facts.settings_since import FormerKey
from lockstitch.inventory.load import InventoryFolder
from lockstitch.inventory.selection import select
from lockstitch.plans.settings_provider import rotate_provider_key
from lockstitch.plans.settings_sites import SettingsOptions
from tests.plans.test_plans import survey

RUN, NEXT = "20260301T000000Z-aaaa", "20260302T000000Z-bbbb"
INVENTORY = """
groups:
  backend: {hosts: [a1, a2], apps: [api]}
apps:
  api:
    repository: r
    path: srv/api
    layout: releases
    shared: [.env]
    settings: {KEY: {from: "env:KEY", rotate: {proof: pay, former: "env:FORMER", refused: former-key}}}
    env_file: {format: shell}
    service: {kind: gunicorn, pidfile: api.pid, start: gunicorn --daemon}
    smoke:
      url: https://api.example.com
      steps:
        pay: {get: /pay}
        former-key: {get: /balance, bearer: "env:FORMER", expect: 401}
"""


def record(event: str, **fields: str) -> Mapping[str, str]:
    return {"event": event, "run": RUN, "at": "2026-03-01T00:00:00Z", **fields}


@pytest.mark.parametrize("is_kept", [False, True])
def test_kept_files_with_the_former_key_are_not_the_end_of_a_rotation(tmp_path: Path, is_kept: bool) -> None:
    (tmp_path / "prod.yml").write_text(INVENTORY)
    (fleet,) = select(InventoryFolder(tmp_path), "prod").fleets
    at = survey(fleet)
    records = (record("settings", verb="rotate", names="KEY", phase="2"), record("run", result="done"))
    known = SettingFacts(
        {"KEY": "same"}, processes=(SettingProcess("worker", "7", 1, {"KEY": "same"}),), records=records
    )
    a1 = next(site for site in at.facts if site.host == "a1")
    former = {site: FormerKey(is_kept=is_kept and site == a1) for site in at.facts}
    asked = SettingsOptions(NEXT, "ada", "rotate", names=("KEY",), known={site: {"KEY": "new"} for site in at.facts})
    plan = rotate_provider_key(fleet, at, dict.fromkeys(at.facts, known), former, asked)
    assert bool(plan.waves) is is_kept
    if is_kept:
        assert "prove that the former KEY is refused" in plan.waves[0].name
        assert [unit.site for unit in plan.finish if "rm -rf" in str(unit.steps)] == list(at.facts)
